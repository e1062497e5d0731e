package ppo

// Stats describe one update, or the mean over several.
type Stats struct {
	PolicyLoss, ValueLoss    float64 // the policy's with the terms of divergence and entropy
	Entropy                  float64 // nats a token
	ApproxKL                 float64 // of the old policy against the new one, nats a token (k3)
	ClipFraction             float64 // share of tokens that the clip keeps from moving further
	RatioError               float64 // mean |ρ−1|: what the update starts from
	ValueError               float64 // mean |V−V_old|, the same for the critic's first step
	GradNorm, CriticGradNorm float64 // of the gradients, before clipping; 0 of a half that is left alone
	// Ratios and Values have the largest |ρ−1| and |V−V_old| of each sample of the
	// mini-batch, 0 of those that the critic's first step does not see; nil where they are
	// not known, and in a mean. They are how the doctor tells which rows are wrong.
	Ratios, Values []float64
}

func (s *Stats) add(x Stats, weight float64) {
	s.PolicyLoss += weight * x.PolicyLoss
	s.ValueLoss += weight * x.ValueLoss
	s.Entropy += weight * x.Entropy
	s.ApproxKL += weight * x.ApproxKL
	s.ClipFraction += weight * x.ClipFraction
	s.RatioError += weight * x.RatioError
	s.ValueError += weight * x.ValueError
	s.GradNorm += weight * x.GradNorm
	s.CriticGradNorm += weight * x.CriticGradNorm
}

// An Rewards is what became of the rollouts whose starts came from one place.
type Rewards struct {
	Rollouts, Truncated int
	Tokens              float64   // a response, mean
	Reward              float64   // mean
	Parts               []float64 // of the reward, means in the rubric's order, without weights
}

// ByStartKind tells the step's rollouts apart by what had become of the attempt that their
// start was cut from: original starts, D− and D+, indexed by [coat.Outcome].
func (s Step) ByStartKind() (origins [3]Rewards) {
	for _, x := range s.Samples {
		o := &origins[x.Start.Prior]
		o.Rollouts++
		if x.Truncated {
			o.Truncated++
		}
		o.Tokens += float64(len(x.Tokens))
		o.Reward += x.Score.Total
		if o.Parts == nil {
			o.Parts = make([]float64, len(x.Score.Parts))
		}
		for k, p := range x.Score.Parts {
			o.Parts[k] += p
		}
	}
	for i := range origins {
		o := &origins[i]
		n := float64(max(1, o.Rollouts))
		o.Tokens, o.Reward = o.Tokens/n, o.Reward/n
		for k := range o.Parts {
			o.Parts[k] /= n
		}
	}
	return origins
}
