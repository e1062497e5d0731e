package actor

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward"
)

// found fails unless err is a CheckError of a check, on some rows.
func found(t *testing.T, err error, check ppo.Check, rows ...int) {
	t.Helper()
	var f *ppo.CheckError
	if !errors.As(err, &f) || f.Check != check || !slices.Equal(f.Rows, rows) {
		t.Errorf("%v: found %v, want rows %v", check, err, rows)
		return
	}
	if f.Found == "" || f.Hint == "" || !strings.Contains(err.Error(), "check "+check.String()) {
		t.Errorf("%v: %v", check, err)
	}
}

// sick is a policy with something wrong between sampling and training.
type sick struct {
	*Policy
	rollouts  func([]ppo.Rollout) []ppo.Rollout
	estimates func([]ppo.Estimates)
	update    func([]ppo.Sample) // before the update
}

func (p sick) Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]ppo.Rollout, error) {
	list, err := p.Policy.Rollouts(ctx, starts, seed)
	if p.rollouts != nil && err == nil {
		list = p.rollouts(list)
	}
	return list, err
}

func (p sick) Estimate(ctx context.Context, rollouts []ppo.Rollout) ([]ppo.Estimates, error) {
	list, err := p.Policy.Estimate(ctx, rollouts)
	if p.estimates != nil {
		p.estimates(list)
	}
	return list, err
}

func (p sick) Update(ctx context.Context, minibatch []ppo.Sample, rate ppo.StepSizes) (ppo.Stats, error) {
	if p.update != nil {
		p.update(minibatch)
	}
	return p.Policy.Update(ctx, minibatch, rate)
}

var questions = []string{"a b", "c", "b c d a", "d d", "a", "b b b", "c a", "d"}

// iterate makes one iteration of eight rollouts in one mini-batch.
func (p sick) iterate(c ppo.Config) error {
	c.Iterations, c.RolloutBatch, c.MiniBatch = 1, 8, 8
	trainer := ppo.Trainer{Policy: p, Rubric: reward.Rubric{{Name: "length", Weight: 1, Func: reward.Length}}, Config: c}
	i := -1
	for _, err := range trainer.Train(context.Background(), func(yield func(coat.Start) bool) {
		for i++; yield(coat.Start{Problem: coat.Problem{ID: "x", Question: questions[i%8]}}); i++ {
		}
	}) {
		return err
	}
	return nil
}

