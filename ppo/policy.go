package ppo

import (
	"context"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/reward"
)

// A Policy is what a [Trainer] improves. Package ppo/actor implements it with
// gomlx. Package ppotest tests implementations.
type Policy interface {
	// Rollouts samples one response for each start from the current weights, in order.
	Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]Rollout, error)
	// Estimate evaluates rollouts with the current weights, in order.
	Estimate(ctx context.Context, rollouts []Rollout) ([]Estimates, error)
	// Update learns from a mini-batch. The policy makes one optimiser step, a critic one or
	// several. After an error the policy is as it was before; a critic that makes several
	// steps may have made those before the one that failed.
	Update(ctx context.Context, minibatch []Sample, sizes StepSizes) (Stats, error)
}

// A Publisher is a Policy whose rollouts come from a sampler elsewhere. The trainer calls
// Publish after the updates of an iteration, so that the sampler has the new weights.
type Publisher interface {
	Policy
	Publish(ctx context.Context) error
}

// A Rollout is an attempt with the ids and log-probabilities that it was sampled with.
type Rollout = model.Rollout

// Estimates hold what is known of a rollout before training on it. The slices have one
// entry a response token.
type Estimates struct {
	Values         []float64 // of the state in which the token was chosen; nil: there is no critic
	BootstrapValue float64   // value of the state after the last token, for [Bootstrap]
	RefLogProbs    []float64 // log-probabilities under the reference; nil: there is no reference
	// LogProbs replace those of the rollout. They are the log-probabilities under the
	// policy's own graph, for a policy that samples with another engine; nil: the rollout's
	// are these.
	LogProbs []float32
}

// A Sample is a rollout that is ready to be trained on. The slices have one entry a
// response token.
type Sample struct {
	Rollout
	Score       reward.Score
	Outcome     coat.Outcome // by Trainer.Check
	Values      []float64    // as estimated before training; 0 without a critic
	RefLogProbs []float64    // log-probabilities under the reference; nil: there is no reference
	Rewards     []float64    // see [TokenRewards]
	Advantages  []float64
	Returns     []float64
}

// StepSizes say how far one update goes: the learning rates as shares of their peaks, and
// the coefficient of the divergence in the loss. Where a share is 0 the policy, or the
// critic, makes no step, and its optimiser stays as it is. Weights that both share move
// with the policy: an update of the critic alone leaves the policy as it is.
type StepSizes struct {
	Policy, Critic float64
	KL             float64 // β
}

// A Step is one iteration. It depends on seed and weights alone; the caller measures time,
// and divides Sampled or Trained by it for tokens a second.
type Step struct {
	Iteration, Of     int // counted from 1
	Samples           []Sample
	Stats                         // means over the iteration's updates
	Rewards           Rewards     // means over the iteration's attempts
	ExplainedVariance float64     // of the returns by the critic's values, before it was trained on them
	KL                float64     // divergence from the reference, in nats a response (k1, summed over its tokens)
	NextKL            float64     // what Config.KL has to be in the next iteration
	Sampled, Trained  int         // tokens: sampled, and trained on, prompts included
	Diagnostics       Diagnostics // counts, and measurements of the first update

	terms []string // names of the rubric's terms
}

// Judged returns the attempt with its outcome, score and length, as restart buffers and
// figures take it.
func (s Sample) Judged() coat.Judged {
	return coat.Judged{Attempt: s.Attempt, Outcome: s.Outcome, Score: s.Score.Total, Tokens: len(s.Tokens)}
}
