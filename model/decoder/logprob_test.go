package decoder

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// small is the example's kind of decoder: grouped heads, half rotary, time shift.
var small = Config{VocabSize: 23, Dim: 32, IntermediateSize: 40, Layers: 2, Heads: 4, KVHeads: 2, MaxPositions: 128,
	PartialRotary: 0.5, TokenShift: true, Tied: true, InitRange: 0.15, EOS: 1}

// random resolves a config and draws weights for it: norms about 1, and matrices whose products
// keep the size of what they multiply.
func random(t *testing.T, c Config) (Config, []*backend.Tensor) {
	t.Helper()
	c, err := c.Resolve()
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(5, 6))
	var list []*backend.Tensor
	for _, s := range c.Specs() {
		data := make([]float32, s.Size())
		for i := range data {
			if len(s.Dims) == 1 {
				data[i] = float32(1 + 0.1*rng.NormFloat64())
			} else {
				data[i] = float32(rng.NormFloat64() / math.Sqrt(float64(s.Dims[1])))
			}
		}
		list = append(list, backend.Floats(data, s.Dims...))
	}
	return c, list
}

// However few positions are taken at a time, the log-probabilities are the same, and so
// is an entry however it is numbered.
func TestLogProbsInParts(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		c, weights := random(t, small)
		const batch, seq = 3, 11
		rows := make([]int32, batch*seq)
		for i := range rows {
			rows[i] = int32(i * 7 % small.VocabSize)
		}
		run := device.New(b, "log-probs in parts", func(in []*Node) []*Node {
			d, in := c.Bind(in)
			tokens, temperature := in[0], in[1]
			hidden := d.Hidden(tokens)
			var out []*Node
			for _, positions := range []int{seq - 1, 1, 4, 6} {
				logp, _ := d.inParts(hidden, tokens, temperature, positions)
				out = append(out, logp)
			}
			logits := d.Logits(hidden)
			whole := pick(LogSoftmax(Slice(DivScalar(logits, 0.7), AxisRange(), AxisRange(0, seq-1)), -1), Slice(tokens, AxisRange(), AxisRange(1)))
			out = append(out, Concatenate([]*Node{Zeros(tokens.Graph(), device.F32(batch, 1)), whole}, 1))
			logits = LogSoftmax(logits, -1)
			return append(out, pick(logits, tokens), pickRows(logits, tokens))
		})
		out, err := run.Call(weights, []*backend.Tensor{backend.Ints(rows, batch, seq), backend.Floats([]float32{0.7})})
		require.NoError(t, err)
		var all [][]float32
		for _, x := range out {
			all = append(all, device.Take[float32](x))
		}
		for i, want := range all[0] {
			for k := 1; k < 5; k++ {
				if math.Abs(float64(all[k][i]-want)) > 1e-5 || (i%seq == 0) != (all[k][i] == 0) {
					t.Errorf("form %d: entry %d is %g, want %g", k, i, all[k][i], want)
				}
			}
			if all[5][i] != all[6][i] {
				t.Errorf("entry %d: %g and %g", i, all[5][i], all[6][i])
			}
		}
	})
}

// In training, too, the parts come to the same losses and gradients, and none is a tensor
// [batch, seq, vocab] or so many numbers.
func TestLogProbsInPartsGradient(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		for _, tied := range []bool{true, false} {
			config := Config{VocabSize: 211, Dim: 16, IntermediateSize: 24, Layers: 1, Heads: 2, MaxPositions: 32, Tied: tied, InitRange: 0.3}
			config, weights := random(t, config)
			const batch, seq = 3, 7
			rows := make([]int32, batch*seq)
			for i := range rows {
				rows[i] = int32(i * 17 % config.VocabSize)
			}
			var want [][]float32
			for _, positions := range []int{seq - 1, 4, 1} {
				run := device.New(b, "losses in parts", func(in []*Node) []*Node {
					d, in := config.Bind(in)
					temperature := Scalar(in[0].Graph(), device.Float32, 0.7)
					logp, entropy := d.inParts(d.Hidden(in[0]), in[0], temperature, positions)
					loss := Neg(ReduceAllSum(Mul(logp, logp)))
					var nodes []*Node
					for _, s := range config.Specs() {
						nodes = append(nodes, d.Weights[s.Name])
					}
					out := append([]*Node{loss, entropy}, Gradient(loss, nodes...)...)
					if positions < seq-1 {
						for _, n := range in[0].Graph().Nodes() {
							if s := n.Shape(); !s.IsTuple() && s.Size() >= batch*(seq-1)*config.VocabSize {
								t.Errorf("%d positions at a time: a tensor of shape %v", positions, s)
							}
						}
					}
					return out
				})
				out, err := run.Call(weights, []*backend.Tensor{backend.Ints(rows, batch, seq)})
				require.NoError(t, err)
				for i, x := range out {
					got := device.Take[float32](x)
					if positions == seq-1 {
						want = append(want, got)
						continue
					}
					for k := range got {
						if math.Abs(float64(got[k]-want[i][k])) > 1e-5*max(1, math.Abs(float64(want[0][0]))) {
							t.Fatalf("tied %v, %d positions at a time: output %d [%d] is %g, want %g", tied, positions, i, k, got[k], want[i][k])
						}
					}
				}
			}
		}
	})
}

// How many positions are taken at a time follows from the numbers alone.
func TestPositions(t *testing.T) {
	for _, c := range []struct{ vocab, batch, seq, want int }{
		{500, 32, 128, 128}, {151936, 16, 512, 13}, {151936, 1, 128, 64}, {151936, 1024, 64, 1}, {32000, 8, 1024, 131},
	} {
		g := NewGraph(modeltest.Backends(t)["go"], "positions")
		if got := (Config{VocabSize: c.vocab}).positions(Zeros(g, device.I32(c.batch, c.seq))); got != c.want {
			t.Errorf("%+v: %d positions", c, got)
		}
	}
}