func TestChecks(t *testing.T) {
	good, _ := tiny(t, Config{Temperature: 0.8, Reference: &model.LM{}})
	a := func() *Policy { // of its own
		b, err := New(good.LM, good.Critic, good.config)
		require.NoError(t, err)
		return b
	}
	require.NoError(t, (sick{Policy: a()}).iterate(ppo.Config{KL: 0.1}))
	every := []int{0, 1, 2, 3, 4, 5, 6, 7}

	t.Run("a rollout is lost", func(t *testing.T) {
		found(t, sick{Policy: a(), rollouts: func(r []ppo.Rollout) []ppo.Rollout { return r[1:] }}.iterate(ppo.Config{}), ppo.CheckRollouts)
	})
	t.Run("two change places", func(t *testing.T) {
		found(t, sick{Policy: a(), rollouts: func(r []ppo.Rollout) []ppo.Rollout { r[2], r[5] = r[5], r[2]; return r }}.iterate(ppo.Config{}), ppo.CheckRollouts, 2, 5)
	})
	t.Run("a value is not finite", func(t *testing.T) {
		found(t, sick{Policy: a(), estimates: func(e []ppo.Estimates) { e[3].Values[0] = math.NaN() }}.iterate(ppo.Config{}), ppo.CheckFinite, 3)
	})
	t.Run("an EOS is forced", func(t *testing.T) {
		p := a()
		rollouts, err := p.Rollouts(t.Context(), []coat.Start{{Problem: coat.Problem{Question: "a"}}, {Problem: coat.Problem{Question: "b"}}}, 7)
		require.NoError(t, err)
		r := rollouts[1]
		r.Tokens, r.LogProbs = []int32{2, 3, 2, 3, 2, 3, 1}, make([]float32, 7)
		for _, r.Truncated = range []bool{true, false} {
			found(t, p.checkEnds([]ppo.Rollout{rollouts[0], r}), ppo.CheckEnds, 1)
		}
		r.Tokens, r.LogProbs, r.Truncated = []int32{2, 1, 2}, make([]float32, 3), true // goes on behind it
		found(t, p.checkEnds([]ppo.Rollout{rollouts[0], r}), ppo.CheckEnds, 1)
		r.Tokens, r.LogProbs, r.Truncated = []int32{2, 3}, make([]float32, 2), false // ends without one
		found(t, p.checkEnds([]ppo.Rollout{r, rollouts[0]}), ppo.CheckEnds, 0)
	})
	t.Run("the reference is another model", func(t *testing.T) {
		shift := func(e []ppo.Estimates) { e[4].RefLogProbs[0] -= 0.01 }
		found(t, sick{Policy: a(), estimates: shift}.iterate(ppo.Config{KL: 0.1}), ppo.CheckReference, 4)
		if err := (sick{Policy: a(), estimates: shift}).iterate(ppo.Config{KL: 0.1, Checks: ppo.Checks{Reference: math.Inf(1)}}); err != nil {
			t.Error(err)
		}
	})
	t.Run("the temperature is dropped", func(t *testing.T) {
		p := a()
		of := p.config.Temperature
		p.config.Temperature = 1 // of sampler and reference, not of the loss
		err := sick{Policy: p, estimates: func([]ppo.Estimates) { p.config.Temperature = of }}.iterate(ppo.Config{})
		var f *ppo.CheckError
		if !errors.As(err, &f) || f.Check != ppo.CheckRatio || len(f.Rows) == 0 {
			t.Error(err)
		}
		// In the reference alone it shows before any update.
		p = a()
		err = sick{Policy: p, rollouts: func(r []ppo.Rollout) []ppo.Rollout { p.config.Temperature = 1; return r }}.iterate(ppo.Config{})
		found(t, err, ppo.CheckReference, every...)
	})
	t.Run("one row has other log-probabilities", func(t *testing.T) {
		found(t, sick{Policy: a(), rollouts: func(r []ppo.Rollout) []ppo.Rollout { r[6].LogProbs[0] -= 0.01; return r }}.iterate(ppo.Config{Checks: ppo.Checks{Reference: math.Inf(1)}}), ppo.CheckRatio, 6)
	})
	t.Run("log-probabilities are one off", func(t *testing.T) {
		p := sick{Policy: a(), rollouts: func(r []ppo.Rollout) []ppo.Rollout {
			for i := range r {
				r[i].LogProbs = append(r[i].LogProbs[1:], r[i].LogProbs[0])
			}
			return r
		}}
		err := p.iterate(ppo.Config{Checks: ppo.Checks{Reference: math.Inf(1)}})
		var f *ppo.CheckError
		if !errors.As(err, &f) || f.Check != ppo.CheckRatio {
			t.Error(err)
		}
	})
	t.Run("values are one off", func(t *testing.T) {
		p := sick{Policy: a(), estimates: func(e []ppo.Estimates) {
			for i := range e {
				e[i].Values = append(e[i].Values[1:], e[i].BootstrapValue)
			}
		}}
		err := p.iterate(ppo.Config{})
		var f *ppo.CheckError
		if !errors.As(err, &f) || f.Check != ppo.CheckValue {
			t.Error(err)
		}
	})
	t.Run("values have another scale", func(t *testing.T) {
		p := a()
		p.config.ValueMean = 0.5 // of Estimate, not of the loss
		err := sick{Policy: p}.iterate(ppo.Config{})
		var f *ppo.CheckError
		if !errors.As(err, &f) || f.Check != ppo.CheckValue {
			t.Error(err)
		}
	})
	t.Run("a sample is short of an entry", func(t *testing.T) {
		row := -1
		err := sick{Policy: a(), update: func(s []ppo.Sample) {
			s[2].Advantages, row = s[2].Advantages[1:], slices.Index(questions, s[2].Start.Problem.Question)
		}}.iterate(ppo.Config{})
		found(t, err, ppo.CheckRollouts, row)
	})
	t.Run("an estimator gives what is not finite", func(t *testing.T) {
		bad := ppo.AdvantageEstimator{Name: "bad", Func: func(r []float64) []float64 { return []float64{0, math.NaN()} }}
		found(t, sick{Policy: a()}.iterate(ppo.Config{NumGenerations: 2, Advantage: bad}), ppo.CheckFinite, 1, 3, 5, 7)
	})
	t.Run("all are masked", func(t *testing.T) {
		p := a()
		p.config.MaxTokens = 1
		err := sick{Policy: p, rollouts: func(r []ppo.Rollout) []ppo.Rollout {
			for i := range r {
				r[i].Truncated = true
			}
			return r
		}}.iterate(ppo.Config{Truncated: ppo.Mask})
		found(t, err, ppo.CheckTrained)
	})
}
