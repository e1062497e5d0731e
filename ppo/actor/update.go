package actor

import (
	"context"
	"fmt"

	"github.com/satori-go/satori/model/train"
	"github.com/satori-go/satori/ppo"
)

// Update makes one step of the policy, and one of the critic, or CriticSteps of a separate
// critic. After an error the policy is as it was before, and so is a critic that makes one
// step, or any critic where the gradient of the policy was at fault. Of several steps of a
// critic those before the one that failed have been made.
func (a *Policy) Update(ctx context.Context, minibatch []ppo.Sample, sizes ppo.StepSizes) (ppo.Stats, error) {
	var s ppo.Stats
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
	setPolicy(&s, stat)
	if a.critic != nil {
		err = a.updateCritic(&s, minibatch, sizes.Critic*a.config.CriticRate, stat.Diverged)
	} else if stat.Diverged {
		err = notFinite(s)
	}
	if err != nil {
		return s, err
	}
	policy.Apply()
	return s, nil
}

// updateCritic makes the steps of a separate critic, unless the policy's step has diverged.
func (a *Policy) updateCritic(s *ppo.Stats, minibatch []ppo.Sample, rate float64, diverged bool) error {
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
		s.CriticGradNorm += share * stat.GradNorm
		if i == 0 { // what the first step starts from is the critic that gave the values
			s.ValueError = stat.Stats[0]
			s.Values = append(firsts(stat.Rows), make([]float64, len(minibatch)-len(part))...)
		}
		if diverged || stat.Diverged {
			update.Discard()
			return notFinite(*s)
		}
		update.Apply()
	}
	return nil
}

func notFinite(s ppo.Stats) error {
	return fmt.Errorf("the gradient is not finite (policy %g, critic %g); lower rates may help", s.GradNorm, s.CriticGradNorm)
}

// updateShared makes one step of a trunk and both of its heads.
func (a *Policy) updateShared(minibatch []ppo.Sample, sizes ppo.StepSizes) (s ppo.Stats, err error) {
	reach := a.config.ValueCoef
	if sizes.Critic == 0 {
		reach = 0 // where the critic makes no step it does not move the trunk either
	}
	rates := train.Rates{}
	for group, rate := range map[train.Group]float64{train.Network: sizes.Policy * a.config.PolicyRate, train.Heads: sizes.Critic * a.config.CriticRate} {
		if rate != 0 {
			rates[group] = rate
		}
	}
	update, stat, err := a.actor.Prepare(pack(minibatch, a.sharedColumns, sizes.KL, a.config.Temperature, reach), rates)
	if err != nil {
		return s, err
	}
	defer update.Discard()
	policy, value := apart(stat)
	setPolicy(&s, policy)
	setValue(&s, value)
	if stat.Diverged {
		return s, notFinite(s)
	}
	update.Apply()
	return s, nil
}

// prepare computes a step of a learner. Where the rate is 0 it computes the statistics alone.
func (a *Policy) prepare(
	l *train.Learner, minibatch []ppo.Sample, cols columns, rate float64, coefficients ...float64,
) (*train.Update, train.Stat, error) {
	rates := train.Rates{}
	if rate != 0 {
		rates = train.Rates{train.Network: rate, train.Heads: rate}
	}
	return l.Prepare(pack(minibatch, cols, coefficients...), rates)
}

// setPolicy and setValue read the statistics of the losses.
func setPolicy(s *ppo.Stats, stat train.Stat) {
	s.PolicyLoss, s.GradNorm = stat.Loss, stat.GradNorm
	s.RatioError, s.Entropy, s.ApproxKL, s.ClipFraction = stat.Stats[0], stat.Stats[1], stat.Stats[2], stat.Stats[3]
	s.Ratios = firsts(stat.Rows)
}

func setValue(s *ppo.Stats, stat train.Stat) {
	s.ValueLoss, s.CriticGradNorm, s.ValueError = stat.Loss, stat.GradNorm, stat.Stats[0]
	s.Values = firsts(stat.Rows)
}

// firsts lists the first statistic of each row.
func firsts(rows [][]float64) []float64 {
	list := make([]float64, len(rows))
	for i, row := range rows {
		list[i] = row[0]
	}
	return list
}

// checkArrays checks that the arrays of each sample of a mini-batch have one entry a
// response token.
func checkArrays(minibatch []ppo.Sample) error {
	for k, s := range minibatch {
		n := len(s.Tokens)
		if n == 0 || len(s.LogProbs) != n || len(s.Values) != n || len(s.Advantages) != n || len(s.Returns) != n ||
			s.RefLogProbs != nil && len(s.RefLogProbs) != n {
			return &ppo.CheckError{
				Check: ppo.CheckRollouts, Rows: []int{k},
				Found: fmt.Sprintf("%d tokens, and %d log-probabilities, %d values, %d advantages, %d returns",
					n, len(s.LogProbs), len(s.Values), len(s.Advantages), len(s.Returns)),
				Hint: "a sample has one entry a response token in each of its arrays",
			}
		}
	}
	return nil
}
