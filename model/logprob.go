package model

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// LogProbs is the log-probability of each token given those before it, under the
// logits divided by a temperature. Entry t describes token t; entry 0 is 0.
//
//	logits [batch, seq, vocab], tokens [batch, seq] int32 → [batch, seq]
func LogProbs(logits, tokens *Node, temperature float64) *Node {
	all, tokens := shifted(logits, tokens, temperature)
	logp := pick(all, tokens) // [batch, seq-1]
	return Concatenate([]*Node{Zeros(logits.Graph(), f32(tokens.Shape().Dim(0), 1)), logp}, 1)
}

// maxLogits is how many logits [Config.LogProbs] makes at a time: 128 MB of them.
const maxLogits = 1 << 25

// LogProbs is [LogProbs] of the logits of hidden states. Where there would be more than
// 2²⁵ of them, they are made a few positions at a time, so that a large vocabulary never
// makes a tensor [batch, seq, vocab].
//
//	hidden [batch, seq, dim], tokens [batch, seq] int32, temperature [] → [batch, seq]
func (c Config) LogProbs(w Weights, hidden, tokens, temperature *Node) *Node {
	return c.logProbs(w, hidden, tokens, temperature, maxLogits)
}

func (c Config) logProbs(w Weights, hidden, tokens, temperature *Node, limit int) *Node {
	batch, seq := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	hidden.AssertDims(batch, seq, c.Dim)
	temperature = Reshape(temperature, 1, 1, 1)
	positions := max(1, limit/(batch*c.VocabSize))
	if positions >= seq {
		return LogProbs(Div(c.Logits(w, hidden), temperature), tokens, 1)
	}
	parts := []*Node{Zeros(tokens.Graph(), f32(batch, 1))}
	for from := 0; from < seq-1; from += positions {
		to := min(seq-1, from+positions)
		logits := c.Logits(w, Slice(hidden, AxisRange(), AxisRange(from, to))) // [batch, positions, vocab]
		parts = append(parts, pick(LogSoftmax(Div(logits, temperature), -1), Slice(tokens, AxisRange(), AxisRange(from+1, to+1))))
	}
	return Concatenate(parts, 1)
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
	flat := Add(MulScalar(Iota(all.Graph(), i32(batch*seq), 0), vocab), Reshape(at, batch*seq))
	return Reshape(Gather(Reshape(all, -1), ExpandAxes(flat, -1)), batch, seq)
}

// pickRows is pick with an index of two numbers, a row and a place in it, for tensors
// that an int32 cannot number through. Where it can, one number is the faster form.
func pickRows(all, at *Node) *Node {
	batch, seq, vocab := all.Shape().Dim(0), all.Shape().Dim(1), all.Shape().Dim(2)
	row := Iota(all.Graph(), i32(batch*seq, 1), 0)
	where := Concatenate([]*Node{row, Reshape(at, batch*seq, 1)}, -1) // [batch·seq, 2]
	return Reshape(Gather(Reshape(all, batch*seq, vocab), where), batch, seq)
}

// Entropies is the entropy, in nats, of the distribution that each token was drawn
// from. Entry t describes token t; entry 0 is 0.
//
//	logits [batch, seq, vocab], tokens [batch, seq] int32 → [batch, seq]
func Entropies(logits, tokens *Node, temperature float64) *Node {
	all, _ := shifted(logits, tokens, temperature)
	entropy := Neg(ReduceSum(Mul(Exp(all), all), -1)) // [batch, seq-1]
	return Concatenate([]*Node{Zeros(logits.Graph(), f32(entropy.Shape().Dim(0), 1)), entropy}, 1)
}

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

// Before moves what the decoder says at a token to the token after it, which it is a
// prediction for: the value of the state in which token t was chosen.
//
//	x [batch, seq] → [batch, seq], entry 0 is 0
func Before(x *Node) *Node {
	batch, seq := x.Shape().Dim(0), x.Shape().Dim(1)
	return Concatenate([]*Node{Zeros(x.Graph(), f32(batch, 1)), Slice(x, AxisRange(), AxisRange(0, seq-1))}, 1)
}
