package ppo

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// maxLogRatio bounds log ρ before the exponential, as OpenRLHF does.
const maxLogRatio = 20

// probabilityRatio is ρ = π/π_old of each token.
//
//	logp, old [batch, seq] → [batch, seq]
func probabilityRatio(logp, old *Node) *Node {
	logp.AssertDims(old.Shape().Dimensions...)
	return Exp(ClipScalar(Sub(logp, old), -maxLogRatio, maxLogRatio))
}

// PolicyLoss is the clipped surrogate of each token (arXiv:1707.06347, equation 7), with
// a bound for each side (DAPO's clip-higher, arXiv:2503.14476; equal in the paper):
//
//	−min(ρ·Â, clip(ρ, 1−low, 1+high)·Â)
//
//	ratio, advantage [batch, seq] → [batch, seq]
func PolicyLoss(ratio, advantage *Node, low, high float64) *Node {
	ratio.AssertDims(advantage.Shape().Dimensions...)
	return Neg(Min(Mul(ratio, advantage), Mul(ClipScalar(ratio, 1-low, 1+high), advantage)))
}

// clipMask is 1 where the clip keeps a token from moving further in the direction of its
// advantage, and its surrogate has no gradient; else 0.
//
//	ratio, advantage [batch, seq] → [batch, seq]
func clipMask(ratio, advantage *Node, low, high float64) *Node {
	stopped := GreaterThan(PolicyLoss(ratio, advantage, low, high), Neg(Mul(ratio, advantage)))
	return ConvertDType(stopped, ratio.DType())
}

// dualClip bounds the surrogate of tokens with a negative advantage, which no clip holds
// when their ratio grows (arXiv:1912.09729, equation 5):
//
//	min(loss, −c·Â) where Â < 0,  c > 1
//
//	loss, advantage [batch, seq] → [batch, seq]
func dualClip(loss, advantage *Node, c float64) *Node {
	loss.AssertDims(advantage.Shape().Dimensions...)
	return Where(LessThan(advantage, ZerosLike(advantage)), Min(loss, MulScalar(advantage, -c)), loss)
}

// ValueLoss is the clipped squared error of each token:
//
//	½·max((V−R)², (clip(V, V_old−ε, V_old+ε)−R)²)
//
//	value, old, ret [batch, seq] → [batch, seq]
func ValueLoss(value, old, ret *Node, clip float64) *Node {
	value.AssertDims(ret.Shape().Dimensions...)
	old.AssertDims(ret.Shape().Dimensions...)
	near := Add(old, ClipScalar(Sub(value, old), -clip, clip))
	return MulScalar(Max(Square(Sub(value, ret)), Square(Sub(near, ret))), 0.5)
}

// weightedMean is the weighted mean over the tokens of a whole batch, of which this may be a
// part: Σ weight·x / count. With the mask as weights it is the mean over sampled tokens.
//
//	x, weight [batch, seq], count [] → []
func weightedMean(x, weight, count *Node) *Node {
	x.AssertDims(weight.Shape().Dimensions...)
	count.AssertDims()
	return Div(ReduceAllSum(Mul(x, weight)), count)
}

// An Aggregation is the share that each token of a response has in the loss of a
// mini-batch: of rows responses with tokens tokens in all, the response has length.
type Aggregation func(rows, tokens, length int) float64

// ByToken gives every token of the mini-batch the same share: long responses weigh more.
func ByToken(rows, tokens, length int) float64 { return 1 / float64(tokens) }

// BySequence gives every response the same share, which its tokens divide: in a long
// response each token weighs less.
func BySequence(rows, tokens, length int) float64 { return 1 / float64(rows*length) }

// ByConstant gives every token the share that it would have if all responses had norm
// tokens: no length is favoured, and no mini-batch (Dr. GRPO, arXiv:2503.20783, where
// norm is the token limit).
func ByConstant(norm int) Aggregation {
	return func(rows, tokens, length int) float64 { return 1 / float64(rows*norm) }
}
