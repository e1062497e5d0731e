package ppo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/train"
)

// An ActorConfig says how an ActorCritic samples and learns.
type ActorConfig struct {
	Template      coat.Template `json:"-"`
	MaxTokens     int           // new tokens a response
	MaxConcurrent int           `json:"InFlight"` // rollouts sampled at a time, which changes none of them; 0: all of an iteration
	Temperature   float64       // of sampling, and of all log-probabilities; 0: 0.6, the paper's
	PolicyRate    float64       // peak learning rate; the paper's 2e-7 is for 7B parameters
	CriticRate    float64       // peak learning rate; the paper's 5e-6 is for 7B parameters
	// CriticSteps is how many steps a critic of its own makes on a mini-batch of the policy,
	// each on a part of it. 0: 4, with which every critic explained more than with 1, that of
	// the paper's code (testdata/details.md). A critic on the policy's trunk makes the policy's steps.
	CriticSteps int
	Clip        float64     // ε of the policy; 0: 0.2
	ClipHigh    float64     // ε above 1; 0: that of Clip. DAPO has 0.28
	ClipRatioC  float64     `json:"DualClip"` // c of the dual clip, over 1; 0: off
	ValueClip   float64     // ε of the critic; 0: 0.2, as in the paper's code. +Inf: off
	Entropy     float64     // coefficient of a bonus for entropy; 0: none
	LossAgg     Aggregation `json:"-" setting:"Aggregate"` // of the policy's loss; nil: [ByToken]
	// KLLoss estimates the divergence from the reference in the policy's loss, where
	// Config.KLUse is UseKLLoss: [K2], [K3], ... nil: [K3Plus].
	KLLoss func(logp, ref *Node) *Node `json:"-"`
	// ValueMean and ValueStd turn the critic's score into a value, (score − mean)/std, as
	// the paper's scripts do with a critic that starts from a reward model. 0: 0 and 1.
	ValueMean, ValueStd float64
	// ValueCoef is the coefficient of the value's loss in the gradient of a trunk that actor
	// and critic share. 0: none of it gets there, the head learns from what the policy's
	// trunk knows. The head's own gradient is not scaled by it.
	ValueCoef float64
	// ForceEOS ends a response that the token limit cuts off with an EOS that the policy
	// did not sample, trains it as if it had, and calls the attempt whole: the behaviour of
	// the paper's code, and off its policy. A response that leaves the model no position for
	// it stays truncated. Without ForceEOS nothing is trained that was not sampled, and the
	// attempt is marked as truncated.
	ForceEOS  bool
	Reference *model.LM   `json:"-"` // for a KL penalty; nil: none, as in the paper
	AdamW     model.AdamW // of both; its zero value is the paper's scripts'
}

// ValueHead is the name of the scalar head that makes a policy its own critic.
const ValueHead = "value"

// An ActorCritic is a language model and a critic: two networks, trained side by side, or
// two heads on one trunk, trained together in one pass. It is a [Policy].
//
// A shared trunk belongs to the policy: it moves at PolicyRate, along the gradient of
// policy loss + ValueCoef·value loss, and stands still where the policy does, so that
// Config.CriticWarmup trains the head alone. Trunk and head are clipped apart, and their norms
// are Stats.GradNorm and CriticGradNorm. What critics of either sort explain is measured in
// testdata/details.md.
type ActorCritic struct {
	LM     *model.LM
	Critic *model.Net // nil: the policy's [ValueHead], or where it has none no critic
	config ActorConfig
	actor  *model.Learner
	critic *model.Learner
	shared bool // the policy is its own critic
}

