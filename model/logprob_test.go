package model

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

// However few positions are taken at a time, the log-probabilities are the same, and so
// is an entry however it is numbered.
func TestLogProbsInParts(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		lm := smallLM(t, b)
		defer lm.Close()
		const batch, seq = 3, 11
		rows := make([]int32, batch*seq)
		for i := range rows {
			rows[i] = int32(i * 7 % small.VocabSize)
		}
		c := lm.Config
		run := device.New(b, "log-probs in parts", func(in []*Node) []*Node {
			w, in := c.bind(in)
			tokens, temperature := in[0], in[1]
			hidden := c.Hidden(w, tokens)
			var out []*Node
			for _, positions := range []int{seq - 1, 1, 4, 6} {
				out = append(out, c.inParts(w, hidden, tokens, temperature, positions, pick)[0])
			}
			logits := c.Logits(w, hidden)
			out = append(out, LogProbs(DivScalar(logits, 0.7), tokens, 1))
			logits = LogSoftmax(logits, -1)
			return append(out, pick(logits, tokens), pickRows(logits, tokens))
		})
		out, err := run.Call(lm.weights, []*Tensor{backend.Ints(rows, batch, seq), backend.Floats([]float32{0.7})})
		if err != nil {
			t.Fatal(err)
		}
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
	each(t, func(t *testing.T, b Backend) {
		for _, tied := range []bool{true, false} {
			config := Config{VocabSize: 211, Dim: 16, FFN: 24, Layers: 1, Heads: 2, MaxPositions: 32, Tied: tied, InitRange: 0.3}
			net, err := NewNet(b, config, 1)
			if err != nil {
				t.Fatal(err)
			}
			const batch, seq = 3, 7
			rows := make([]int32, batch*seq)
			for i := range rows {
				rows[i] = int32(i * 17 % config.VocabSize)
			}
			var want [][]float32
			for _, positions := range []int{seq - 1, 4, 1} {
				config := net.Config
				run := device.New(b, "losses in parts", func(in []*Node) []*Node {
					w, in := config.bind(in)
					temperature := Scalar(in[0].Graph(), device.Float32, 0.7)
					both := config.inParts(w, config.Hidden(w, in[0]), in[0], temperature, positions, pick,
						func(all, _ *Node) *Node { return entropies(StopGradient(all)) })
					loss := Neg(ReduceAllSum(Mul(both[0], both[0])))
					var nodes []*Node
					for _, s := range net.specs {
						nodes = append(nodes, w[s.name])
					}
					out := append([]*Node{loss, both[1]}, Gradient(loss, nodes...)...)
					if positions < seq-1 {
						for _, n := range in[0].Graph().Nodes() {
							if s := n.Shape(); !s.IsTuple() && s.Size() >= batch*(seq-1)*config.VocabSize {
								t.Errorf("%d positions at a time: a tensor of shape %v", positions, s)
							}
						}
					}
					return out
				})
				out, err := run.Call(net.weights, []*Tensor{backend.Ints(rows, batch, seq)})
				if err != nil {
					t.Fatal(err)
				}
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
		g := NewGraph(backends(t)["go"], "positions")
		if got := (Config{VocabSize: c.vocab}).positions(Zeros(g, device.I32(c.batch, c.seq))); got != c.want {
			t.Errorf("%+v: %d positions", c, got)
		}
	}
}
