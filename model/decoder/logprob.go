package decoder

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// LogProbs is the log-probability of each token given those before it, under the
// logits divided by a temperature. Entry t describes token t; entry 0 is 0.
//
//	logits [batch, seq, vocab], tokens [batch, seq] int32 → [batch, seq]
func LogProbs(logits, tokens *Node, temperature float64) *Node {
	all, tokens := shifted(logits, tokens, temperature)
	logp := pick(all, tokens) // [batch, seq-1]
	return Concatenate([]*Node{Zeros(logits.Graph(), device.F32(tokens.Shape().Dim(0), 1)), logp}, 1)
}

// maxLogits is how many logits are made at a time: 128 MB of them. Those of a vocabulary
// from manyTokens on are in two parts at least.
const (
	maxLogits  = 1 << 25
	manyTokens = 100_000
)

// LogProbs is [LogProbs] of the logits of hidden states. Where there would be more than
// 2²⁵ of them, they are made a few positions at a time, and in a gradient once more, so that
// a large vocabulary never makes a tensor [batch, seq, vocab].
//
//	hidden [batch, seq, dim], tokens [batch, seq] int32, temperature [], or nil for 1 → [batch, seq]
func (c Config) LogProbs(w Weights, hidden, tokens, temperature *Node) *Node {
	return c.inParts(w, hidden, tokens, temperature, c.positions(tokens), pick)[0]
}

// LogProbsAndEntropies is LogProbs with [Entropies].
//
//	hidden [batch, seq, dim], tokens [batch, seq] int32, temperature [], or nil for 1 → [batch, seq] twice
func (c Config) LogProbsAndEntropies(w Weights, hidden, tokens, temperature *Node) (logp, entropy *Node) {
	both := c.inParts(w, hidden, tokens, temperature, c.positions(tokens), pick, func(all, _ *Node) *Node {
		return entropies(all)
	})
	return both[0], both[1]
}

// positions is how many positions of tokens [batch, seq] are taken at a time.
func (c Config) positions(tokens *Node) int {
	batch, seq := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	n := min(seq, max(1, maxLogits/(batch*c.VocabSize)))
	if c.VocabSize >= manyTokens {
		n = min(n, (seq+1)/2)
	}
	return n
}

// inParts gives functions of log-probabilities [batch, part, vocab] and the tokens
// [batch, part] that they predict, for all but the first token, whose entry is 0.
func (c Config) inParts(w Weights, hidden, tokens, temperature *Node, positions int, of ...func(all, at *Node) *Node) []*Node {
	batch, seq := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	hidden.AssertDims(batch, seq, c.Dim)
	lists := make([][]*Node, len(of))
	for i := range lists {
		lists[i] = []*Node{Zeros(tokens.Graph(), device.F32(batch, 1))}
	}
	for from := 0; from < seq-1; from += positions {
		to := min(seq-1, from+positions)
		part := Slice(hidden, AxisRange(), AxisRange(from, to)) // [batch, part, dim]
		whole := to-from == seq-1
		if !whole { // the gradient makes the logits again, rather than keep those of all parts
			part = part.Checkpoint()
		}
		logits := c.Logits(w, part) // [batch, part, vocab]
		if temperature != nil {
			logits = Div(logits, Reshape(temperature, 1, 1, 1))
		}
		all, at := LogSoftmax(logits, -1), Slice(tokens, AxisRange(), AxisRange(from+1, to+1))
		for i, f := range of {
			x := f(all, at) // [batch, part]
			if !whole {
				x = x.StopCheckpoint()
			}
			lists[i] = append(lists[i], x)
		}
	}
	out := make([]*Node, len(of))
	for i, parts := range lists {
		out[i] = Concatenate(parts, 1)
	}
	return out
}

// pick takes one entry of each last axis.
//
//	all [batch, seq, vocab], at [batch, seq] int32 → [batch, seq]
func pick(all, at *Node) *Node {
	batch, seq, vocab := all.Shape().Dim(0), all.Shape().Dim(1), all.Shape().Dim(2)
	at.AssertDims(batch, seq)
	if int64(batch)*int64(seq)*int64(vocab) > math.MaxInt32 {
		return pickRows(all, at)
	}
	flat := Add(MulScalar(Iota(all.Graph(), device.I32(batch*seq), 0), vocab), Reshape(at, batch*seq))
	return Reshape(Gather(Reshape(all, -1), ExpandAxes(flat, -1)), batch, seq)
}

// pickRows is pick with an index of two numbers, a row and a place in it, for tensors
// that an int32 cannot number through. Where it can, one number is the faster form.
func pickRows(all, at *Node) *Node {
	batch, seq, vocab := all.Shape().Dim(0), all.Shape().Dim(1), all.Shape().Dim(2)
	row := Iota(all.Graph(), device.I32(batch*seq, 1), 0)
	where := Concatenate([]*Node{row, Reshape(at, batch*seq, 1)}, -1) // [batch·seq, 2]
	return Reshape(Gather(Reshape(all, batch*seq, vocab), where), batch, seq)
}

// Entropies is the entropy, in nats, of the distribution that each token was drawn
// from. Entry t describes token t; entry 0 is 0.
//
//	logits [batch, seq, vocab], tokens [batch, seq] int32 → [batch, seq]
func Entropies(logits, tokens *Node, temperature float64) *Node {
	all, _ := shifted(logits, tokens, temperature)
	entropy := entropies(all) // [batch, seq-1]
	return Concatenate([]*Node{Zeros(logits.Graph(), device.F32(entropy.Shape().Dim(0), 1)), entropy}, 1)
}

// entropies is −Σ p·log p.
//
//	all [batch, seq, vocab] → [batch, seq]
func entropies(all *Node) *Node { return Neg(ReduceSum(Mul(Exp(all), all), -1)) }

// shifted is the log-softmax of the logits that predict tokens 1 and up, beside those tokens.
//
//	→ [batch, seq-1, vocab], [batch, seq-1] int32
func shifted(logits, tokens *Node, temperature float64) (*Node, *Node) {
	batch, seq := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	logits.AssertRank(3)
	logits.AssertDims(batch, seq, logits.Shape().Dim(2))
	if temperature != 1 {
		logits = DivScalar(logits, temperature)
	}
	logits = Slice(logits, AxisRange(), AxisRange(0, seq-1))
	return LogSoftmax(logits, -1), Slice(tokens, AxisRange(), AxisRange(1))
}

// ShiftTokensRight moves what the decoder says at a token to the token after it, which it is a
// prediction for: the value of the state in which token t was chosen.
//
//	x [batch, seq] → [batch, seq], entry 0 is 0
func ShiftTokensRight(x *Node) *Node {
	batch, seq := x.Shape().Dim(0), x.Shape().Dim(1)
	return Concatenate([]*Node{Zeros(x.Graph(), device.F32(batch, 1)), Slice(x, AxisRange(), AxisRange(0, seq-1))}, 1)
}
