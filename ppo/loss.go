package ppo

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// maxLogRatio bounds log ρ before the exponential, as OpenRLHF does.
const maxLogRatio = 20

// Ratio is ρ = π/π_old of each token.
//
//	logp, old [batch, seq] → [batch, seq]
func Ratio(logp, old *Node) *Node {
	logp.AssertDims(old.Shape().Dimensions...)
	return Exp(ClipScalar(Sub(logp, old), -maxLogRatio, maxLogRatio))
}

// PolicyLoss is the clipped surrogate of each token (arXiv:1707.06347, equation 7):
//
//	−min(ρ·Â, clip(ρ, 1−ε, 1+ε)·Â)
//
//	ratio, advantage [batch, seq] → [batch, seq]
func PolicyLoss(ratio, advantage *Node, clip float64) *Node {
	ratio.AssertDims(advantage.Shape().Dimensions...)
	return Neg(Min(Mul(ratio, advantage), Mul(ClipScalar(ratio, 1-clip, 1+clip), advantage)))
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

// Mean is the mean over the tokens of a whole batch, of which this may be a part:
// Σ mask·x / count.
//
//	x, mask [batch, seq], count [] → []
func Mean(x, mask, count *Node) *Node {
	x.AssertDims(mask.Shape().Dimensions...)
	count.AssertDims()
	return Div(ReduceAllSum(Mul(x, mask)), count)
}
