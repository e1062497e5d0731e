package decoder

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// maxLogits bounds the logits that are computed at a time: 2²⁵ of them, 128 MB. Those of a
// vocabulary of manyTokens tokens or more are computed in two parts at least.
const (
	maxLogits  = 1 << 25
	manyTokens = 100_000
)

// LogProbs computes for each token its log-probability given the tokens before it, under the
// logits of the hidden states divided by a temperature, and the entropy of the distribution it
// is one of, both in nats. Entry t describes token t; entry 0 is 0. What a graph does not use of
// the two costs nothing.
//
// Where there would be more than 2²⁵ logits, they are computed a few positions at a time, and
// once more in a gradient, so that a large vocabulary never makes a tensor [batch, seq, vocab].
//
//	hidden [batch, seq, dim], tokens [batch, seq] int32, temperature [], or nil for 1
//	→ log-probabilities [batch, seq], entropies [batch, seq]
func (d Decoder) LogProbs(hidden, tokens, temperature *Node) (logp, entropy *Node) {
	tokens.AssertRank(2)
	hidden.AssertDims(tokens.Shape().Dim(0), tokens.Shape().Dim(1), d.Dim)
	return d.inParts(hidden, tokens, temperature, d.positions(tokens))
}

// positions returns how many positions of tokens [batch, seq] are computed at a time.
func (c Config) positions(tokens *Node) int {
	batch, seq := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	n := min(seq, max(1, maxLogits/(batch*c.VocabSize)))
	if c.VocabSize >= manyTokens {
		n = min(n, (seq+1)/2)
	}
	return n
}

// inParts computes LogProbs so many positions at a time.
func (d Decoder) inParts(hidden, tokens, temperature *Node, positions int) (logp, entropy *Node) {
	tokens.AssertRank(2)
	batch, seq := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	hidden.AssertDims(batch, seq, d.Dim)
	none := Zeros(tokens.Graph(), device.F32(batch, 1)) // of the first token
	logps, entropies := []*Node{none}, []*Node{none}
	for from := 0; from < seq-1; from += positions {
		to := min(seq-1, from+positions)
		part := Slice(hidden, AxisRange(), AxisRange(from, to)) // [batch, part, dim]
		whole := to-from == seq-1
		if !whole { // the gradient computes the logits again, rather than keep those of all parts
			part = part.Checkpoint()
		}
		logits := d.Logits(part) // [batch, part, vocab]
		if temperature != nil {
			logits = Div(logits, Reshape(temperature, 1, 1, 1))
		}
		all := LogSoftmax(logits, -1)                                                                // [batch, part, vocab]
		one, other := pick(all, Slice(tokens, AxisRange(), AxisRange(from+1, to+1))), entropyOf(all) // [batch, part]
		if !whole {
			one, other = one.StopCheckpoint(), other.StopCheckpoint()
		}
		logps, entropies = append(logps, one), append(entropies, other)
	}
	return Concatenate(logps, 1), Concatenate(entropies, 1) // [batch, seq]
}

// pick takes one entry of each last axis, the one at a token.
//
//	all [batch, seq, vocab], at [batch, seq] int32 → [batch, seq]
func pick(all, at *Node) *Node {
	all.AssertRank(3)
	batch, seq, vocab := all.Shape().Dim(0), all.Shape().Dim(1), all.Shape().Dim(2)
	at.AssertDims(batch, seq)
	if int64(batch)*int64(seq)*int64(vocab) > math.MaxInt32 {
		return pickRows(all, at)
	}
	flat := Add(MulScalar(Iota(all.Graph(), device.I32(batch*seq), 0), vocab), Reshape(at, batch*seq))
	return Reshape(Gather(Reshape(all, -1), ExpandAxes(flat, -1)), batch, seq)
}

// pickRows does what pick does with an index of two numbers, a row and a place in it, for
// tensors whose entries an int32 cannot number. Where it can, one number is the faster form.
//
//	all [batch, seq, vocab], at [batch, seq] int32 → [batch, seq]
func pickRows(all, at *Node) *Node {
	all.AssertRank(3)
	batch, seq, vocab := all.Shape().Dim(0), all.Shape().Dim(1), all.Shape().Dim(2)
	at.AssertDims(batch, seq)
	row := Iota(all.Graph(), device.I32(batch*seq, 1), 0)
	where := Concatenate([]*Node{row, Reshape(at, batch*seq, 1)}, -1) // [batch·seq, 2]
	return Reshape(Gather(Reshape(all, batch*seq, vocab), where), batch, seq)
}

// entropyOf computes −Σ p·log p.
//
//	all [batch, seq, vocab], log-probabilities → [batch, seq]
func entropyOf(all *Node) *Node {
	all.AssertRank(3)
	return Neg(ReduceSum(Mul(Exp(all), all), -1))
}

// ShiftTokensRight moves what a head says at a token to the token after it, which it predicts:
// the value at token t is then that of the state in which token t was chosen. Entry 0 is 0.
//
//	x [batch, seq] → [batch, seq]
func ShiftTokensRight(x *Node) *Node {
	x.AssertRank(2)
	batch, seq := x.Shape().Dim(0), x.Shape().Dim(1)
	return Concatenate([]*Node{Zeros(x.Graph(), device.F32(batch, 1)), Slice(x, AxisRange(), AxisRange(0, seq-1))}, 1)
}
