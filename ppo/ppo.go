package ppo

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/reward"
)

// A Rollout is an attempt with the ids and log-probabilities that it was sampled with.
type Rollout = model.Rollout

// An Estimate is what is known of a rollout before training on it; one entry a
// response token.
type Estimate struct {
	Values      []float64 // of the state in which the token was chosen; nil: there is no critic
	Estimates   float64   // value of the state after the last token; read where it is bootstrapped
	RefLogProbs []float64 // log-probability under the reference policy; nil: none
}

// A Sample is a rollout that is ready to be trained on; one entry a response token.
type Sample struct {
	Rollout
	Score       reward.Score
	Values      []float64 // as estimated before training; 0 without a critic
	RefLogProbs []float64 // log-probabilities under the reference policy; nil: none
	Rewards     []float64 // the score on the last token, and the penalties
	Advantages  []float64
	Returns     []float64
}

// A Policy is what PPO improves. *ActorCritic is the one over gomlx.
type Policy interface {
	// Rollouts samples one response for each start from the current weights, in order.
	Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]Rollout, error)
	// Estimate looks at rollouts with the current weights, in order.
	Estimate(ctx context.Context, rollouts []Rollout) ([]Estimate, error)
	// Update learns from a mini-batch: the policy makes one optimiser step, a critic one or
	// several. After an error the policy is that of before; of the critic's steps those before
	// the one that failed may have been made.
	Update(ctx context.Context, minibatch []Sample, rate StepSizes) (Stats, error)
}

// A StepSizes is how far one step goes: learning rates as shares of their peaks, and the
// coefficient of a divergence in the loss. Where the share is 0 that half is left alone,
// its optimiser included. What both share is the policy's: its updates may change the
// values, those of the critic alone never the policy.
type StepSizes struct {
	Policy, Critic float64
	KL             float64 // β
}

// A Trainer trains a policy against a rubric.
type Trainer struct {
	Policy Policy
	Rubric reward.Rubric
	Config Config
}

// A Step is one iteration. How long it took is for the caller to measure: with the
// tokens that are given here that makes tokens a second, and a Step depends on nothing
// but seed and weights.
type Step struct {
	Iteration, Of     int // counted from 1
	Samples           []Sample
	Stats                         // the mean over the iteration's updates
	ExplainedVariance float64     // of the critic, on these rollouts, before it was trained on them
	KL                float64     // divergence from the reference, nats a response (k1, summed)
	NextKL            float64     // what Config.KL has to be to go on from here
	Sampled, Trained  int         // tokens: sampled, and trained through, prompts included
	Diagnostics       Diagnostics // what the doctor counted and measured
}

