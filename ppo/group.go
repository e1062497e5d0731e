package ppo

import "math"

// GRPO is the advantage of each response of a group over the others (DeepSeekMath,
// arXiv:2402.03300, section 4.1.1; the ε is TRL's):
//
//	Âᵢ = (rᵢ − mean(r)) / (std(r) + 1e-4)
//
// with Bessel's correction. A group whose rewards are equal teaches nothing: all 0.
func GRPO(rewards []float64) (advantages []float64) {
	advantages = DrGRPO(rewards)
	squares := 0.0
	for _, a := range advantages {
		squares += a * a
	}
	std := math.Sqrt(squares / float64(max(1, len(rewards)-1)))
	for i := range advantages {
		advantages[i] /= std + 1e-4
	}
	return advantages
}

// DrGRPO is [GRPO] without the division, which weighs easy and hard groups more than
// others (arXiv:2503.20783): Âᵢ = rᵢ − mean(r). Its loss is aggregated by [ByConstant].
func DrGRPO(rewards []float64) (advantages []float64) {
	mean := 0.0
	for _, r := range rewards {
		mean += r / float64(len(rewards))
	}
	advantages = make([]float64, len(rewards))
	for i, r := range rewards {
		advantages[i] = r - mean
	}
	return advantages
}

// RLOO takes the mean of the other responses as the baseline (arXiv:2402.14740):
//
//	Âᵢ = rᵢ − Σⱼ≠ᵢ rⱼ / (n−1)
func RLOO(rewards []float64) (advantages []float64) {
	sum := 0.0
	for _, r := range rewards {
		sum += r
	}
	advantages = make([]float64, len(rewards))
	for i, r := range rewards {
		advantages[i] = r - (sum-r)/float64(len(rewards)-1)
	}
	return advantages
}
