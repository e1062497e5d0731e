package ppo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/reward"
)

// A Rollout is an attempt with the ids and log-probabilities that it was sampled with.
type Rollout = model.Rollout

// An Estimate is what is known of a rollout before training on it; one entry a
// response token.
type Estimate struct {
	Values []float64 // of the state in which the token was chosen
	Ref    []float64 // log-probability under the reference policy; nil: none
}

// A Sample is a rollout that is ready to be trained on; one entry a response token.
type Sample struct {
	Rollout
	Score      reward.Score
	Values     []float64 // as estimated before training
	Advantages []float64
	Returns    []float64
}

// A Policy is what PPO improves. *ActorCritic is the one over gomlx.
type Policy interface {
	// Rollouts samples one response for each start from the current weights, in order.
	Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]Rollout, error)
	// Estimate looks at rollouts with the current weights, in order.
	Estimate(ctx context.Context, rollouts []Rollout) ([]Estimate, error)
	// Update makes one optimiser step on a mini-batch at a share of the peak rates. After
	// an error the weights may be those of half a step: go on from a checkpoint.
	Update(ctx context.Context, minibatch []Sample, rate Rate) (Stats, error)
}

// A Rate is the learning rates of one step as shares of their peaks. At 0 that half is
// left alone, its optimiser included.
type Rate struct{ Policy, Critic float64 }

// Stats describe one update, or the mean over several.
type Stats struct {
	PolicyLoss, ValueLoss float64
	Entropy               float64 // nats a token
	KL                    float64 // of the old policy against the new one, nats a token (k3)
	ClipFraction          float64 // share of tokens whose ratio is outside the clip
	RatioError            float64 // mean |ρ−1|: what the update starts from
	PolicyNorm, ValueNorm float64 // of the gradients, before clipping
}

// A Config says how to train. Its zero value is the paper's (D.3) but for Iterations,
// which it has no default for, and Lambda.
type Config struct {
	Iterations int     // rounds of rollouts and updates
	Batch      int     // rollouts an iteration; 0: 1024
	Minibatch  int     // rollouts an update; 0: 128
	Epochs     int     // passes over the rollouts; 0: 1
	Gamma      float64 // γ; 0: 1
	Lambda     float64 // λ; 0: 1, see the package documentation
	KL         float64 // β of the penalty against a reference; 0: none
	CriticOnly int     // first iterations in which the critic alone is trained; 0: none
	Warmup     float64 // share of the updates; 0: 0.03, as in the paper's scripts
	Floor      float64 // the last rate as a share of the peak; 0: 0.1, as there
	Parallel   int     // attempts scored at a time; 0: one a processor
	Seed       uint64
	// Done is how many iterations were made before, by a run that this one goes on with:
	// their starts are passed over, their seeds and rates not used again.
	Done int
}

// A Trainer trains a policy against a rubric.
type Trainer struct {
	Policy Policy
	Rubric reward.Rubric
	Config Config
}

// A Step is one iteration.
type Step struct {
	Iteration, Of     int // counted from 1
	Samples           []Sample
	Stats                     // the mean over the iteration's updates
	ExplainedVariance float64 // of the critic, on these rollouts, before it was trained on them
	Sampled, Trained  int     // tokens: sampled, and trained through, prompts included
}

// Train takes starts, a batch an iteration, and yields every iteration when its updates
// are done; what the loop's body sees is a consistent policy. It ends after
// Config.Iterations; running out of starts before is an error.
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
			batch, err := take(next, c.Batch)
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
		}
	}
}

// iterate is one iteration, the i-th from 0.
func (t *Trainer) iterate(ctx context.Context, c Config, i int, starts []coat.Start) (Step, error) {
	step := Step{Iteration: i + 1, Of: c.Iterations}
	rollouts, err := t.Policy.Rollouts(ctx, starts, model.Mix(c.Seed, uint64(i)))
	if err != nil {
		return step, err
	}
	for k, r := range rollouts {
		if err := whole(r); err != nil {
			return step, fmt.Errorf("rollout %d: %w", k, err)
		}
	}
	scores, err := t.Rubric.Score(ctx, attempts(rollouts), c.Parallel)
	if err != nil {
		return step, err
	}
	estimates, err := t.Policy.Estimate(ctx, rollouts)
	if err != nil {
		return step, err
	}
	for k, r := range rollouts {
		if c.KL > 0 && estimates[k].Ref == nil {
			return step, fmt.Errorf("Config.KL is %g and the policy has no reference to measure it against", c.KL)
		}
		rewards := Shape(scores[k].Total, float64s(r.LogProbs), estimates[k].Ref, c.KL)
		advantages, returns := GAE(rewards, estimates[k].Values, c.Gamma, c.Lambda)
		step.Samples = append(step.Samples, Sample{r, scores[k], estimates[k].Values, advantages, returns})
		step.Sampled += len(r.Tokens)
		step.Trained += c.Epochs * (len(r.Prompt) + len(r.Tokens))
	}
	step.ExplainedVariance = ExplainedVariance(step.Samples)
	Whiten(step.Samples)

	rng := rand.New(rand.NewPCG(model.Mix(c.Seed, uint64(i)), 0x6d696e69)) // "mini"
	perEpoch := (len(rollouts) + c.Minibatch - 1) / c.Minibatch
	updates := perEpoch * c.Epochs
	done := 0
	for range c.Epochs {
		order := rng.Perm(len(step.Samples))
		for part := range slices.Chunk(order, c.Minibatch) {
			if err := context.Cause(ctx); err != nil {
				return step, err
			}
			minibatch := make([]Sample, len(part))
			for k, n := range part {
				minibatch[k] = step.Samples[n]
			}
			stats, err := t.Policy.Update(ctx, minibatch, c.rate(i*updates+done, c.CriticOnly*updates, c.Iterations*updates))
			if err == nil && done == 0 && stats.RatioError > maxRatioError {
				err = fmt.Errorf("before any update the ratio to the sampler's log-probabilities is off by %.2g on average, want under %g: sampler and trainer disagree about weights, temperature or mask", stats.RatioError, maxRatioError)
			}
			if err != nil {
				return step, err
			}
			done++
			step.Stats.add(stats, 1/float64(updates))
		}
	}
	return step, nil
}

