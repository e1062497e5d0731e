package ppo

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/reward"
)

// A Trainer trains a policy against a rubric.
type Trainer struct {
	Policy Policy
	Rubric reward.Rubric
	// Check decides whether an attempt is right, for Sample.Outcome and Rewards.Accuracy. It
	// changes nothing that is trained. A check that the rubric uses as well should be in
	// [reward.Memo], so that it runs once an attempt. nil: outcomes are unknown.
	Check  reward.Func
	Config Config
}

// Train takes starts from where the stream stands, RolloutBatch/NumGenerations an
// iteration, and yields each iteration after its updates. The body of the loop sees the
// policy as these updates left it.
//
// Train begins with the iteration after Config.Done and ends after Config.Iterations. It
// is an error if the stream ends before, and if a check fails: then it is a [*CheckError].
func (t *Trainer) Train(ctx context.Context, starts iter.Seq[coat.Start]) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		c, err := t.Config.resolve()
		if err != nil {
			yield(Step{}, fmt.Errorf("ppo: %w", err))
			return
		}
		next, stop := iter.Pull(starts)
		defer stop()
		for i := c.Done; i < c.Iterations; i++ {
			step, err := Step{}, context.Cause(ctx)
			if err == nil {
				step, err = t.iterate(ctx, c, i, next)
			}
			if err != nil {
				yield(Step{}, fmt.Errorf("ppo: iteration %d: %w", i+1, err))
				return
			}
			if !yield(step, nil) {
				return
			}
			c.KL = step.NextKL
		}
	}
}

// iterate makes iteration i, counted from 0.
func (t *Trainer) iterate(ctx context.Context, c Config, i int, next func() (coat.Start, bool)) (step Step, err error) {
	step = Step{Iteration: i + 1, Of: c.Iterations, terms: termNames(t.Rubric)}
	starts, err := take(next, c)
	if err != nil {
		return step, err
	}

	// Rollouts, their scores, and what critic and reference make of them.
	rollouts, err := t.Policy.Rollouts(ctx, starts, sampler.FoldIn(c.Seed, uint64(i)))
	if err != nil {
		return step, err
	}
	scores, outcomes, err := t.score(ctx, rollouts)
	if err != nil {
		return step, err
	}
	estimates, err := t.Policy.Estimate(ctx, rollouts)
	if err != nil {
		return step, err
	}
	step.Diagnostics.sampler(rollouts, estimates)
	if err := c.checkRollouts(i, starts, rollouts, estimates); err != nil {
		return step, err
	}

	// Rewards of tokens, advantages and returns.
	if step.Samples, err = c.samples(rollouts, scores, outcomes, estimates); err != nil {
		return step, err
	}
	train := c.trained(step.Samples)
	step.count(c, len(train))
	if !c.grouped() {
		Whiten(pick(step.Samples, train))
	}
	if err := c.checkTrained(step.Samples, train); err != nil {
		return step, err
	}

	// Updates, a mini-batch each.
	planned, made := c.updates(c.RolloutBatch), c.updates(len(train))
	for u, part := range c.miniBatches(i, train) {
		if err := context.Cause(ctx); err != nil {
			return step, err
		}
		sizes := c.stepSizes(i*planned+u, c.CriticWarmup*planned, c.Iterations*planned)
		stats, err := t.Policy.Update(ctx, pick(step.Samples, part), sizes)
		if err != nil {
			return step, located(err, part)
		}
		if u == 0 {
			step.Diagnostics.first(stats)
			if err := c.checkFirst(stats, part, step.Samples); err != nil {
				return step, err
			}
		}
		step.Stats.add(stats, 1/float64(made))
	}
	if p, ok := t.Policy.(Publisher); ok {
		return step, p.Publish(ctx)
	}
	return step, nil
}