// Train takes starts, a batch an iteration, and yields every iteration when its updates
// are done; what the loop's body sees is a consistent policy. It ends after
// Config.Iterations; running out of starts before is an error, and so is whatever the
// doctor finds, a [*CheckError].
func (t *Trainer) Train(ctx context.Context, starts iter.Seq[coat.Start]) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		c, err := t.Config.resolve()
		if err != nil {
			yield(Step{}, fmt.Errorf("ppo: %w", err))
			return
		}
		next, stop := iter.Pull(starts)
		defer stop()
		for i := range c.Iterations {
			batch, err := take(next, c.RolloutBatch, c.NumGenerations)
			if err == nil && i < c.Done {
				continue
			}
			var step Step
			if err == nil {
				step, err = t.iterate(ctx, c, i, batch)
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

// iterate is one iteration, the i-th from 0.
func (t *Trainer) iterate(ctx context.Context, c Config, i int, starts []coat.Start) (Step, error) {
	step := Step{Iteration: i + 1, Of: c.Iterations}
	rollouts, err := t.Policy.Rollouts(ctx, starts, sampler.FoldIn(c.Seed, uint64(i)))
	if err != nil {
		return step, err
	}
	scores, err := t.Rubric.Score(ctx, attempts(rollouts), c.Parallel)
	if err != nil {
		return step, err
	}
	estimates, err := t.Policy.Estimate(ctx, rollouts)
	if err != nil {
		return step, err
	}
	if err := c.checkSampled(i, starts, rollouts, estimates); err != nil {
		return step, err
	}
	if step.Samples, err = c.samples(rollouts, scores, estimates); err != nil {
		return step, err
	}
	step.ExplainedVariance = explainedVariance(step.Samples)
	train := c.trained(step.Samples)
	step.count(c, len(train))
	if c.Advantage == nil {
		Whiten(pick(step.Samples, train))
	}
	if err := c.checkSamples(step.Samples, train); err != nil {
		return step, err
	}

	rng := rand.New(rand.NewPCG(sampler.FoldIn(c.Seed, uint64(i)), 0x6d696e69)) // "mini"
	planned, made, done := c.updates(c.RolloutBatch), c.updates(len(train)), 0
	for range c.Epochs {
		for part := range slices.Chunk(shuffled(train, rng), c.MiniBatch) {
			if err := context.Cause(ctx); err != nil {
				return step, err
			}
			stats, err := t.Policy.Update(ctx, pick(step.Samples, part), c.rate(i*planned+done, c.CriticWarmup*planned, c.Iterations*planned))
			if err != nil {
				return step, located(err, part)
			}
			if done == 0 {
				step.Diagnostics.first(stats)
				if err := c.checkFirst(stats, part, step.Samples); err != nil {
					return step, err
				}
			}
			done++
			step.Stats.add(stats, 1/float64(made))
		}
	}
	return step, nil
}

// samples makes rewards into advantages: with a critic, or within groups.
func (c Config) samples(rollouts []Rollout, scores []reward.Score, estimates []Estimate) ([]Sample, error) {
	samples := make([]Sample, len(rollouts))
	for k, r := range rollouts {
		e := estimates[k]
		if e.Values == nil {
			e.Values = make([]float64, len(r.Tokens))
		}
		rewards := TokenRewards(scores[k].Total, float64s(r.LogProbs), e.RefLogProbs, c.inReward())
		samples[k] = Sample{Rollout: r, Score: scores[k], Values: e.Values, RefLogProbs: e.RefLogProbs, Rewards: rewards}
	}
	if err := c.checkRewards(samples); err != nil {
		return nil, err
	}
	for k := range samples {
		s := &samples[k]
		rewards := s.Rewards
		if c.Truncated == Bootstrap && s.Truncated {
			rewards = bootstrapped(rewards, estimates[k].Estimates, c.Gamma)
		}
		s.Advantages, s.Returns = GAE(rewards, s.Values, c.Gamma, c.Lambda)
	}
	if c.Advantage != nil {
		for group := range slices.Chunk(samples, c.NumGenerations) {
			if err := relate(group, c.Advantage); err != nil {
				return nil, err
			}
		}
	}
	return samples, nil
}

// updates is how many an iteration makes of so many rollouts.
func (c Config) updates(rollouts int) int {
	return c.Epochs * ((rollouts + c.MiniBatch - 1) / c.MiniBatch)
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

func shuffled(list []int, rng *rand.Rand) []int {
	order := rng.Perm(len(list))
	for k, n := range order {
		order[k] = list[n]
	}
	return order
}

func pick(samples []Sample, which []int) []Sample {
	list := make([]Sample, len(which))
	for k, n := range which {
		list[k] = samples[n]
	}
	return list
}

// take takes n/group starts, each group times.
func take(next func() (coat.Start, bool), n, group int) ([]coat.Start, error) {
	starts := make([]coat.Start, 0, n)
	for len(starts) < n {
		s, ok := next()
		if !ok {
			return nil, fmt.Errorf("the starts have ended: %d of %d", len(starts)/group, n/group)
		}
		for range group {
			starts = append(starts, s)
		}
	}
	return starts, nil
}

func attempts(rollouts []Rollout) []coat.Attempt {
	list := make([]coat.Attempt, len(rollouts))
	for i, r := range rollouts {
		list[i] = r.Attempt
	}
	return list
}

func float64s(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// Cycle repeats problems as fresh starts, each time in another order.
func Cycle(problems []coat.Problem, seed uint64) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		for round := uint64(0); len(problems) > 0; round++ {
			for _, i := range rand.New(rand.NewPCG(sampler.FoldIn(seed, round), 0x656e646c)).Perm(len(problems)) { // "endl"
				if !yield(coat.Start{Problem: problems[i]}) {
					return
				}
			}
		}
	}
}