// NewActorCritic prepares training. Both networks change in place. The critic can start
// from the policy's trunk ([model.Net.WithScore]), which explained most where it was
// measured, or from a reward model (bt.Model.Net.Clone), as the paper's does.
// Without one (nil) the policy is its own where it has a head for that, of
// lm.WithScalar(ValueHead, seed); and where it has none there is no critic, which is for
// Config.Advantage.
func NewActorCritic(lm *model.LM, critic *model.Net, c ActorConfig) (*ActorCritic, error) {
	c.Temperature, c.Clip, c.ValueClip = cmp.Or(c.Temperature, 0.6), cmp.Or(c.Clip, 0.2), cmp.Or(c.ValueClip, 0.2)
	c.ClipHigh, c.ValueStd = cmp.Or(c.ClipHigh, c.Clip), cmp.Or(c.ValueStd, 1)
	shared := critic == nil && slices.Contains(lm.Config.Scalars, ValueHead)
	steps := 4
	if shared {
		steps = 1
	}
	c.CriticSteps = cmp.Or(c.CriticSteps, steps)
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("ppo: ActorConfig."+format, args...))
		}
	}
	need(c.Template != nil, "Template is nil")
	need(c.MaxTokens > 0, "MaxTokens is %d, want it positive", c.MaxTokens)
	need(c.MaxConcurrent >= 0, "MaxConcurrent is %d", c.MaxConcurrent)
	need(c.Temperature > 0, "Temperature is %g; a greedy policy cannot be trained", c.Temperature)
	need(c.PolicyRate > 0, "PolicyRate is %g, want it positive", c.PolicyRate)
	need(c.Clip > 0 && c.ClipHigh > 0 && c.ValueClip > 0, "Clip is %g, ClipHigh %g, ValueClip %g, want them positive", c.Clip, c.ClipHigh, c.ValueClip)
	need(c.ClipRatioC == 0 || c.ClipRatioC > 1, "ClipRatioC is %g, want it over 1", c.ClipRatioC)
	need(c.Entropy >= 0, "Entropy is %g", c.Entropy)
	need(c.ValueStd > 0, "ValueStd is %g, want it positive", c.ValueStd)
	need(c.ValueCoef >= 0, "ValueCoef is %g", c.ValueCoef)
	need(critic == nil && !shared || c.CriticRate > 0, "CriticRate is %g, want it positive", c.CriticRate)
	need(critic == nil || critic.Config.Score, "critic has no scalar head; see model.Net.WithScore")
	need(c.CriticSteps > 0, "CriticSteps is %d, want it positive", c.CriticSteps)
	need(!shared || c.CriticSteps == 1, "CriticSteps is %d, and a critic on the policy's trunk steps with it", c.CriticSteps)
	need(critic == nil || critic.Config.LoRA.Rank == 0, "critic has an adapter, beside which its head does not learn; take LM.Base() for its trunk, or Merge it")
	need(!shared || lm.Config.LoRA.Rank == 0, "LM has an adapter, which learns alone; its critic has to be a network of its own")
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	a := &ActorCritic{LM: lm, Critic: critic, config: c, shared: shared}
	policy := policyNumbers{c.Clip, c.ClipHigh, c.ClipRatioC, c.Entropy, c.LossAgg != nil, c.Reference != nil}
	value := valueNumbers{c.ValueClip, c.ValueMean, c.ValueStd}
	numbers := actorNumbers{policy, valueNumbers{}, shared}
	if shared {
		numbers.value = value
	}
	if c.KLLoss == nil {
		a.actor = actorObjectives.Of(numbers).Learner(lm.Net, c.AdamW)
	} else {
		a.actor = model.NewLearner(lm.Net, numbers.loss(c.KLLoss), c.AdamW)
	}
	if critic != nil {
		a.critic = valueObjectives.Of(value).Learner(critic, c.AdamW)
	}
	return a, nil
}

// Rollouts samples at the configured temperature, from the whole distribution.
func (a *ActorCritic) Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]Rollout, error) {
	s := model.SamplingParams{MaxTokens: a.config.MaxTokens, Temperature: a.config.Temperature, Seed: seed, Batch: cmp.Or(a.config.MaxConcurrent, len(starts))}
	rollouts, err := model.Collect(s.Rollouts(ctx, a.LM, a.config.Template, slices.Values(starts)))
	if err != nil {
		return nil, err
	}
	if a.config.ForceEOS {
		if err := a.forceEOS(ctx, rollouts); err != nil {
			return nil, err
		}
	}
	return rollouts, a.checkEnds(rollouts)
}

// forceEOS writes the EOS that truncated responses lack, where there is a position for it.
func (a *ActorCritic) forceEOS(ctx context.Context, rollouts []Rollout) error {
	for i := range rollouts {
		r := &rollouts[i]
		if !r.Truncated || len(r.Prompt)+len(r.Tokens) >= a.LM.Config.MaxPositions {
			continue
		}
		r.Tokens, r.Truncated = append(r.Tokens, a.LM.Config.EOS), false
		row := slices.Concat(r.Prompt, r.Tokens)
		logp, err := a.LM.TokenLogProbs(ctx, [][]int32{row}, a.config.Temperature)
		if err != nil {
			return err
		}
		r.LogProbs = append(r.LogProbs, logp[0][len(row)-1])
	}
	return nil
}

// Estimate gives values, where there is a critic, and log-probabilities of the reference,
// where there is one.
func (a *ActorCritic) Estimate(ctx context.Context, rollouts []Rollout) ([]Estimate, error) {
	rows := make([][]int32, len(rollouts))
	for i, r := range rollouts {
		rows[i] = slices.Concat(r.Prompt, r.Tokens)
	}
	var scores [][]float32
	var err error
	switch {
	case a.shared:
		scores, err = a.LM.ScalarScores(ctx, ValueHead, rows)
	case a.Critic != nil:
		scores, err = a.Critic.Scores(ctx, rows)
	}
	if err != nil {
		return nil, err
	}
	var ref [][]float32
	if a.config.Reference != nil {
		if ref, err = a.config.Reference.TokenLogProbs(ctx, rows, a.config.Temperature); err != nil {
			return nil, err
		}
	}
	estimates := make([]Estimate, len(rollouts))
	for i, r := range rollouts {
		n := len(r.Prompt)
		if scores != nil {
			// The value of the state in which token t was chosen is read at the token before.
			values := float64s(scores[i][n-1:])
			for t := range values {
				values[t] = (values[t] - a.config.ValueMean) / a.config.ValueStd
			}
			last := len(values) - 1
			estimates[i].Values, estimates[i].Estimates = values[:last:last], values[last]
		}
		if ref != nil {
			estimates[i].RefLogProbs = float64s(ref[i][n:])
		}
	}
	return estimates, nil
}