// score scores the attempts, and decides their outcomes where there is a check.
func (t *Trainer) score(ctx context.Context, rollouts []Rollout) ([]reward.Score, []coat.Outcome, error) {
	attempts := make([]coat.Attempt, len(rollouts))
	for k, r := range rollouts {
		attempts[k] = r.Attempt
	}
	outcomes := make([]coat.Outcome, len(rollouts))
	scores, err := t.Rubric.Score(ctx, attempts, t.Config.Parallel)
	if err != nil || t.Check == nil {
		return scores, outcomes, err
	}
	judged, err := reward.Judge(ctx, t.Check, attempts, t.Config.Parallel)
	for k, j := range judged {
		outcomes[k] = j.Outcome
	}
	return scores, outcomes, err
}

// samples makes scores into rewards of tokens, and these into advantages: with a critic,
// or among the rollouts of one start.
func (c Config) samples(rollouts []Rollout, scores []reward.Score, outcomes []coat.Outcome, estimates []Estimates) ([]Sample, error) {
	samples := make([]Sample, len(rollouts))
	for k, r := range rollouts {
		e := estimates[k]
		if e.Values == nil {
			e.Values = make([]float64, len(r.Tokens))
		}
		s := Sample{Rollout: r, Score: scores[k], Outcome: outcomes[k], Values: e.Values, RefLogProbs: e.RefLogProbs}
		s.Rewards = TokenRewards(s.Score.Total, float64s(r.LogProbs), s.RefLogProbs, c.inReward())
		rewards := s.Rewards
		if c.Truncated == Bootstrap && s.Truncated {
			rewards = bootstrapped(rewards, e.BootstrapValue, c.Gamma)
		}
		s.Advantages, s.Returns = GAE(rewards, s.Values, c.Gamma, c.Lambda.Value())
		samples[k] = s
	}
	if c.grouped() {
		for group := range slices.Chunk(samples, c.NumGenerations) {
			if err := c.Advantage.apply(group); err != nil {
				return nil, err
			}
		}
	}
	return samples, nil
}

// trained lists the samples that are trained on.
func (c Config) trained(samples []Sample) (list []int) {
	for k, s := range samples {
		if c.Truncated != Mask || !s.Truncated {
			list = append(list, k)
		}
	}
	return list
}

// updates returns the number of updates that an iteration makes of so many rollouts.
func (c Config) updates(rollouts int) int {
	return c.Epochs * ((rollouts + c.MiniBatch - 1) / c.MiniBatch)
}

// miniBatches yields the mini-batches of iteration i with their numbers, counted from 0.
// Each epoch has all samples of the list, in another order.
func (c Config) miniBatches(i int, list []int) iter.Seq2[int, []int] {
	return func(yield func(int, []int) bool) {
		rng := rand.New(rand.NewPCG(sampler.FoldIn(c.Seed, uint64(i)), 0x6d696e69)) // "mini"
		u := 0
		for range c.Epochs {
			order := rng.Perm(len(list))
			for k, n := range order {
				order[k] = list[n]
			}
			for part := range slices.Chunk(order, c.MiniBatch) {
				if !yield(u, part) {
					return
				}
				u++
			}
		}
	}
}

// take takes the starts of an iteration, each NumGenerations times.
func take(next func() (coat.Start, bool), c Config) ([]coat.Start, error) {
	starts := make([]coat.Start, 0, c.RolloutBatch)
	for len(starts) < c.RolloutBatch {
		s, ok := next()
		if !ok {
			return nil, fmt.Errorf("the stream of starts has ended: found %d of the %d that an iteration takes",
				len(starts)/c.NumGenerations, c.RolloutBatch/c.NumGenerations)
		}
		for range c.NumGenerations {
			starts = append(starts, s)
		}
	}
	return starts, nil
}

func pick(samples []Sample, which []int) []Sample {
	list := make([]Sample, len(which))
	for k, n := range which {
		list[k] = samples[n]
	}
	return list
}

func termNames(rubric reward.Rubric) []string {
	names := make([]string, len(rubric))
	for k, t := range rubric {
		names[k] = t.Name
	}
	return names
}

func float64s(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
