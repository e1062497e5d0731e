package bt

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/reward"
)

func openBackend(fatal func(...any)) model.Backend {
	b, err := model.OpenBackend("go")
	if err != nil {
		fatal(err)
	}
	return b
}

// Losses and gradients are PyTorch's (testdata/README.md).
func TestLossGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/golden.json")
	require.NoError(t, err)
	var golden struct {
		Cases []struct {
			Margin       float64
			Center       float64 `json:"center_coef"`
			Chosen       []float32
			Rejected     []float32
			PerPair      []float64 `json:"per_pair"`
			GradChosen   []float64 `json:"grad_chosen"`
			GradRejected []float64 `json:"grad_rejected"`
		}
	}
	require.NoError(t, json.Unmarshal(data, &golden))
	b := openBackend(t.Fatal)
	for i, c := range golden.Cases {
		n := len(c.Chosen)
		out, err := graph.CallOnceN(b, func(chosen, rejected *graph.Node) []*graph.Node {
			each := Loss(chosen, rejected, c.Margin)
			grads := graph.Gradient(graph.ReduceAllMean(each), chosen, rejected)
			return []*graph.Node{each, grads[0], grads[1]}
		}, backend.Floats(c.Chosen, n), backend.Floats(c.Rejected, n))
		require.NoError(t, err)
		for k := range n {
			per := float64(out[0].Value().([]float32)[k])
			if math.Abs(per-c.PerPair[k]) > 1e-5*max(1, c.PerPair[k]) {
				t.Errorf("case %d: loss of pair %d is %g, want %g", i, k, per, c.PerPair[k])
			}
			// The goldens' gradients hold the centring term too: c·2(chosen+rejected)/n.
			centre := c.Center * 2 * float64(c.Chosen[k]+c.Rejected[k]) / float64(n)
			for side, want := range []float64{c.GradChosen[k], c.GradRejected[k]} {
				got := float64(out[1+side].Value().([]float32)[k])
				if math.Abs(got-(want-centre)) > 1e-5 {
					t.Errorf("case %d: gradient %d of side %d is %g, want %g", i, k, side, got, want-centre)
				}
			}
		}
	}
}

func newLM(fatal func(...any)) *model.LM {
	tok, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> a b c d good bad"), coat.Actions{}.Tokens())
	if err != nil {
		fatal(err)
	}
	net, err := model.NewNet(openBackend(fatal), model.Config{VocabSize: tok.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 64, EOS: 1, InitRange: 0.1, Tied: true}, 3)
	if err != nil {
		fatal(err)
	}
	lm, err := model.NewLM(net, tok)
	if err != nil {
		fatal(err)
	}
	return lm
}

// pairs differ in one word somewhere in the response.
func pairs(n int) (list []reward.Pair) {
	words := strings.Fields("a b c d")
	for i := range n {
		p := coat.Problem{ID: fmt.Sprint(i), Question: words[i%4], Answer: "-"}
		text := func(word string, tail int) coat.Attempt {
			return coat.Attempt{Start: coat.Start{Problem: p}, Text: word + strings.Repeat(" "+words[(i/4)%4], tail)}
		}
		list = append(list, reward.Pair{Chosen: text("good", i%5), Rejected: text("bad", (i+2)%7)})
	}
	return list
}

func trainOn(fatal func(...any), m *Model, list []reward.Pair) (last Step) {
	for step, err := range m.Train(context.Background(), list, Config{LearningRate: 1e-2, Batch: 16}) {
		if err != nil {
			fatal(err)
		}
		last = step
	}
	return last
}

func Example() {
	fatal := func(v ...any) { panic(fmt.Sprint(v...)) }
	m := newModel(fatal, newLM(fatal), 1)
	last := trainOn(fatal, m, pairs(256))
	fmt.Println(last.Step, "updates; the right one of a held-out pair scores higher:", m.Accuracy)
	p := pairs(1)[0]
	scores, err := m.Score(context.Background(), []coat.Attempt{p.Chosen, p.Rejected})
	fmt.Println(scores[0] > 0.5, scores[1] < -0.5, err)
	// Output:
	// 30 updates; the right one of a held-out pair scores higher: 1
	// true true <nil>
}

func TestSaveOpen(t *testing.T) {
	lm := newLM(t.Fatal)
	m := newModel(t.Fatal, lm, 1)
	trainOn(t.Fatal, m, pairs(64))
	dir := filepath.Join(t.TempDir(), "rm")
	require.NoError(t, m.Save(dir))
	again, err := Open(lm, coat.Bare, dir)
	require.NoError(t, err)
	attempts := []coat.Attempt{pairs(3)[2].Chosen, {Start: coat.Start{Problem: coat.Problem{Question: "b"}}, Text: "c c", Truncated: true}}
	want, _ := m.Score(context.Background(), attempts)
	got, err := again.Score(context.Background(), attempts)
	if err != nil || got[0] != want[0] || got[1] != want[1] || want[0] == want[1] {
		t.Errorf("scores %v, want %v (%v)", got, want, err)
	}
	other := filepath.Join(t.TempDir(), "lm")
	require.NoError(t, lm.Save(other))
	if _, err := Open(lm, coat.Bare, other); err == nil || !strings.Contains(err.Error(), "is a language model") {
		t.Errorf("error %v", err)
	}
}

