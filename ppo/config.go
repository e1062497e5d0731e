package ppo

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/satori-go/satori/model/train"
)

// A Config says how to train. Its zero value is the paper's (D.3) but for Iterations,
// which it has no default for, and Lambda.
type Config struct {
	Iterations   int     // rounds of rollouts and updates
	RolloutBatch int     `json:"Batch"`     // rollouts an iteration; 0: 1024
	MiniBatch    int     `json:"Minibatch"` // rollouts an update, the last of an epoch may have fewer; 0: 128
	Epochs       int     // passes over the rollouts, each in an order of its own; 0: 1
	Gamma        float64 // γ; 0: 1
	Lambda       float64 // λ; 0: 1, see the package documentation

	// NumGenerations is how many rollouts of each start there are: RolloutBatch/NumGenerations starts are taken an
	// iteration. 0: 1.
	NumGenerations int `json:"Group"`
	// Advantage makes the rewards of a group into advantages, in place of the critic's:
	// [GRPO], [DrGRPO], [RLOO]. nil: [GAE], whitened over the batch.
	Advantage func(rewards []float64) (advantages []float64) `json:"-" setting:"Relative"`
	// Truncated says what becomes of responses that the token limit cut off.
	Truncated Truncation

	// KL is the coefficient β of the divergence from a reference. 0: none, as in the paper.
	KL float64
	// KLUse says what the divergence is taken from.
	KLUse KLUse `json:"Penalty"`
	// KLTarget is the divergence, in nats a response, that β is steered to by adaptKL.
	// 0: β stays. A run that goes on takes its β from Step.NextKL.
	KLTarget  float64
	KLHorizon float64 // rollouts over which β adapts, over RolloutBatch/5, see adaptKL; 0: 10000

	CriticWarmup int     `json:"CriticOnly"` // first iterations in which the critic alone is trained; 0: none
	WarmupRatio  float64 `json:"Warmup"`     // share of the updates; 0: 0.03, as in the paper's scripts
	MinLRRatio   float64 `json:"Floor"`      // the last rate as a share of the peak; 0: 0.1, as there
	Parallel     int     // attempts scored at a time; 0: one a processor
	Seed         uint64
	// Done is how many iterations were made before, by a run that this one goes on with:
	// their starts are passed over, their seeds and rates not used again.
	Done   int
	Checks Checks `json:"Doctor"`
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

// KLUse says what the divergence from a reference is taken from.
type KLUse uint8

const (
	UseKLInReward KLUse = iota // the reward of each token, see [TokenRewards] (InstructGPT)
	UseKLLoss                  // the objective, by the estimator of the policy: see ActorConfig.KLLoss (GRPO)
)

// inReward and inLoss are β at its place, and 0 at the other.
func (c Config) inReward() float64 {
	if c.KLUse == UseKLInReward {
		return c.KL
	}
	return 0
}

func (c Config) inLoss() float64 { return c.KL - c.inReward() }

// resolve fills in defaults and reports all faults at once.
func (c Config) resolve() (Config, error) {
	c.RolloutBatch, c.MiniBatch, c.Epochs, c.NumGenerations = cmp.Or(c.RolloutBatch, 1024), cmp.Or(c.MiniBatch, 128), cmp.Or(c.Epochs, 1), cmp.Or(c.NumGenerations, 1)
	c.Gamma, c.Lambda = cmp.Or(c.Gamma, 1), cmp.Or(c.Lambda, 1)
	c.WarmupRatio, c.MinLRRatio = cmp.Or(c.WarmupRatio, 0.03), cmp.Or(c.MinLRRatio, 0.1)
	c.KLHorizon, c.Checks = cmp.Or(c.KLHorizon, 10000), c.Checks.resolve()
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("Config."+format, args...))
		}
	}
	need(c.Iterations > 0, "Iterations is %d, want it positive", c.Iterations)
	need(c.RolloutBatch > 0 && c.MiniBatch > 0 && c.Epochs > 0, "RolloutBatch is %d, MiniBatch %d, Epochs %d, want them positive", c.RolloutBatch, c.MiniBatch, c.Epochs)
	need(c.NumGenerations > 0 && c.RolloutBatch%max(1, c.NumGenerations) == 0, "NumGenerations is %d, want a divisor of RolloutBatch, %d", c.NumGenerations, c.RolloutBatch)
	need(c.Advantage == nil || c.NumGenerations > 1, "Advantage wants NumGenerations of 2 or more")
	need(c.Advantage == nil || c.CriticWarmup == 0, "CriticWarmup is %d, and with Advantage there is no critic to train", c.CriticWarmup)
	need(c.Advantage == nil || c.Truncated != Bootstrap, "Truncated is Bootstrap, and with Advantage there is no critic to ask")
	need(c.Truncated <= Mask, "Truncated is %d", c.Truncated)
	need(c.Gamma > 0 && c.Gamma <= 1 && c.Lambda > 0 && c.Lambda <= 1, "Gamma is %g, Lambda %g, want them in (0, 1]", c.Gamma, c.Lambda)
	need(c.KL >= 0, "KL is %g", c.KL)
	need(c.KLUse <= UseKLLoss, "KLUse is %d", c.KLUse)
	need(c.KLTarget >= 0 && (c.KLTarget == 0 || c.KL > 0), "KLTarget is %g with a KL of %g, want both positive", c.KLTarget, c.KL)
	need(c.KLHorizon > 0, "KLHorizon is %g, want it positive", c.KLHorizon)
	need(c.KLTarget == 0 || c.KLHorizon > maxKLError*float64(c.RolloutBatch), "KLHorizon is %g, want it over %g·RolloutBatch, %g: one iteration could turn β negative", c.KLHorizon, maxKLError, maxKLError*float64(c.RolloutBatch))
	need(c.WarmupRatio > 0 && c.WarmupRatio <= 1 && c.MinLRRatio > 0 && c.MinLRRatio <= 1, "WarmupRatio is %g, MinLRRatio %g, want them in (0, 1]", c.WarmupRatio, c.MinLRRatio)
	need(c.CriticWarmup >= 0, "CriticWarmup is %d", c.CriticWarmup)
	need(c.Done >= 0, "Done is %d", c.Done)
	return c, errors.Join(faults...)
}

// rate is the schedule of each half: warm-up and cosine over the updates that it makes.
// The critic makes updates update = 0, 1, ... of all; the policy those from first on.
// Without a critic its rate is 0.
func (c Config) rate(update, first, of int) StepSizes {
	schedule := func(update, of int) float64 {
		return train.Cosine(1, update, int(math.Ceil(c.WarmupRatio*float64(of))), of, c.MinLRRatio)
	}
	r := StepSizes{KL: c.inLoss()}
	if c.Advantage == nil {
		r.Critic = schedule(update, of)
	}
	if update >= first {
		r.Policy = schedule(update-first, of-first)
	}
	return r
}
