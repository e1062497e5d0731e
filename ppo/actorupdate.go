package ppo

import (
	"context"
	"fmt"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/train"
)

// Update makes one step of the policy, and one of the critic, or CriticSteps of a separate
// critic. After an error the policy is as it was before, and so is a critic that makes one
// step, or any critic where the gradient of the policy was at fault. Of several steps of a
// critic those before the one that failed have been made.
func (a *ActorCritic) Update(ctx context.Context, minibatch []Sample, sizes StepSizes) (Stats, error) {
	var s Stats
	if err := context.Cause(ctx); err != nil {
		return s, err
	}
	if err := checkArrays(minibatch); err != nil {
		return s, err
	}
	a.stale = a.config.publisher() != nil
	if a.shared {
		return a.updateShared(minibatch, sizes)
	}
	policy, stat, err := a.prepare(a.actor, minibatch, a.policyColumns, sizes.Policy*a.config.PolicyRate, sizes.KL, a.config.Temperature)
	if err != nil {
		return s, err
	}
	defer policy.Discard()
	s.policy(stat, minibatch)
	if a.critic != nil {
		err = a.updateCritic(&s, minibatch, sizes.Critic*a.config.CriticRate, stat.Diverged)
	} else if stat.Diverged {
		err = s.diverged()
	}
	if err != nil {
		return s, err
	}
	policy.Commit()
	return s, nil
}

// updateCritic makes the steps of a separate critic, unless the policy's step has diverged.
func (a *ActorCritic) updateCritic(s *Stats, minibatch []Sample, rate float64, diverged bool) error {
	tokens, n := count(minibatch), len(minibatch)
	steps := min(a.config.CriticSteps, n)
	for i := range steps {
		from := i * n / steps
		part := minibatch[from : (i+1)*n/steps]
		update, stat, err := a.prepare(a.critic, part, valueColumns, rate)
		if err != nil {
			return err
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

// updateShared makes one step of a trunk and both of its heads.
func (a *ActorCritic) updateShared(minibatch []Sample, sizes StepSizes) (s Stats, err error) {
	reach := a.config.ValueCoef
	if sizes.Critic == 0 {
		reach = 0 // where the critic makes no step it does not move the trunk either
	}
	inputs, err := pack(minibatch, train.Micro(len(minibatch)), a.LM.Width, a.sharedColumns, sizes.KL, a.config.Temperature, reach)
	if err != nil {
		return s, err
	}
	update, stat, err := a.actor.PrepareHeads(inputs, sizes.Policy*a.config.PolicyRate, sizes.Critic*a.config.CriticRate)
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

// prepare computes a step of a learner. Where the rate is 0 it computes the statistics alone.
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

// policy and value read the statistics of the losses.
func (s *Stats) policy(stat model.Stat, minibatch []Sample) {
	s.PolicyLoss, s.GradNorm = stat.Loss, stat.Norm
	s.RatioError, s.Entropy, s.ApproxKL, s.ClipFraction = stat.Stats[0], stat.Stats[1], stat.Stats[2], stat.Stats[3]
	s.Ratios = rowsOf(stat, policyStats, minibatch)
}

func (s *Stats) value(stat model.Stat, minibatch []Sample) {
	s.ValueLoss, s.CriticGradNorm, s.ValueError = stat.Loss, stat.Norm, stat.Stats[0]
	s.Values = rowsOf(stat, valueStats, minibatch)
}
