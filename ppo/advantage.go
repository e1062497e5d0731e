package ppo

import (
	"fmt"
	"math"
)

// TokenRewards puts the reward of a whole response on its last token and subtracts the KL
// penalty of each: rₜ = −β·(log π(yₜ) − log π_ref(yₜ)), and score on top for the last
// (N implementation details of RLHF; InstructGPT). Without ref there is no penalty. The
// penalty is [K1] of the policy that sampled, a constant: no gradient runs through it.
// logp and ref have one entry a response token; it panics where there is none, or ref has
// fewer than logp.
func TokenRewards(score float64, logp, ref []float64, kl float64) (rewards []float64) {
	rewards = make([]float64, len(logp))
	if ref != nil {
		for t := range rewards {
			rewards[t] = -kl * (logp[t] - ref[t])
		}
	}
	rewards[len(rewards)-1] += score
	return rewards
}

// GAE is generalised advantage estimation (arXiv:1506.02438, equations 11 and 16) over
// one response; the value after its last token is 0:
//
//	δₜ = rₜ + γ·Vₜ₊₁ − Vₜ
//	Âₜ = δₜ + γλ·Âₜ₊₁
//	Rₜ = Âₜ + Vₜ
//
// rewards and values have one entry a response token, and so have the results; it panics
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

// bootstrapped are the rewards of a response that was cut off and goes on in the critic's
// eyes: γ·V of the state after its last token on top of the last. The value after the
// last token, which is 0 in [GAE], is that value then. The rewards that are given stay as
// they are; it panics where there are none.
func bootstrapped(rewards []float64, after, gamma float64) []float64 {
	rewards = append([]float64(nil), rewards...)
	rewards[len(rewards)-1] += gamma * after
	return rewards
}

// relate gives every token of a response the advantage that the response has in its
// group. What is compared is the reward of the whole response, penalties included.
func relate(group []Sample, relative func(rewards []float64) []float64) error {
	rewards := make([]float64, len(group))
	for i, s := range group {
		for _, r := range s.Rewards {
			rewards[i] += r
		}
	}
	advantages := relative(rewards)
	if len(advantages) != len(rewards) {
		return fmt.Errorf("Config.Advantage made %d advantages of %d rewards, want one of each", len(advantages), len(rewards))
	}
	for i, a := range advantages {
		for t := range group[i].Advantages {
			group[i].Advantages[t] = a
		}
	}
	return nil
}

// Whiten shifts and scales the advantages of all samples to mean 0 and variance 1 over
// their tokens: Â ← (Â − mean)/√(var + 1e-8), with Bessel's correction. Fewer than two
// tokens are left alone. Returns are never whitened.
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

// explainedVariance is 1 − Var(R−V)/Var(R) over the tokens of all samples: 1 for a
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
