package actor

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	. "github.com/gomlx/gomlx/core/graph"
)

// maxLogRatio bounds log ρ before the exponential, as OpenRLHF does.
const maxLogRatio = 20

// probabilityRatio returns ρ = π/π_old of each token.
//
//	logp, old [batch, seq] → [batch, seq]
func probabilityRatio(logp, old *Node) *Node {
	logp.AssertDims(old.Shape().Dimensions...)
	return Exp(ClipScalar(Sub(logp, old), -maxLogRatio, maxLogRatio))
}

// PolicyLoss computes the clipped surrogate of each token (arXiv:1707.06347, equation 7),
// with a bound for each side (clip-higher of DAPO, arXiv:2503.14476; equal in the paper):
//
//	−min(ρ·Â, clip(ρ, 1−low, 1+high)·Â)
//
//	ratio, advantage [batch, seq] → [batch, seq]
func PolicyLoss(ratio, advantage *graph.Node, low, high float64) *graph.Node {
	ratio.AssertDims(advantage.Shape().Dimensions...)
	return Neg(Min(Mul(ratio, advantage), Mul(ClipScalar(ratio, 1-low, 1+high), advantage)))
}

// clipFracMask returns 1 where the clip keeps a token from moving further in the direction
// of its advantage, so that its surrogate has no gradient, and 0 elsewhere.
//
//	ratio, advantage [batch, seq] → [batch, seq]
func clipFracMask(ratio, advantage *Node, low, high float64) *Node {
	ratio.AssertDims(advantage.Shape().Dimensions...)
	stopped := GreaterThan(PolicyLoss(ratio, advantage, low, high), Neg(Mul(ratio, advantage)))
	return ConvertDType(stopped, ratio.DType())
}

// dualClip bounds the surrogate of tokens with a negative advantage, which no clip bounds
// when their ratio grows (arXiv:1912.09729, equation 5):
//
//	min(loss, −c·Â) where Â < 0,  c > 1
//
//	loss, advantage [batch, seq] → [batch, seq]
func dualClip(loss, advantage *Node, c float64) *Node {
	loss.AssertDims(advantage.Shape().Dimensions...)
	return Where(LessThan(advantage, ZerosLike(advantage)), Min(loss, MulScalar(advantage, -c)), loss)
}

// ValueLoss computes the clipped squared error of each token:
//
//	½·max((V−R)², (clip(V, V_old−ε, V_old+ε)−R)²)
//
//	value, old, ret [batch, seq] → [batch, seq]
func ValueLoss(value, old, ret *graph.Node, clip float64) *graph.Node {
	value.AssertDims(ret.Shape().Dimensions...)
	old.AssertDims(ret.Shape().Dimensions...)
	near := Add(old, ClipScalar(Sub(value, old), -clip, clip))
	return MulScalar(Max(Square(Sub(value, ret)), Square(Sub(near, ret))), 0.5)
}

// weightedMean sums over the tokens of a micro-batch and divides by the count of the whole
// mini-batch: Σ weight·x / count. With the mask as weights the micro-batches of a
// mini-batch add up to the mean over its sampled tokens.
//
//	x, weight [batch, seq], count [] → []
func weightedMean(x, weight, count *Node) *Node {
	x.AssertDims(weight.Shape().Dimensions...)
	count.AssertDims()
	return Div(ReduceAllSum(Mul(x, weight)), count)
}

// A LossAgg says how the losses of tokens are added up to the loss of a mini-batch: by the
// weight of each token of a response, which has length tokens, among rows responses with
// tokens tokens in all.
type LossAgg struct {
	Name   string // in a checkpoint; a run refuses to continue with another
	Weight func(rows, tokens, length int) float64
}

// TokenMean gives every token of the mini-batch the same weight, so that long responses
// weigh more than short ones.
func TokenMean() LossAgg {
	return LossAgg{tokenMean, func(rows, tokens, length int) float64 { return 1 / float64(tokens) }}
}

// SeqMeanTokenMean gives every response the same weight, which its tokens share, so that a
// token of a long response weighs less.
func SeqMeanTokenMean() LossAgg {
	return LossAgg{"seq-mean-token-mean", func(rows, tokens, length int) float64 { return 1 / float64(rows*length) }}
}

// SeqMeanTokenSumNorm gives every token the weight 1/(rows·norm), whatever the lengths are
// (Dr. GRPO, arXiv:2503.20783, where norm is the token limit).
func SeqMeanTokenSumNorm(norm int) LossAgg {
	return LossAgg{fmt.Sprintf("seq-mean-token-sum-norm %d", norm), func(rows, tokens, length int) float64 { return 1 / float64(rows*norm) }}
}

// tokenMean and k3Plus name the defaults.
const tokenMean, k3Plus = "token-mean", "k3+"

// A KLEstimator estimates the divergence of the policy from a reference at each token, as a
// term of the loss. [K1] says how the estimators differ.
type KLEstimator struct {
	Name string                                  // in a checkpoint; a run refuses to continue with another
	Func func(logp, ref *graph.Node) *graph.Node // [batch, seq] each
}

// K1 estimates the divergence by d = log π − log π_ref of tokens that π sampled (Schulman,
// joschu.net/blog/kl-approx.html).
//
// The values of K1, d, of [K2], d²/2, and of [K3], e^−d − 1 + d, all estimate
// KL(π ‖ π_ref), K1 and K3 without bias. Their gradients differ, because a loss
// differentiates the estimate at given tokens and not the choice of the tokens. Over tokens
// that π sampled:
//
//	E ∇K1 = E ∇log π = 0         no pull
//	E ∇K2 = E d·∇log π = ∇KL     the gradient of KL(π ‖ π_ref)
//	E ∇K3 = E (1 − e^−d)·∇log π  the gradient of KL(π_ref ‖ π)
//
// [K3Plus] has the value of K3 and the gradient of K2. In a reward, see [ppo.TokenRewards], it
// is the choice of the tokens that is differentiated, and there K1 has the gradient of KL.
func K1() KLEstimator { return KLEstimator{"k1", k1} }

// K2 estimates the divergence by d²/2, see [K1].
func K2() KLEstimator { return KLEstimator{"k2", k2} }

// K3 estimates the divergence by e^−d − 1 + d, which is never negative, see [K1].
func K3() KLEstimator { return KLEstimator{"k3", k3} }

// K3Plus estimates the divergence with the value of [K3] and the gradient of [K2], as verl's
// "k3+" does.
func K3Plus() KLEstimator { return KLEstimator{k3Plus, k3plus} }

// k1 returns d.
//
//	logp, ref [batch, seq] → [batch, seq]
func k1(logp, ref *Node) *Node {
	logp.AssertDims(ref.Shape().Dimensions...)
	return Sub(logp, ref)
}

// k2 returns d²/2.
//
//	logp, ref [batch, seq] → [batch, seq]
func k2(logp, ref *Node) *Node { return MulScalar(Square(k1(logp, ref)), 0.5) }

// k3 returns e^−d − 1 + d. The exponent is bounded as that of [probabilityRatio].
//
//	logp, ref [batch, seq] → [batch, seq]
func k3(logp, ref *Node) *Node {
	d := k1(logp, ref)
	return Add(AddScalar(Exp(ClipScalar(Neg(d), -maxLogRatio, maxLogRatio)), -1.0), d)
}

// k3plus returns the value of k3 with the gradient of k2.
//
//	logp, ref [batch, seq] → [batch, seq]
func k3plus(logp, ref *Node) *Node {
	square := k2(logp, ref)
	return Add(square, StopGradient(Sub(k3(logp, ref), square)))
}
