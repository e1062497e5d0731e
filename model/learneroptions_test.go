package model

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/malloc"
)

// The gradient is that of the whole batch, whatever the micro-batch.
func TestAccumulation(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		lm := smallLM(t, b)
		var rows [][]int32
		for r := range 8 {
			row := make([]int32, 16)
			for k := range row {
				row[k] = int32(2 + (7*r+3*k*k)%21)
			}
			rows = append(rows, row)
		}
		gradient := func(micro int) (sum []float64, loss float64) {
			l := NewLearner(lm.Net, nextToken, AdamW{})
			var batches [][]*Tensor
			for part := range slices.Chunk(rows, micro) {
				batches = append(batches, []*Tensor{backend.Ints(PadRows(part, 16), len(part), 16), backend.Floats([]float32{8 * 15}, 1)})
			}
			stat, sums, err := l.gradients(batches)
			if err != nil {
				t.Fatal(err)
			}
			if len(sums) > lanes {
				t.Errorf("%d sums are kept", len(sums))
			}
			for k := range l.learns {
				var total []float64
				for _, s := range sums {
					for i, x := range device.Values(s[k]) {
						if i == len(total) {
							total = append(total, 0)
						}
						total[i] += float64(x)
					}
				}
				sum = append(sum, total...)
			}
			return sum, stat.Loss
		}
		want, loss := gradient(8)
		norm := 0.0
		for _, x := range want {
			norm += x * x
		}
		for _, micro := range []int{3, 1} {
			got, other := gradient(micro)
			off := 0.0
			for i := range want {
				off += (got[i] - want[i]) * (got[i] - want[i])
			}
			if d := math.Sqrt(off / norm); d > 1e-6 || math.Abs(other-loss) > 1e-6*loss {
				t.Errorf("micro-batches of %d: gradient off by %g, loss by %g", micro, d, other-loss)
			}
		}
	})
}

// Weights in bfloat16 follow masters in f32: an update that is too small for bfloat16 is not
// lost, and the weights are the masters rounded.
func TestBF16(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		full, half := smallLM(t, b).Net, smallLM(t, b).Net
		half.ToBF16()
		for i, s := range half.specs {
			if half.weights[i].DType() != device.BFloat16 || half.weights[i].Memory() != uintptr(2*s.size()) {
				t.Fatalf("%s is %v", s.name, half.weights[i].DType())
			}
		}
		one, two := NewLearner(full, nextToken, AdamW{WeightDecay: 0.1}), NewLearner(half, nextToken, AdamW{WeightDecay: 0.1})
		var first, last Stat
		for i := range 20 {
			want, got := trainSmall(t, one, 1, 2), trainSmall(t, two, 1, 2)
			if math.Abs(got.Loss-want.Loss) > 0.02*want.Loss+0.02 {
				t.Fatalf("step %d: loss %g, in f32 %g", i, got.Loss, want.Loss)
			}
			if last = got; i == 0 {
				first = got
			}
		}
		if last.Loss > 0.8*first.Loss {
			t.Errorf("loss went from %g to %g only", first.Loss, last.Loss)
		}
		for k, i := range two.learns {
			master, weight := device.Values(two.masters[k]), device.Values(half.weights[i])
			if !slices.Equal(device.Values(device.BF16(master, half.specs[i].dims...)), weight) {
				t.Errorf("%s is not its master rounded", half.specs[i].name)
			}
		}
		// A rate so small that no bfloat16 changes in one step adds up all the same.
		before := slices.Clone(device.Values(two.masters[0]))
		rows := func() [][]*Tensor {
			return [][]*Tensor{{backend.Ints(slices.Repeat([]int32{5, 9, 3, 8}, 4), 1, 16), backend.Floats([]float32{15}, 1)}}
		}
		if _, err := two.Step(rows(), 1e-7); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(before, device.Values(two.masters[0])) {
			t.Error("masters stay where they are")
		}
		// Saved, the file is half as long and opens with the same numbers; the state has the masters.
		dir := filepath.Join(t.TempDir(), "m")
		if err := half.SaveWith(dir, two.SaveState); err != nil {
			t.Fatal(err)
		}
		again, err := OpenNet(b, dir)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range half.specs {
			if x, _ := again.Tensor(s.name); !slices.Equal(x, device.Values(half.weights[i])) {
				t.Errorf("%s differs", s.name)
			}
		}
		again.ToBF16()
		resumed := NewLearner(again, nextToken, AdamW{WeightDecay: 0.1})
		if err := resumed.LoadState(dir); err != nil {
			t.Fatal(err)
		}
		want, got := trainSmall(t, two, 2, 2), trainSmall(t, resumed, 2, 2)
		if want.Loss != got.Loss || want.Norm != got.Norm {
			t.Errorf("resumed %+v, want %+v", got, want)
		}
		lm := &LM{Net: half}
		done, err := lm.Sample(context.Background(), Request{Prompt: []int32{3, 4}, MaxTokens: 6, Temperature: 1})
		if err != nil {
			t.Fatal(err)
		}
		row := append([]int32{3, 4}, done[0].Tokens...)
		logp, err := half.LogProbs(context.Background(), [][]int32{row})
		if err != nil {
			t.Fatal(err)
		}
		for k, x := range done[0].LogProbs {
			if math.Abs(float64(x-logp[0][k+1])) > 1e-5 {
				t.Errorf("token %d: log-probability %g, scored %g", k, x, logp[0][k+1])
			}
		}
	})
}

