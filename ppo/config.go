package ppo

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/satori-go/satori/model/train"
)

// A Fraction is a number from 0 to 1 for a field whose default is another than 0, see
// [train.Fraction].
type Fraction = train.Fraction

// Frac returns a Fraction with a value, 0 included.
func Frac(value float64) Fraction { return train.Frac(value) }

// A Config says how to train. Its zero value is that of the paper (section D.3), except
// for Iterations, which has no default, and Lambda. In JSON some fields have the names of
// earlier versions.
type Config struct {
	Iterations   int      // iterations of rollouts and updates; required
	RolloutBatch int      `json:"Batch"`     // rollouts an iteration; 0: 1024
	MiniBatch    int      `json:"Minibatch"` // rollouts an update; the last of an epoch may have fewer; 0: 128
	Epochs       int      // passes over the rollouts of an iteration, each in another order; 0: 1
	Gamma        float64  // γ, the discount a token; 0: 1
	Lambda       Fraction // λ of [GAE]; default 1, see the package documentation

	// NumGenerations is the number of rollouts of each start. An iteration takes
	// RolloutBatch/NumGenerations starts. 0: 1.
	NumGenerations int `json:"Group"`
	// Advantage makes the rewards of the rollouts of one start into advantages, without a
	// critic: [GRPO], [DrGRPO], [RLOO], or one of the caller's. Its zero value is [GAE],
	// whitened over the iteration, which needs a critic.
	Advantage AdvantageEstimator `json:"-" setting:"Relative"`
	// Truncated says how a response counts that the token limit cut off.
	Truncated Truncation

	// KL is the coefficient β of the divergence from a reference. 0: none, as in the paper.
	KL float64
	// KLUse says where the divergence enters.
	KLUse KLUse `json:"Penalty"`
	// KLTarget is a divergence in nats a response. Where it is not 0, β is adapted after each
	// iteration to reach it (Ziegler et al., arXiv:1909.08593, section 2.2). 0: β stays.
	KLTarget float64
	// KLHorizon is the number of rollouts over which β adapts. It has to be over
	// RolloutBatch/5. 0: 10000.
	KLHorizon float64

	CriticWarmup int `json:"CriticOnly"` // first iterations, in which the critic alone is trained; 0: none
	// WarmupRatio is the share of the updates over which the learning rates rise, and
	// MinLRRatio the last learning rate as a share of the peak. Their defaults are 0.03 and
	// 0.1, as in the paper's scripts. The first update has rate 0 unless WarmupRatio is
	// Frac(0), so a run of one update trains nothing without that.
	WarmupRatio Fraction `json:"Warmup"`
	MinLRRatio  Fraction `json:"Floor"`
	Parallel    int      // attempts scored at a time; 0: one a processor
	Seed        uint64
	// Done is the number of iterations that were made before. [Trainer.Train] begins with the
	// next one: seeds and learning rates are those of an uninterrupted run. Package run sets
	// it from a checkpoint.
	Done   int
	Checks Checks `json:"Doctor"`
}

// A Truncation says how a response counts that the token limit cut off. The rubric alone
// decides its reward: a check calls it wrong ([reward.Func.Verdict]), and
// [reward.Overlong] can charge it more. actor.Config.ForceEOS writes an EOS where the
// policy wrote none, as the paper's code does.
type Truncation uint8

// What a truncated response counts as.
const (
	Terminal  Truncation = iota // the value after its last token is 0
	Bootstrap                   // the value after its last token is the critic's
	Mask                        // it is not trained on (overlong filtering of DAPO, arXiv:2503.14476)
)

// A KLUse says where the divergence from a reference enters.
type KLUse uint8

// Where the divergence enters.
const (
	UseKLInReward KLUse = iota // the reward of each token, see [TokenRewards] (InstructGPT)
	UseKLLoss                  // the loss, by the estimator actor.Config.KLLoss (GRPO)
)

// inReward and inLoss give β where the divergence enters, and 0 elsewhere.
func (c Config) inReward() float64 {
	if c.KLUse == UseKLInReward {
		return c.KL
	}
	return 0
}

func (c Config) inLoss() float64 { return c.KL - c.inReward() }

// grouped tells whether advantages are made from the rollouts of one start.
func (c Config) grouped() bool { return c.Advantage.Func != nil }

