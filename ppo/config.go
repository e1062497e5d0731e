package ppo

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/satori-go/satori/model"
)

// A Config says how to train. Its zero value is the paper's (D.3) but for Iterations,
// which it has no default for, and Lambda.
type Config struct {
	Iterations int     // rounds of rollouts and updates
	Batch      int     // rollouts an iteration; 0: 1024
	Minibatch  int     // rollouts an update, the last of an epoch may have fewer; 0: 128
	Epochs     int     // passes over the rollouts, each in an order of its own; 0: 1
	Gamma      float64 // γ; 0: 1
	Lambda     float64 // λ; 0: 1, see the package documentation

	// Group is how many rollouts of each start there are: Batch/Group starts are taken an
	// iteration. 0: 1.
	Group int
	// Relative makes the rewards of a group into advantages, in place of the critic's:
	// [GRPO], [DrGRPO], [RLOO]. nil: [GAE], whitened over the batch.
	Relative func(rewards []float64) (advantages []float64) `json:"-"`
	// Truncated says what becomes of responses that the token limit cut off.
	Truncated Truncation

	// KL is the coefficient β of the divergence from a reference. 0: none, as in the paper.
	KL float64
	// Penalty says what the divergence is taken from.
	Penalty Penalty
	// KLTarget is the divergence, in nats a response, that β is steered to by [AdaptKL].
	// 0: β stays. A run that goes on takes its β from Step.NextKL.
	KLTarget  float64
	KLHorizon float64 // rollouts over which β adapts, over Batch/5, see [AdaptKL]; 0: 10000

	CriticOnly int     // first iterations in which the critic alone is trained; 0: none
	Warmup     float64 // share of the updates; 0: 0.03, as in the paper's scripts
	Floor      float64 // the last rate as a share of the peak; 0: 0.1, as there
	Parallel   int     // attempts scored at a time; 0: one a processor
	Seed       uint64
	// Done is how many iterations were made before, by a run that this one goes on with:
	// their starts are passed over, their seeds and rates not used again.
	Done   int
	Doctor Doctor
}

// Truncation says what becomes of a response that the token limit cut off. What it is
// rewarded with is the rubric's matter: a check calls it wrong ([reward.Func.Verdict]),
// and [reward.Overlong] can charge it more. That an EOS is written where the policy wrote
// none, and trained, as in the paper's code, is a choice of the policy: see
// ActorConfig.ForceEOS.
type Truncation uint8

const (
	Terminal  Truncation = iota // it ends where it was cut, and is worth nothing after that
	Bootstrap                   // it is worth after its last token what the critic says
	Mask                        // it is not trained on (DAPO's overlong filtering, arXiv:2503.14476)
)

// Penalty says what the divergence from a reference is taken from.
type Penalty uint8

const (
	InReward Penalty = iota // the reward of each token, see [Shape] (InstructGPT)
	InLoss                  // the objective, by the estimator of the policy: see ActorConfig.KLLoss (GRPO)
)

// inReward and inLoss are β at its place, and 0 at the other.
func (c Config) inReward() float64 {
	if c.Penalty == InReward {
		return c.KL
	}
	return 0
}

func (c Config) inLoss() float64 { return c.KL - c.inReward() }

// resolve fills in defaults and reports all faults at once.
func (c Config) resolve() (Config, error) {
	c.Batch, c.Minibatch, c.Epochs, c.Group = cmp.Or(c.Batch, 1024), cmp.Or(c.Minibatch, 128), cmp.Or(c.Epochs, 1), cmp.Or(c.Group, 1)
	c.Gamma, c.Lambda = cmp.Or(c.Gamma, 1), cmp.Or(c.Lambda, 1)
	c.Warmup, c.Floor = cmp.Or(c.Warmup, 0.03), cmp.Or(c.Floor, 0.1)
	c.KLHorizon, c.Doctor = cmp.Or(c.KLHorizon, 10000), c.Doctor.resolve()
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("Config."+format, args...))
		}
	}
	need(c.Iterations > 0, "Iterations is %d, want it positive", c.Iterations)
	need(c.Batch > 0 && c.Minibatch > 0 && c.Epochs > 0, "Batch is %d, Minibatch %d, Epochs %d, want them positive", c.Batch, c.Minibatch, c.Epochs)
	need(c.Group > 0 && c.Batch%max(1, c.Group) == 0, "Group is %d, want a divisor of Batch, %d", c.Group, c.Batch)
	need(c.Relative == nil || c.Group > 1, "Relative wants a Group of 2 or more")
	need(c.Relative == nil || c.CriticOnly == 0, "CriticOnly is %d, and with Relative there is no critic to train", c.CriticOnly)
	need(c.Relative == nil || c.Truncated != Bootstrap, "Truncated is Bootstrap, and with Relative there is no critic to ask")
	need(c.Truncated <= Mask, "Truncated is %d", c.Truncated)
	need(c.Gamma > 0 && c.Gamma <= 1 && c.Lambda > 0 && c.Lambda <= 1, "Gamma is %g, Lambda %g, want them in (0, 1]", c.Gamma, c.Lambda)
	need(c.KL >= 0, "KL is %g", c.KL)
	need(c.Penalty <= InLoss, "Penalty is %d", c.Penalty)
	need(c.KLTarget >= 0 && (c.KLTarget == 0 || c.KL > 0), "KLTarget is %g with a KL of %g, want both positive", c.KLTarget, c.KL)
	need(c.KLHorizon > 0, "KLHorizon is %g, want it positive", c.KLHorizon)
	need(c.KLTarget == 0 || c.KLHorizon > maxKLError*float64(c.Batch), "KLHorizon is %g, want it over %g·Batch, %g: one iteration could turn β negative", c.KLHorizon, maxKLError, maxKLError*float64(c.Batch))
	need(c.Warmup > 0 && c.Warmup <= 1 && c.Floor > 0 && c.Floor <= 1, "Warmup is %g, Floor %g, want them in (0, 1]", c.Warmup, c.Floor)
	need(c.CriticOnly >= 0, "CriticOnly is %d", c.CriticOnly)
	need(c.Done >= 0, "Done is %d", c.Done)
	return c, errors.Join(faults...)
}

// rate is the schedule of each half: warm-up and cosine over the updates that it makes.
// The critic makes updates update = 0, 1, ... of all; the policy those from first on.
// Without a critic its rate is 0.
func (c Config) rate(update, first, of int) Rate {
	schedule := func(update, of int) float64 {
		return model.Cosine(1, update, int(math.Ceil(c.Warmup*float64(of))), of, c.Floor)
	}
	r := Rate{KL: c.inLoss()}
	if c.Relative == nil {
		r.Critic = schedule(update, of)
	}
	if update >= first {
		r.Policy = schedule(update-first, of-first)
	}
	return r
}
