package ppo

import (
	"math"
	"slices"

	"github.com/satori-go/satori/coat"
)

// Stats describe one update, or the mean over several.
type Stats struct {
	PolicyLoss, ValueLoss    float64 // the policy's with the terms of divergence and entropy
	Entropy                  float64 // nats a token
	ApproxKL                 float64 // divergence of the old policy from the new one, nats a token (k3)
	ClipFraction             float64 // share of tokens that the clip keeps from moving further
	RatioError               float64 // mean |ρ−1| before the update
	ValueError               float64 // mean |V−V_old| before the critic's first step
	GradNorm, CriticGradNorm float64 // norms of the gradients before clipping; 0 where no step was made
	// Ratios and Values hold the largest |ρ−1| and |V−V_old| of each sample of the
	// mini-batch, 0 of those that the critic's first step does not see. They are nil where
	// they are not known, and in a mean.
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

// Rewards hold means over attempts.
type Rewards struct {
	Attempts  int
	Total     float64            // the weighted sum of the terms
	Terms     map[string]float64 // the terms without weights, by their names in the rubric
	Accuracy  float64            // share of attempts whose outcome is right; 0 without Trainer.Check
	Tokens    float64            // length of a response
	Truncated float64            // share of attempts that the token limit cut off
}

// newRewards averages over samples whose scores have parts by the names of terms.
func newRewards(terms []string, samples []Sample) Rewards {
	r := Rewards{Attempts: len(samples), Terms: map[string]float64{}}
	n := float64(max(1, len(samples)))
	for _, s := range samples {
		r.Total += s.Score.Total
		r.Tokens += float64(len(s.Tokens))
		if s.Truncated {
			r.Truncated++
		}
		if s.Outcome == coat.Right {
			r.Accuracy++
		}
		for k, name := range terms {
			r.Terms[name] += s.Score.Parts[k]
		}
	}
	r.Total, r.Tokens, r.Truncated, r.Accuracy = r.Total/n, r.Tokens/n, r.Truncated/n, r.Accuracy/n
	for name := range r.Terms {
		r.Terms[name] /= n
	}
	return r
}

// ByStartKind returns the means over the step's attempts by the kind of their start:
// [coat.Unknown] for original starts, [coat.Wrong] and [coat.Right] for restarts from
// attempts with that outcome. A kind that has no attempts is not in the map.
func (s Step) ByStartKind() map[coat.Outcome]Rewards {
	samples := map[coat.Outcome][]Sample{}
	for _, x := range s.Samples {
		samples[x.Start.Prior] = append(samples[x.Start.Prior], x)
	}
	kinds := map[coat.Outcome]Rewards{}
	for kind, list := range samples {
		kinds[kind] = newRewards(s.terms, list)
	}
	return kinds
}

// Diagnostics hold what was counted in an iteration, and measured on its first update.
type Diagnostics struct {
	Truncated     int     // rollouts that the token limit cut off
	Masked        int     // rollouts that were not trained on
	Groups        int     // groups of rollouts of one start, where a start has more than one
	ZeroStdGroups int     // groups whose scores, without penalties, are all equal
	RatioError    float64 // mean |ρ−1| before any update of the iteration
	RatioMax      float64 // the largest
	ValueError    float64 // mean |V−V_old| before any update of the iteration
	ValueMax      float64 // the largest
	// SamplerError is the mean difference |Δ| of a token's log-probability between another
	// sampler, see actor.Config.Sampler, and the policy's own graph, in nats a token; 0
	// where the sampler is the policy's own, or reports none. SamplerMax is the largest.
	SamplerError, SamplerMax float64
}

// first sets what the first update of an iteration measured.
func (d *Diagnostics) first(s Stats) {
	d.RatioError, d.ValueError = s.RatioError, s.ValueError
	if len(s.Ratios) > 0 {
		d.RatioMax = slices.Max(s.Ratios)
	}
	if len(s.Values) > 0 {
		d.ValueMax = slices.Max(s.Values)
	}
}

// sampler compares the log-probabilities of the sampler with those of the policy's graph,
// and puts these in their place.
func (d *Diagnostics) sampler(rollouts []Rollout, estimates []Estimates) {
	n, sum := 0.0, 0.0
	for k := range min(len(rollouts), len(estimates)) {
		own := estimates[k].LogProbs
		if own == nil {
			continue
		}
		if theirs := rollouts[k].LogProbs; len(theirs) == len(own) {
			for t, l := range own {
				off := math.Abs(float64(l) - float64(theirs[t]))
				n, sum, d.SamplerMax = n+1, sum+off, max(d.SamplerMax, off)
			}
		}
		rollouts[k].LogProbs = own
	}
	d.SamplerError = sum / max(1, n)
}

// count fills in what is known of a step before its updates, which trained rollouts are
// made from.
func (s *Step) count(c Config, trained int) {
	divergence := 0.0
	for _, x := range s.Samples {
		s.Sampled += len(x.Tokens)
		if c.Truncated != Mask || !x.Truncated {
			s.Trained += c.Epochs * (len(x.Prompt) + len(x.Tokens))
		}
		if x.Truncated {
			s.Diagnostics.Truncated++
		}
		for t, ref := range x.RefLogProbs {
			divergence += float64(x.LogProbs[t]) - ref
		}
	}
	s.Rewards = newRewards(s.terms, s.Samples)
	s.ExplainedVariance = explainedVariance(s.Samples)
	s.Diagnostics.Masked = len(s.Samples) - trained
	s.KL, s.NextKL = divergence/float64(len(s.Samples)), c.KL
	if c.KLTarget > 0 {
		s.NextKL = adaptKL(c.KL, s.KL, c.KLTarget, len(s.Samples), c.KLHorizon)
	}
	if c.NumGenerations > 1 {
		for group := range slices.Chunk(s.Samples, c.NumGenerations) {
			s.Diagnostics.Groups++
			if !slices.ContainsFunc(group, func(x Sample) bool { return x.Score.Total != group[0].Score.Total }) {
				s.Diagnostics.ZeroStdGroups++
			}
		}
	}
}