// resolve fills in defaults and reports all faults at once.
func (c Config) resolve() (Config, error) {
	c.RolloutBatch, c.MiniBatch, c.Epochs = cmp.Or(c.RolloutBatch, 1024), cmp.Or(c.MiniBatch, 128), cmp.Or(c.Epochs, 1)
	c.NumGenerations, c.Gamma, c.KLHorizon = cmp.Or(c.NumGenerations, 1), cmp.Or(c.Gamma, 1), cmp.Or(c.KLHorizon, 10000)
	c.Lambda, c.WarmupRatio, c.MinLRRatio = c.Lambda.Or(1), c.WarmupRatio.Or(0.03), c.MinLRRatio.Or(0.1)
	c.Checks = c.Checks.resolve()
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("Config."+format, args...))
		}
	}
	need(c.Iterations > 0, "Iterations is %d, want it positive", c.Iterations)
	need(c.RolloutBatch > 0 && c.MiniBatch > 0 && c.Epochs > 0, "RolloutBatch is %d, MiniBatch %d, Epochs %d, want them positive",
		c.RolloutBatch, c.MiniBatch, c.Epochs)
	need(c.NumGenerations > 0 && c.RolloutBatch%max(1, c.NumGenerations) == 0, "NumGenerations is %d, want a divisor of RolloutBatch, %d",
		c.NumGenerations, c.RolloutBatch)
	need(!c.grouped() || c.NumGenerations > 1, "Advantage is %q, and NumGenerations %d, want 2 or more", c.Advantage.Name, c.NumGenerations)
	need(!c.grouped() || c.CriticWarmup == 0, "CriticWarmup is %d, and with Advantage there is no critic to train", c.CriticWarmup)
	need(!c.grouped() || c.Truncated != Bootstrap, "Truncated is Bootstrap, and with Advantage there is no critic to ask")
	need((c.Advantage.Name == "") == (c.Advantage.Func == nil), "Advantage has the name %q; want a name and a Func, or neither",
		c.Advantage.Name)
	need(c.Truncated <= Mask, "Truncated is %d, want Terminal, Bootstrap or Mask", c.Truncated)
	need(c.Gamma > 0 && c.Gamma <= 1 && c.Lambda.Valid(), "Gamma is %g, Lambda %v, want them from 0 to 1, Gamma over 0", c.Gamma, c.Lambda)
	need(c.KL >= 0, "KL is %g, want it 0 or more", c.KL)
	need(c.KLUse <= UseKLLoss, "KLUse is %d, want UseKLInReward or UseKLLoss", c.KLUse)
	need(c.KLTarget >= 0 && (c.KLTarget == 0 || c.KL > 0), "KLTarget is %g with a KL of %g, want both positive", c.KLTarget, c.KL)
	need(c.KLHorizon > 0, "KLHorizon is %g, want it positive", c.KLHorizon)
	need(c.KLTarget == 0 || c.KLHorizon > maxKLError*float64(c.RolloutBatch),
		"KLHorizon is %g, want it over %g·RolloutBatch, %g: one iteration could turn β negative",
		c.KLHorizon, maxKLError, maxKLError*float64(c.RolloutBatch))
	need(c.WarmupRatio.Valid() && c.MinLRRatio.Valid(), "WarmupRatio is %v, MinLRRatio %v, want them from 0 to 1", c.WarmupRatio, c.MinLRRatio)
	need(c.CriticWarmup >= 0, "CriticWarmup is %d, want it 0 or more", c.CriticWarmup)
	need(c.Done >= 0, "Done is %d, want it 0 or more", c.Done)
	return c, errors.Join(faults...)
}

// stepSizes returns the step sizes of an update: each learning rate rises over its first
// updates, and falls along a cosine. The critic makes updates update = 0, 1, ... of all,
// the policy those from first on. Without a critic its rate is 0.
func (c Config) stepSizes(update, first, all int) StepSizes {
	schedule := func(update, all int) float64 {
		return train.Schedule{Peak: 1, WarmupRatio: c.WarmupRatio.Value(), MinLRRatio: c.MinLRRatio.Value()}.Rate(update, all)
	}
	s := StepSizes{KL: c.inLoss()}
	if !c.grouped() {
		s.Critic = schedule(update, all)
	}
	if update >= first {
		s.Policy = schedule(update-first, all-first)
	}
	return s
}
