package ppo

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// An estimator of the divergence of π from a reference looks at d = log π − log π_ref of
// tokens that π drew (Schulman, joschu.net/blog/kl-approx.html). In the value all three
// are of KL(π ‖ π_ref), K1 and K3 without bias. As a term of a loss they are not alike:
// what is differentiated is the estimator at given tokens, not their choice. Over tokens
// of π itself
//
//	E ∇K1 = E ∇log π = 0         pulls nowhere
//	E ∇K2 = E d·∇log π = ∇KL     the one that pulls towards the reference as KL does
//	E ∇K3 = E (1 − e^−d)·∇log π  the gradient of KL(π_ref ‖ π), the other way round
//
// and [StraightThrough] has the value of K3 and the gradient of K2. In a reward, [Shape],
// it is the choice that is differentiated, and there K1 is the one whose gradient is
// that of KL.

// K1 is d.
//
//	logp, ref [batch, seq] → [batch, seq]
func K1(logp, ref *Node) *Node {
	logp.AssertDims(ref.Shape().Dimensions...)
	return Sub(logp, ref)
}

// K2 is d²/2.
//
//	logp, ref [batch, seq] → [batch, seq]
func K2(logp, ref *Node) *Node { return MulScalar(Square(K1(logp, ref)), 0.5) }

// K3 is e^−d − 1 + d, never negative. The exponent is bounded as that of [probabilityRatio] is.
//
//	logp, ref [batch, seq] → [batch, seq]
func K3(logp, ref *Node) *Node {
	d := K1(logp, ref)
	return Add(AddScalar(Exp(ClipScalar(Neg(d), -maxLogRatio, maxLogRatio)), -1.0), d)
}

// K3Plus has the value of [K3] and the gradient of [K2].
//
//	logp, ref [batch, seq] → [batch, seq]
func K3Plus(logp, ref *Node) *Node {
	k2 := K2(logp, ref)
	return Add(k2, StopGradient(Sub(K3(logp, ref), k2)))
}

// adaptKL is the coefficient β of the next iteration (Ziegler et al., arXiv:1909.08593,
// section 2.2), from the divergence of this one, in nats a response, the sum over its
// tokens:
//
//	β ← β·(1 + clip(kl/target − 1, −0.2, 0.2)·n/horizon)
//
// For β to stay positive the horizon has to be over 0.2·n; there it is 10000, of batches
// of 512.
func adaptKL(beta, kl, target float64, n int, horizon float64) float64 {
	return beta * (1 + max(-maxKLError, min(maxKLError, kl/target-1))*float64(n)/horizon)
}

// maxKLError bounds the error that [adaptKL] goes by.
const maxKLError = 0.2