// Norms and biases do not decay, matrices do.
func TestDecays(t *testing.T) {
	c, err := Config{ModelType: "qwen3", VocabSize: 9, Dim: 8, FFN: 8, Layers: 1, Heads: 2, MaxPositions: 8, AttentionBias: true,
		LoRA: LoRA{Rank: 2}, Scalars: []string{"value"}}.resolve()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.specs() {
		if plain := strings.Contains(s.name, "norm") || strings.HasSuffix(s.name, ".bias"); s.decays() == plain {
			t.Errorf("%s decays: %v", s.name, s.decays())
		}
	}
}

// Checkpointing changes neither loss nor gradient; the graph computes layers again.
func TestCheckpointing(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		run := func(on bool) (Stat, [][]float32) {
			net := smallLM(t, b).Net
			net.Config.Checkpointing = on
			l := NewLearner(net, nextToken, AdamW{})
			stat, sums, err := l.gradients([][]*Tensor{{backend.Ints(slices.Repeat([]int32{5, 9, 3, 8, 7}, 8), 2, 20), backend.Floats([]float32{38}, 1)}})
			if err != nil {
				t.Fatal(err)
			}
			var grads [][]float32
			for _, g := range sums[0] {
				grads = append(grads, device.Take[float32](g))
			}
			return stat, grads
		}
		stat, want := run(false)
		other, got := run(true)
		if math.Abs(stat.Loss-other.Loss) > 1e-6*stat.Loss {
			t.Errorf("loss %g, want %g", other.Loss, stat.Loss)
		}
		for i := range want {
			for k := range want[i] {
				if math.Abs(float64(want[i][k]-got[i][k])) > 1e-6 {
					t.Fatalf("gradient %d [%d] is %g, want %g", i, k, got[i][k], want[i][k])
				}
			}
		}
		// A layer's gates are made again in the gradient, and each has one exponential.
		exponentials := func(on bool) (n int) {
			c := smallLM(t, b).Net.Config
			c.Checkpointing = on
			g := NewGraph(b, "count")
			w := Weights{}
			var list []*Node
			for _, s := range c.specs() {
				w[s.name] = Parameter(g, s.name, device.F32(s.dims...))
				list = append(list, w[s.name])
			}
			loss, _ := nextToken(c, w, []*Node{Parameter(g, "tokens", device.I32(2, 20)), Parameter(g, "count", device.F32(1))})
			Gradient(loss, list...)
			for _, node := range g.Nodes() {
				if node.Type() == NodeTypeExp {
					n++
				}
			}
			return n
		}
		layers := smallLM(t, b).Net.Config.Layers
		if plain, again := exponentials(false), exponentials(true); again < plain+layers {
			t.Errorf("%d exponentials with checkpointing, %d without, %d layers", again, plain, layers)
		}
	})
}

