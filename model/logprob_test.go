package model

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
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
		run := newExec(b, "log-probs in parts", func(in []*Node) []*Node {
			w, in := c.bind(in)
			tokens, temperature := in[0], in[1]
			hidden := c.Hidden(w, tokens)
			var out []*Node
			for _, positions := range []int{seq, 1, 4, seq - 1} {
				out = append(out, c.logProbs(w, hidden, tokens, temperature, positions*batch*c.VocabSize))
			}
			logits := LogSoftmax(c.Logits(w, hidden), -1)
			return append(out, pick(logits, tokens), pickRows(logits, tokens))
		})
		out, err := run.call(lm.weights, []*Tensor{Ints(rows, batch, seq), Floats([]float32{0.7})})
		if err != nil {
			t.Fatal(err)
		}
		var all [][]float32
		for _, x := range out {
			all = append(all, flat[float32](x))
		}
		for i, want := range all[0] {
			for k := 1; k < 4; k++ {
				if math.Abs(float64(all[k][i]-want)) > 1e-5 || (i%seq == 0) != (all[k][i] == 0) {
					t.Errorf("form %d: entry %d is %g, want %g", k, i, all[k][i], want)
				}
			}
			if all[4][i] != all[5][i] {
				t.Errorf("entry %d: %g and %g", i, all[4][i], all[5][i])
			}
		}
	})
}