// maxRatioError bounds mean |ρ−1| on the first pass: in f32 sampler and trainer agree
// to about 1e-6; anything more is a mistake that would train on wrong ratios silently.
const maxRatioError = 1e-3

// rate is the schedule of each half: warm-up and cosine over the updates that it makes.
// The critic makes updates update = 0, 1, ... of all; the policy those from first on.
func (c Config) rate(update, first, of int) Rate {
	schedule := func(update, of int) float64 {
		return model.Cosine(1, update, int(math.Ceil(c.Warmup*float64(of))), of, c.Floor)
	}
	r := Rate{Critic: schedule(update, of)}
	if update >= first {
		r.Policy = schedule(update-first, of-first)
	}
	return r
}

func (c Config) resolve() (Config, error) {
	c.Batch, c.Minibatch, c.Epochs = cmp.Or(c.Batch, 1024), cmp.Or(c.Minibatch, 128), cmp.Or(c.Epochs, 1)
	c.Gamma, c.Lambda = cmp.Or(c.Gamma, 1), cmp.Or(c.Lambda, 1)
	c.Warmup, c.Floor = cmp.Or(c.Warmup, 0.03), cmp.Or(c.Floor, 0.1)
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("Config."+format, args...))
		}
	}
	need(c.Iterations > 0, "Iterations is %d, want it positive", c.Iterations)
	need(c.Batch > 0 && c.Minibatch > 0 && c.Epochs > 0, "Batch is %d, Minibatch %d, Epochs %d, want them positive", c.Batch, c.Minibatch, c.Epochs)
	need(c.Gamma > 0 && c.Gamma <= 1 && c.Lambda > 0 && c.Lambda <= 1, "Gamma is %g, Lambda %g, want them in (0, 1]", c.Gamma, c.Lambda)
	need(c.KL >= 0, "KL is %g", c.KL)
	need(c.Done >= 0, "Done is %d", c.Done)
	return c, errors.Join(faults...)
}

func (s *Stats) add(x Stats, weight float64) {
	s.PolicyLoss += weight * x.PolicyLoss
	s.ValueLoss += weight * x.ValueLoss
	s.Entropy += weight * x.Entropy
	s.KL += weight * x.KL
	s.ClipFraction += weight * x.ClipFraction
	s.RatioError += weight * x.RatioError
	s.PolicyNorm += weight * x.PolicyNorm
	s.ValueNorm += weight * x.ValueNorm
}

func take(next func() (coat.Start, bool), n int) ([]coat.Start, error) {
	starts := make([]coat.Start, 0, n)
	for len(starts) < n {
		s, ok := next()
		if !ok {
			return nil, fmt.Errorf("the starts have ended: %d of %d", len(starts), n)
		}
		starts = append(starts, s)
	}
	return starts, nil
}

// whole refuses a rollout whose log-probabilities are not those of the whole distribution
// at the temperature: every ratio would be off by the mass that was cut off.
func whole(r Rollout) error {
	switch {
	case r.Plain != nil:
		return errors.New("it was sampled with top-p, top-k or min-p; PPO takes the whole distribution")
	case len(r.LogProbs) != len(r.Tokens):
		return fmt.Errorf("it has %d tokens and %d log-probabilities", len(r.Tokens), len(r.LogProbs))
	}
	return nil
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

// Endless repeats problems as fresh starts, each time in another order.
func Endless(problems []coat.Problem, seed uint64) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		for round := uint64(0); len(problems) > 0; round++ {
			for _, i := range rand.New(rand.NewPCG(model.Mix(seed, round), 0x656e646c)).Perm(len(problems)) { // "endl"
				if !yield(coat.Start{Problem: problems[i]}) {
					return
				}
			}
		}
	}
}
