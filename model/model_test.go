package model

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/hf"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/tokenizer"
)

type llamaGolden struct {
	Cases []struct {
		Prompt   []int32
		Logits   [][]float64
		LogProbs []float64
		Greedy   []int32
	}
	Loss struct {
		Prompt int
		Value  float64
		Grads  map[string]struct {
			Norm  float64
			First []float64
		}
	}
}

// Logits, log-probabilities, greedy continuations, loss and gradients are those of
// transformers (README.md beside each).
func TestDecoderGolden(t *testing.T) {
	for _, name := range []string{"llama-tied", "llama-tiny", "llama3-rope", "qwen2-tiny", "qwen3-tiny", "mistral-tiny"} {
		t.Run(name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, b Backend) { testDecoder(t, b, filepath.Join("testdata", name)) })
		})
	}
}

// More decoders of the same make: the folders below that of SATORI_DECODERS.
func TestDecoderMore(t *testing.T) {
	root := os.Getenv("SATORI_DECODERS")
	if root == "" {
		t.Skip("SATORI_DECODERS names no folder")
	}
	list, err := filepath.Glob(filepath.Join(root, "*", "golden.json"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no goldens below %s: %v", root, err)
	}
	for _, path := range list {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, b Backend) { testDecoder(t, b, dir) })
		})
	}
}

func testDecoder(t *testing.T, b Backend, dir string) {
	net, err := OpenNet(b, dir)
	require.NoError(t, err)
	defer net.Close()
	var golden llamaGolden
	modeltest.ReadJSON(t, filepath.Join(dir, "golden.json"), &golden)
	ctx := context.Background()

	logits := device.New(b, "logits", func(in []*Node) []*Node {
		d, in := net.Config.Bind(in)
		return []*Node{d.Logits(d.Hidden(in[0]))}
	})
	var prompts [][]int32
	worst, worstLog := 0.0, 0.0
	for i, c := range golden.Cases {
		out, err := logits.Call(net.Weights(), []*Tensor{backend.Ints(c.Prompt, 1, len(c.Prompt))})
		require.NoError(t, err)
		got := device.Take[float32](out[0])
		for p, row := range c.Logits {
			for v, want := range row {
				d := math.Abs(float64(got[p*net.Config.VocabSize+v]) - want)
				if worst = max(worst, d); d > 1e-4 {
					t.Fatalf("case %d: logit [%d, %d] is off by %g", i, p, v, d)
				}
			}
		}
		prompts = append(prompts, c.Prompt)
	}
	logp, err := net.TokenLogProbs(ctx, prompts, 1)
	require.NoError(t, err)
	for i, c := range golden.Cases {
		if logp[i][0] != 0 || len(logp[i]) != len(c.Prompt) {
			t.Fatalf("case %d: %d entries, first %g", i, len(logp[i]), logp[i][0])
		}
		for k, want := range c.LogProbs {
			d := math.Abs(float64(logp[i][k+1]) - want)
			if worstLog = max(worstLog, d); d > 1e-4 {
				t.Errorf("case %d: log-probability of token %d is off by %g", i, k+1, d)
			}
		}
	}
	t.Logf("largest difference: logits %.1e, log-probabilities %.1e", worst, worstLog)

	// Greedy, through prefill and cache, with an EOS that the golden does not stop at.
	lm := &LM{Net: net}
	lm.Config.EOS, lm.Config.Stops = int32(net.Config.VocabSize), nil // never sampled
	var requests []Request
	for _, c := range golden.Cases {
		requests = append(requests, Request{Prompt: c.Prompt, MaxTokens: len(c.Greedy)})
	}
	done, err := lm.sampleOne(requests)
	require.NoError(t, err)
	for i, c := range golden.Cases {
		if !slices.Equal(done[i].Tokens, c.Greedy) || !done[i].Truncated {
			t.Errorf("case %d: greedy %v, want %v", i, done[i].Tokens, c.Greedy)
		}
	}

	// Loss and gradients.
	row := golden.Cases[golden.Loss.Prompt].Prompt
	n := len(row)
	config, specs := net.Config, net.Specs()
	gradient := device.New(b, "loss", func(in []*Node) []*Node {
		d, in := config.Bind(in)
		logp, _ := d.LogProbs(d.Hidden(in[0]), in[0], nil)
		loss := DivScalar(Neg(ReduceAllSum(logp)), float64(n-1))
		var nodes []*Node
		for _, s := range specs {
			nodes = append(nodes, d.Weights[s.Name])
		}
		return append([]*Node{loss}, Gradient(loss, nodes...)...)
	})
	out, err := gradient.Call(net.Weights(), []*Tensor{backend.Ints(row, 1, n)})
	require.NoError(t, err)
	if got := float64(device.Take[float32](out[0])[0]); math.Abs(got-golden.Loss.Value) > 1e-4 {
		t.Errorf("loss %g, want %g", got, golden.Loss.Value)
	}
	for i, s := range specs {
		want := golden.Loss.Grads[s.Name]
		got := device.Take[float32](out[1+i])
		var squares float64
		for _, x := range got {
			squares += float64(x) * float64(x)
		}
		if norm := math.Sqrt(squares); math.Abs(norm-want.Norm) > 1e-4*want.Norm {
			t.Errorf("%s: gradient norm %g, want %g", s.Name, norm, want.Norm)
		}
		for k, x := range want.First {
			if math.Abs(float64(got[k])-x) > 1e-4*want.Norm {
				t.Errorf("%s: gradient [%d] is %g, want %g", s.Name, k, got[k], x)
			}
		}
	}
}

