package model

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// LogProbs is the log-probability of each token given those before it, under the
// logits divided by a temperature. Entry t describes token t; entry 0 is 0.
//
//	logits [batch, seq, vocab], tokens [batch, seq] int32 → [batch, seq]
func LogProbs(logits, tokens *Node, temperature float64) *Node {
	all, tokens := shifted(logits, tokens, temperature)
	batch, seq, vocab := all.Shape().Dim(0), all.Shape().Dim(1), all.Shape().Dim(2)
	g := logits.Graph()
	at := Add(MulScalar(Iota(g, i32(batch*seq), 0), vocab), Reshape(tokens, batch*seq))
	logp := Reshape(Gather(Reshape(all, -1), ExpandAxes(at, -1)), batch, seq) // [batch, seq-1]
	return Concatenate([]*Node{Zeros(g, f32(batch, 1)), logp}, 1)
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