// On held-out pairs scores have mean 0 and deviation 1.
func TestNormalised(t *testing.T) {
	m := newModel(t.Fatal, newLM(t.Fatal), 1)
	var rows []pair
	for _, p := range pairs(20) {
		a, _, _ := m.lm.Encode(coat.Bare, p.Chosen)
		b, _, _ := m.lm.Encode(coat.Bare, p.Rejected)
		rows = append(rows, pair{a, b})
	}
	require.NoError(t, m.measure(context.Background(), rows))
	var all []coat.Attempt
	for _, p := range pairs(20) {
		all = append(all, p.Chosen, p.Rejected)
	}
	scores, err := m.Score(context.Background(), all)
	require.NoError(t, err)
	mean, squares := 0.0, 0.0
	for _, s := range scores {
		mean += s / 40
		squares += s * s / 40
	}
	if math.Abs(mean) > 1e-4 || math.Abs(squares-1) > 1e-3 {
		t.Errorf("mean %g, mean square %g", mean, squares)
	}
}

func TestErrors(t *testing.T) {
	m := newModel(t.Fatal, newLM(t.Fatal), 1)
	for _, c := range []struct {
		list   []reward.Pair
		config Config
		want   string
	}{
		{pairs(9), Config{}, "LearningRate is 0"},
		{nil, Config{LearningRate: 1}, "there are no pairs"},
		{pairs(9), Config{LearningRate: 1, HeldOut: 2}, "HeldOut 2"},
		{pairs(12), Config{LearningRate: 1, HeldOut: 0.99}, "Config.HeldOut is 0.99: it keeps all 12 pairs apart"},
		{append(pairs(9), reward.Pair{Chosen: coat.Attempt{Text: "zebra"}}), Config{LearningRate: 1}, "zebra"},
	} {
		var last error
		for _, err := range m.Train(context.Background(), c.list, c.config) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), c.want) {
			t.Errorf("error %v, want %s", last, c.want)
		}
	}
}

// No problem stands on both sides.
func TestHoldOut(t *testing.T) {
	list := append(pairs(40), pairs(40)...) // two pairs a problem
	encoded := make([]pair, len(list))
	for i := range encoded {
		encoded[i][0] = []int32{int32(i % 40)}
	}
	train, test := holdOut(list, encoded, 8, rand.New(rand.NewPCG(1, 1)))
	if len(test) != 8 || len(train) != 72 {
		t.Fatalf("%d and %d pairs", len(train), len(test))
	}
	held := map[int32]bool{}
	for _, p := range test {
		held[p[0][0]] = true
	}
	for _, p := range train {
		if held[p[0][0]] {
			t.Errorf("problem %d stands on both sides", p[0][0])
		}
	}
	if train, test := holdOut(list[:9], encoded[:9], 1, rand.New(rand.NewPCG(1, 1))); len(train) != 9 || len(test) != 9 {
		t.Errorf("of nine problems %d and %d pairs", len(train), len(test))
	}
	// A problem with half of the pairs is trained on, wherever the order has it.
	list = pairs(40)
	for range 40 {
		list = append(list, list[0])
	}
	for seed := range uint64(20) {
		train, test := holdOut(list, make([]pair, len(list)), 8, rand.New(rand.NewPCG(seed, 1)))
		if len(test) != 8 || len(train) != 72 {
			t.Errorf("of a large problem and small ones %d and %d pairs", len(train), len(test))
		}
	}
	large := append(pairs(10), pairs(10)...)
	if train, test := holdOut(large, make([]pair, len(large)), 1, rand.New(rand.NewPCG(1, 1))); len(test) != 2 || len(train) != 18 {
		t.Errorf("of problems that are all too large %d and %d pairs", len(train), len(test))
	}
}

// A text that comes to a little more than the model has positions for is scored as far as it
// has them, and a longer one refused.
func TestScoreAtTheLimit(t *testing.T) {
	m := newModel(t.Fatal, newLM(t.Fatal), 1)
	limit := m.Net.Config.MaxPositions
	var scores []float64
	for _, n := range []int{limit - 1, limit, limit + 2} { // behind a prompt of one token
		a := coat.Attempt{Start: coat.Start{Problem: coat.Problem{Question: "a"}}, Text: strings.TrimSpace(strings.Repeat("b ", n))}
		s, err := m.Score(t.Context(), []coat.Attempt{a})
		require.NoError(t, err, 1+n)
		scores = append(scores, s...)
	}
	if scores[0] != scores[1] || scores[1] != scores[2] {
		t.Errorf("scores %v", scores)
	}
	long := coat.Attempt{Start: coat.Start{Problem: coat.Problem{ID: "p", Question: "a"}}, Text: strings.TrimSpace(strings.Repeat("b ", limit+9))}
	if _, err := m.Score(t.Context(), []coat.Attempt{long}); err == nil || !strings.Contains(err.Error(), `problem "p": the attempt has 75 tokens, the model room for 64`) {
		t.Errorf("error %v", err)
	}
}

// newModel is New in tests.
func newModel(fatal func(...any), lm *model.LM, seed uint64) *Model {
	m, err := New(lm, coat.Bare, seed)
	if err != nil {
		fatal(err)
	}
	return m
}