// Actor and critic share a trunk, and one learner trains both.
func TestScalarHeads(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		plain := smallLM(t, b)
		lm, err := plain.WithScalar("value", 3)
		if err != nil {
			t.Fatal(err)
		}
		if lm, err = lm.WithScalar("reward", 4); err != nil {
			t.Fatal(err)
		}
		rows := [][]int32{{5, 9, 3, 8, 7}}
		one, _ := plain.LogProbs(context.Background(), rows)
		if two, err := lm.LogProbs(context.Background(), rows); err != nil || !slices.Equal(one[0], two[0]) {
			t.Errorf("heads change the language model: %v", err)
		}
		// The language model learns to predict, the value to be 2 after every token.
		l := NewLearner(lm.Net, func(c Config, w Weights, in []*Node) (*Node, *Node) {
			hidden := c.Hidden(w, in[0])
			logp := c.LogProbs(w, hidden, in[0], nil)
			value := c.Scalar(w, "value", hidden)
			policy := Div(Neg(ReduceAllSum(logp)), Reshape(in[1]))
			critic := Div(ReduceAllSum(Square(AddScalar(value, -2.0))), Reshape(in[1]))
			return Add(policy, critic), Stack([]*Node{policy, critic}, 0)
		}, AdamW{})
		rewards, _ := lm.Tensor(scalarHead("reward"))
		first := trainSmall(t, l, 1, 2)
		last := trainSmall(t, l, 60, 2)
		if last.Stats[0] > first.Stats[0]/2 || last.Stats[1] > first.Stats[1]/10 {
			t.Errorf("losses went from %v to %v", first.Stats, last.Stats)
		}
		if after, _ := lm.Tensor(scalarHead("reward")); !slices.Equal(rewards, after) {
			t.Error("the head that is not in the loss has changed")
		}
		values, err := lm.ScalarScores(context.Background(), "value", rows)
		if err != nil || math.Abs(float64(values[0][4])-2) > 0.7 {
			t.Errorf("values %v, %v", values, err)
		}
		dir := filepath.Join(t.TempDir(), "m")
		if err := lm.Save(dir); err != nil {
			t.Fatal(err)
		}
		again, err := Open(b, dir)
		if err != nil {
			t.Fatal(err)
		}
		if two, err := again.ScalarScores(context.Background(), "value", rows); err != nil || !slices.Equal(values[0], two[0]) {
			t.Errorf("saved: %v, %v", two, err)
		}
		bare := again.WithoutScalars()
		one, _ = again.LogProbs(context.Background(), rows)
		if two, err := bare.LogProbs(context.Background(), rows); err != nil || !slices.Equal(one[0], two[0]) || len(bare.Config.Scalars) > 0 || len(again.Config.Scalars) != 2 {
			t.Errorf("without heads: %v, %q and %q", err, bare.Config.Scalars, again.Config.Scalars)
		}
		for name, n := range map[string]*Net{"value": again.Net, "": plain.Net, "a.b": plain.Net} {
			if _, err := n.WithScalar(name, 1); err == nil {
				t.Errorf("head %q: no error", name)
			}
		}
		if _, err := plain.ScalarScores(context.Background(), "value", rows); err == nil || !strings.Contains(err.Error(), `has no head "value"`) {
			t.Errorf("error %v", err)
		}
		if done, err := again.Sample(context.Background(), Request{Prompt: rows[0], MaxTokens: 3}); err != nil || len(done[0].Tokens) == 0 {
			t.Errorf("%v, %v", done, err)
		}
	})
}

// A large learner has the C library hold memory from when it is made until it is closed.
func TestLargeLearnersHoldMemory(t *testing.T) {
	before := malloc.Holders()
	b := backends(t)["go"]
	for _, c := range []struct{ vocab, want int }{{1000, 0}, {large / 8, 1}} {
		net, err := NewNet(b, Config{VocabSize: c.vocab, Dim: 8, FFN: 8, Layers: 1, Heads: 1, MaxPositions: 8}, 1)
		if err != nil {
			t.Fatal(err)
		}
		l := NewLearner(net, nextToken, AdamW{})
		if held := malloc.Holders() - before; held != c.want {
			t.Errorf("%d parameters: held %d times, want %d", net.Parameters(), held, c.want)
		}
		l.Close()
		l.Close()
		if held := malloc.Holders() - before; held != 0 {
			t.Errorf("closed: held %d times", held)
		}
		net.Close()
	}
}
