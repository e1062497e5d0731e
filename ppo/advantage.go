package ppo

import (
	"fmt"
	"math"
)

// TokenRewards turns the score of a response into a reward of each token:
//
//	rₜ = −β·(log π(yₜ) − log π_ref(yₜ)),  and the score added to the last
//
// as InstructGPT does; verl calls it apply_kl_penalty. The difference is that of the policy that
// sampled (actor.K1). It is a constant: no gradient runs through it. Without refLogProbs (nil)
// there is no penalty.
//
// logProbs and refLogProbs have one entry a response token. It panics where there is no
// token, or refLogProbs has fewer entries than logProbs.
func TokenRewards(score float64, logProbs, refLogProbs []float64, beta float64) (rewards []float64) {
	rewards = make([]float64, len(logProbs))
	if refLogProbs != nil {
		for t := range rewards {
			rewards[t] = -beta * (logProbs[t] - refLogProbs[t])
		}
	}
	rewards[len(rewards)-1] += score
	return rewards
}

// bootstrapped adds γ·V of the state after the last token to the last reward of a response
// that was cut off. [GAE] takes that value as 0 otherwise.
func bootstrapped(rewards []float64, value, gamma float64) []float64 {
	rewards = append([]float64(nil), rewards...)
	rewards[len(rewards)-1] += gamma * value
	return rewards
}

// GAE computes generalised advantage estimates (arXiv:1506.02438, equations 11 and 16) over
// one response. The value after its last token is 0:
//
//	δₜ = rₜ + γ·Vₜ₊₁ − Vₜ
//	Âₜ = δₜ + γλ·Âₜ₊₁
//	Rₜ = Âₜ + Vₜ
//
// rewards and values have one entry a response token, and so have the results. It panics
// where there are fewer values than rewards.
func GAE(rewards, values []float64, gamma, lambda float64) (advantages, returns []float64) {
	advantages, returns = make([]float64, len(rewards)), make([]float64, len(rewards))
	var nextValue, nextAdvantage float64
	for t := len(rewards) - 1; t >= 0; t-- {
		delta := rewards[t] + gamma*nextValue - values[t]
		advantages[t] = delta + gamma*lambda*nextAdvantage
		returns[t] = advantages[t] + values[t]
		nextValue, nextAdvantage = values[t], advantages[t]
	}
	return advantages, returns
}

// Whiten shifts and scales the advantages of all samples to mean 0 and variance 1 over
// their tokens: Â ← (Â − mean)/√(var + 1e-8), with Bessel's correction. It leaves fewer
// than two tokens as they are, and never changes returns.
func Whiten(samples []Sample) {
	var n, sum float64
	for _, s := range samples {
		for _, a := range s.Advantages {
			n++
			sum += a
		}
	}
	if n < 2 {
		return
	}
	mean, squares := sum/n, 0.0
	for _, s := range samples {
		for _, a := range s.Advantages {
			squares += (a - mean) * (a - mean)
		}
	}
	scale := 1 / math.Sqrt(squares/(n-1)+1e-8)
	for _, s := range samples {
		for t := range s.Advantages {
			s.Advantages[t] = (s.Advantages[t] - mean) * scale
		}
	}
}

// An AdvantageEstimator makes the rewards of the rollouts of one start into advantages, one
// of each. Every token of a response gets the advantage of the response.
type AdvantageEstimator struct {
	Name string // in a checkpoint; a run refuses to continue with another
	Func func(rewards []float64) (advantages []float64)
}

// GRPO compares each response with the others of its start (DeepSeekMath,
// arXiv:2402.03300, section 4.1.1; the ε is TRL's):
//
//	Âᵢ = (rᵢ − mean(r)) / (std(r) + 1e-4)
//
// with Bessel's correction. Where all rewards are equal all advantages are 0.
func GRPO() AdvantageEstimator {
	return AdvantageEstimator{"grpo", func(rewards []float64) []float64 {
		advantages := lessMean(rewards)
		squares := 0.0
		for _, a := range advantages {
			squares += a * a
		}
		std := math.Sqrt(squares / float64(max(1, len(rewards)-1)))
		for i := range advantages {
			advantages[i] /= std + 1e-4
		}
		return advantages
	}}
}

// DrGRPO compares as [GRPO] does, without the division, which gives easy and hard problems
// more weight than others (arXiv:2503.20783): Âᵢ = rᵢ − mean(r). Use it with
// actor.SeqMeanTokenSumNorm.
func DrGRPO() AdvantageEstimator { return AdvantageEstimator{"dr_grpo", lessMean} }

// RLOO compares each response with the mean of the other ones (arXiv:2402.14740):
//
//	Âᵢ = rᵢ − Σⱼ≠ᵢ rⱼ / (n−1)
func RLOO() AdvantageEstimator {
	return AdvantageEstimator{"rloo", func(rewards []float64) []float64 {
		sum := 0.0
		for _, r := range rewards {
			sum += r
		}
		advantages := make([]float64, len(rewards))
		for i, r := range rewards {
			advantages[i] = r - (sum-r)/float64(len(rewards)-1)
		}
		return advantages
	}}
}

func lessMean(rewards []float64) []float64 {
	mean := 0.0
	for _, r := range rewards {
		mean += r / float64(len(rewards))
	}
	advantages := make([]float64, len(rewards))
	for i, r := range rewards {
		advantages[i] = r - mean
	}
	return advantages
}

// apply sets the advantages of the samples of one start. It compares the rewards of whole
// responses, penalties included.
func (e AdvantageEstimator) apply(samples []Sample) error {
	rewards := make([]float64, len(samples))
	for i, s := range samples {
		for _, r := range s.Rewards {
			rewards[i] += r
		}
	}
	advantages := e.Func(rewards)
	if len(advantages) != len(rewards) {
		return fmt.Errorf("Config.Advantage %q made %d advantages of %d rewards, want one of each", e.Name, len(advantages), len(rewards))
	}
	for i, a := range advantages {
		for t := range samples[i].Advantages {
			samples[i].Advantages[t] = a
		}
	}
	return nil
}

// explainedVariance returns 1 − Var(R−V)/Var(R) over the tokens of all samples: 1 for a
// critic that knows the returns, 0 for one that knows their mean. It is 0 where the
// returns do not vary.
func explainedVariance(samples []Sample) float64 {
	variance := func(f func(s Sample, t int) float64) float64 {
		var n, sum, squares float64
		for _, s := range samples {
			for t := range s.Returns {
				x := f(s, t)
				n, sum, squares = n+1, sum+x, squares+x*x
			}
		}
		return squares/n - sum*sum/(n*n)
	}
	returns := variance(func(s Sample, t int) float64 { return s.Returns[t] })
	if !(returns > 1e-12) {
		return 0
	}
	return 1 - variance(func(s Sample, t int) float64 { return s.Returns[t] - s.Values[t] })/returns
}

// adaptKL returns the coefficient β of the next iteration (Ziegler et al.,
// arXiv:1909.08593, section 2.2), from the divergence of this one in nats a response:
//
//	β ← β·(1 + clip(kl/target − 1, −0.2, 0.2)·n/horizon)
//
// β stays positive where the horizon is over 0.2·n; the paper has 10000, and batches of 512.
func adaptKL(beta, kl, target float64, n int, horizon float64) float64 {
	return beta * (1 + max(-maxKLError, min(maxKLError, kl/target-1))*float64(n)/horizon)
}

// maxKLError bounds the relative error that [adaptKL] uses.
const maxKLError = 0.2