// Update makes one step of the policy, and one of the critic or CriticSteps of a critic of
// its own. After an error the policy is as before, and so is the critic where it makes one
// step or the policy's gradient was at fault; of several those before the one that failed
// have been made.
func (a *ActorCritic) Update(ctx context.Context, minibatch []Sample, rate StepSizes) (Stats, error) {
	var s Stats
	if err := context.Cause(ctx); err != nil {
		return s, err
	}
	if a.shared {
		return a.updateShared(minibatch, rate)
	}
	policy, stat, err := a.prepare(a.actor, minibatch, a.policyColumns, rate.Policy*a.config.PolicyRate, rate.KL, a.config.Temperature)
	if err != nil {
		return s, err
	}
	defer policy.Discard()
	s.policy(stat, minibatch)
	if a.critic != nil {
		err = a.updateCritic(&s, minibatch, rate.Critic*a.config.CriticRate, stat.Diverged)
	} else if stat.Diverged {
		err = s.diverged()
	}
	if err != nil {
		return s, err
	}
	policy.Commit()
	return s, nil
}

// updateCritic makes the steps of a critic of its own, unless the policy's has diverged.
func (a *ActorCritic) updateCritic(s *Stats, minibatch []Sample, rate float64, diverged bool) error {
	tokens, n := count(minibatch), len(minibatch)
	steps := min(a.config.CriticSteps, n)
	for i := range steps {
		from := i * n / steps
		part := minibatch[from : (i+1)*n/steps]
		update, stat, err := a.prepare(a.critic, part, valueColumns, rate)
		if err != nil {
			return behind(err, from)
		}
		share := float64(count(part)) / float64(tokens)
		s.ValueLoss += share * stat.Loss
		s.CriticGradNorm += share * stat.Norm
		if i == 0 { // what the first step starts from is the critic that gave the values
			s.ValueError = stat.Stats[0]
			s.Values = append(rowsOf(stat, valueStats, part), make([]float64, len(minibatch)-len(part))...)
		}
		if diverged || stat.Diverged {
			update.Discard()
			return s.diverged()
		}
		update.Commit()
	}
	return nil
}

func (s Stats) diverged() error {
	return fmt.Errorf("the gradient is not finite (policy %g, critic %g); lower rates may help", s.GradNorm, s.CriticGradNorm)
}

// updateShared makes one step of a trunk and both its heads.
func (a *ActorCritic) updateShared(minibatch []Sample, rate StepSizes) (s Stats, err error) {
	reach := a.config.ValueCoef
	if rate.Critic == 0 {
		reach = 0 // a critic that is left alone does not move the trunk either
	}
	inputs, err := pack(minibatch, train.Micro(len(minibatch)), a.LM.Width, a.sharedColumns, rate.KL, a.config.Temperature, reach)
	if err != nil {
		return s, err
	}
	update, stat, err := a.actor.PrepareHeads(inputs, rate.Policy*a.config.PolicyRate, rate.Critic*a.config.CriticRate)
	if err != nil {
		return s, err
	}
	defer update.Discard()
	policy, value := apart(stat)
	s.policy(policy, minibatch)
	s.value(value, minibatch)
	if stat.Diverged {
		return s, s.diverged()
	}
	update.Commit()
	return s, nil
}

// prepare computes a learner's step. Its statistics are wanted even where the learner is
// left alone.
func (a *ActorCritic) prepare(l *model.Learner, minibatch []Sample, cols columns, rate float64, coefficients ...float64) (*model.Pending, model.Stat, error) {
	inputs, err := pack(minibatch, train.Micro(len(minibatch)), l.Net.Width, cols, coefficients...)
	if err != nil {
		return nil, model.Stat{}, err
	}
	if rate == 0 {
		stat, err := l.Measure(inputs)
		return &model.Pending{}, stat, err
	}
	return l.Prepare(inputs, rate)
}

// policy and value read what the losses report.
func (s *Stats) policy(stat model.Stat, minibatch []Sample) {
	s.PolicyLoss, s.GradNorm = stat.Loss, stat.Norm
	s.RatioError, s.Entropy, s.ApproxKL, s.ClipFraction = stat.Stats[0], stat.Stats[1], stat.Stats[2], stat.Stats[3]
	s.Ratios = rowsOf(stat, policyStats, minibatch)
}

func (s *Stats) value(stat model.Stat, minibatch []Sample) {
	s.ValueLoss, s.CriticGradNorm, s.ValueError = stat.Loss, stat.Norm, stat.Stats[0]
	s.Values = rowsOf(stat, valueStats, minibatch)
}

// Close frees the optimisers' moments. The networks stay.
func (a *ActorCritic) Close() {
	if a.actor != nil {
		a.actor.Close()
	}
	if a.critic != nil {
		a.critic.Close()
	}
}