// small is the example's kind of decoder: grouped heads, half rotary, time shift.
var small = Config{VocabSize: 23, Dim: 32, IntermediateSize: 40, Layers: 2, Heads: 4, KVHeads: 2, MaxPositions: 128,
	PartialRotary: 0.5, TokenShift: true, Tied: true, InitRange: 0.15, EOS: 1}

func smallLM(t testing.TB, b Backend) *LM {
	net, err := NewNet(b, small, 7)
	require.NoError(t, err)
	var words []string
	for i := range small.VocabSize - 2 {
		words = append(words, fmt.Sprint(i))
	}
	tok, err := tokenizer.NewWordLevel(append([]string{"<pad>", "<eos>"}, words...), nil)
	require.NoError(t, err)
	lm, err := NewLM(net, tok)
	require.NoError(t, err)
	return lm
}

func TestSaveOpen(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	lm := smallLM(t, b)
	dir := filepath.Join(t.TempDir(), "a", "model")
	for range 2 { // the second time over the first
		require.NoError(t, lm.Save(dir))
	}
	again, err := Open(b, dir)
	require.NoError(t, err)
	for _, s := range lm.Specs() {
		x, _ := lm.Tensor(s.Name)
		y, ok := again.Tensor(s.Name)
		if !ok || !slices.Equal(x, y) {
			t.Errorf("%s differs after Save and Open", s.Name)
		}
	}
	if want, _ := lm.Config.Resolve(); !reflect.DeepEqual(again.Config, want) {
		t.Errorf("config %+v, want %+v", again.Config, want)
	}
	critic, err := lm.Net.WithHeads(1, decoder.HeadScore)
	require.NoError(t, err)
	scoreDir := filepath.Join(t.TempDir(), "score")
	require.NoError(t, hf.SaveNet(critic, scoreDir))
	if c, err := OpenNet(b, scoreDir); err != nil || !c.Config.HasHead(decoder.HeadScore) || c.Config.HasHead(decoder.HeadLM) {
		t.Errorf("reward model: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*")); len(left) > 0 {
		t.Errorf("temporary files stay: %v", left)
	}

	edit := func(file string, change func(string) string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, file)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, []byte(change(string(data))), 0o644))
		}
	}
	for _, c := range []struct {
		name, want string
		harm       func(t *testing.T, dir string)
	}{
		{"no weights", "has no weights", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "model.safetensors")) }},
		{"no config", "config.json", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "config.json")) }},
		{"tokenizer", "tokenizer.json", edit("tokenizer.json", func(string) string { return "{" })},
		{"cut", "bytes", edit("model.safetensors", func(s string) string { return s[:len(s)-4] })},
		{"empty", "ends within its first 8 bytes", edit("model.safetensors", func(string) string { return "" })},
		{"huge header", "is no whole safetensors file", edit("model.safetensors", func(string) string { return "\xff\xff\xff\xff\xff\xff\xff\x7f{}" })},
		{"renamed tensor", `tensor "model.norm.weighs" is not one of this model's`, edit("model.safetensors", func(s string) string { return strings.Replace(s, "model.norm.weight", "model.norm.weighs", 1) })},
		{"shape", `tensor "model.embed_tokens.weight" has shape [23 32], want [25 32]`, edit("config.json", func(s string) string { return strings.Replace(s, `"vocab_size": 23`, `"vocab_size": 25`, 1) })},
		{"activation", `field "hidden_act" is gelu`, edit("config.json", func(s string) string { return strings.Replace(s, "silu", "gelu", 1) })},
		{"architecture", `model_type "mamba" is not supported`, edit("config.json", func(s string) string { return strings.Replace(s, `"satori"`, `"mamba"`, 1) })},
		{"rope", `field "rope_parameters.rope_type" is yarn`, edit("config.json", func(s string) string { return strings.Replace(s, `"default"`, `"yarn"`, 1) })},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "m")
			require.NoError(t, lm.Save(dir))
			c.harm(t, dir)
			if _, err := Open(b, dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// A model takes the place of a saved one, and of nothing else.
func TestSaveKeepsOthers(t *testing.T) {
	lm := smallLM(t, modeltest.Backends(t)["go"])
	headed, err := lm.WithHeads(1, decoder.HeadLM, "value")
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "m")
	for _, m := range []*LM{headed, lm, lm} { // the folder of heads goes
		require.NoError(t, m.Save(dir))
	}
	notes := filepath.Join(dir, "README.md")
	require.NoError(t, os.WriteFile(notes, nil, 0o644))
	if err := lm.Save(dir); err == nil || !strings.Contains(err.Error(), "the directory holds README.md, which would be lost") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(notes); err != nil {
		t.Error(err)
	}
	if _, err := Open(lm.Backend(), dir); err != nil {
		t.Error(err)
	}
}

// sampleOne gives the first completion of each request.
func (m *LM) sampleOne(requests []Request) ([]Completion, error) {
	all, err := m.SampleAll(context.Background(), requests)
	var first []Completion
	for _, c := range all {
		first = append(first, c[0])
	}
	return first, err
}

// logProbs is LM.LogProbs of a network.
func logProbs(ctx context.Context, n *Net, seqs [][]int32) ([][]float32, error) {
	return (&LM{Net: n}).LogProbs(ctx, seqs)
}
