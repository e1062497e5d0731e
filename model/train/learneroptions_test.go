package train

import (
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/malloc"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/network"
)

// The gradient is that of the whole batch, whatever the micro-batch.
func TestAccumulation(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		net := smallNet(t, b)
		var rows [][]int32
		for r := range 8 {
			row := make([]int32, 16)
			for k := range row {
				row[k] = int32(2 + (7*r+3*k*k)%21)
			}
			rows = append(rows, row)
		}
		gradient := func(micro int) (sum []float64, loss float64) {
			l := NewLearner(net, nextToken, AdamW{})
			p, err := batchOf(rows, micro).pack(l.Net)
			require.NoError(t, err)
			stat, sums, err := l.gradients(p)
			require.NoError(t, err)
			if len(sums) > workers {
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
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		full, half := smallNet(t, b), smallNet(t, b)
		half.ToBF16()
		for i, s := range half.Specs() {
			if half.Weights()[i].DType() != device.BFloat16 || half.Weights()[i].ByteSize() != int64(2*s.Size()) {
				t.Fatalf("%s is %v", s.Name, half.Weights()[i].DType())
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
			master, weight := device.Values(two.masters[k]), device.Values(half.Weights()[i])
			if !slices.Equal(device.Values(device.BF16(master, half.Specs()[i].Dims...)), weight) {
				t.Errorf("%s is not its master rounded", half.Specs()[i].Name)
			}
		}
		// A rate so small that no bfloat16 changes in one step adds up all the same.
		before := slices.Clone(device.Values(two.masters[0]))
		_, err := two.Step(batchOf([][]int32{slices.Repeat([]int32{5, 9, 3, 8}, 4)}, 1), 1e-7)
		require.NoError(t, err)
		if slices.Equal(before, device.Values(two.masters[0])) {
			t.Error("masters stay where they are")
		}
		// The state has the masters: a learner of a copy goes on with the same numbers.
		resumed := NewLearner(half.Clone(), nextToken, AdamW{WeightDecay: 0.1})
		require.NoError(t, resumed.SetState(stateOf(two)))
		want, got := trainSmall(t, two, 2, 2), trainSmall(t, resumed, 2, 2)
		if want.Loss != got.Loss || want.GradNorm != got.GradNorm {
			t.Errorf("resumed %+v, want %+v", got, want)
		}
	})
}

// Norms and biases do not decay, matrices do.
func TestDecays(t *testing.T) {
	c, err := decoder.Config{ModelType: "qwen3", VocabSize: 9, Dim: 8, IntermediateSize: 8, Layers: 1, Heads: 2, MaxPositions: 8,
		AttentionBias: true, LoRA: decoder.LoRA{Rank: 2}, OutputHeads: []string{decoder.HeadLM, "value"}}.Resolve()
	require.NoError(t, err)
	for _, s := range c.Specs() {
		if plain := strings.Contains(s.Name, "norm") || strings.HasSuffix(s.Name, ".bias"); decays(s) == plain {
			t.Errorf("%s decays: %v", s.Name, decays(s))
		}
	}
}

// Checkpointing changes neither loss nor gradient; the graph computes layers again.
func TestCheckpointing(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		run := func(on bool) (Stat, [][]float32) {
			net := smallNet(t, b)
			net.Config.GradientCheckpointing = on
			l := NewLearner(net, nextToken, AdamW{})
			row := slices.Repeat([]int32{5, 9, 3, 8, 7}, 4)
			p, err := batchOf([][]int32{row, row}, 2).pack(net)
			require.NoError(t, err)
			stat, sums, err := l.gradients(p)
			require.NoError(t, err)
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
			c := smallNet(t, b).Config
			c.GradientCheckpointing = on
			g := NewGraph(b, "count")
			d := decoder.Decoder{Config: c, Weights: map[string]*Node{}}
			var list []*Node
			for _, s := range c.Specs() {
				d.Weights[s.Name] = Parameter(g, s.Name, device.F32(s.Dims...))
				list = append(list, d.Weights[s.Name])
			}
			loss := nextToken.Build(d, []*Node{Parameter(g, "tokens", device.I32(2, 20)),
				Parameter(g, "mask", device.F32(2, 20)), Parameter(g, "count", device.F32())}).Loss
			Gradient(loss, list...)
			for _, node := range g.Nodes() {
				if node.Type() == NodeTypeExp {
					n++
				}
			}
			return n
		}
		layers := smallNet(t, b).Config.Layers
		if plain, again := exponentials(false), exponentials(true); again < plain+layers {
			t.Errorf("%d exponentials with checkpointing, %d without, %d layers", again, plain, layers)
		}
	})
}

// A large learner has the C library hold memory from when it is made until it is closed.
func TestLargeLearnersHoldMemory(t *testing.T) {
	before := malloc.Holders()
	b := modeltest.Backends(t)["go"]
	for _, c := range []struct{ vocab, want int }{{1000, 0}, {20_000_000 / 8, 1}} {
		net, err := network.New(b, decoder.Config{VocabSize: c.vocab, Dim: 8, IntermediateSize: 8, Layers: 1, Heads: 1, MaxPositions: 8}, 1)
		require.NoError(t, err)
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
