package ppo

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/reward"
)

// found fails unless err is a CheckError of a check, on some rows.
func found(t *testing.T, err error, check Check, rows ...int) {
	t.Helper()
	var f *CheckError
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
	*ActorCritic
	rollouts  func([]Rollout) []Rollout
	estimates func([]Estimates)
	update    func([]Sample) // before the update
}

func (p sick) Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]Rollout, error) {
	list, err := p.ActorCritic.Rollouts(ctx, starts, seed)
	if p.rollouts != nil && err == nil {
		list = p.rollouts(list)
	}
	return list, err
}

func (p sick) Estimate(ctx context.Context, rollouts []Rollout) ([]Estimates, error) {
	list, err := p.ActorCritic.Estimate(ctx, rollouts)
	if p.estimates != nil {
		p.estimates(list)
	}
	return list, err
}

func (p sick) Update(ctx context.Context, minibatch []Sample, rate StepSizes) (Stats, error) {
	if p.update != nil {
		p.update(minibatch)
	}
	return p.ActorCritic.Update(ctx, minibatch, rate)
}

var questions = []string{"a b", "c", "b c d a", "d d", "a", "b b b", "c a", "d"}

// iterate makes one iteration of eight rollouts in one mini-batch.
func (p sick) iterate(c Config) error {
	c.Iterations, c.RolloutBatch, c.MiniBatch = 1, 8, 8
	trainer := Trainer{Policy: p, Rubric: reward.Rubric{{Name: "length", Weight: 1, Func: reward.Length}}, Config: c}
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
	good, _ := tiny(t, ActorConfig{Temperature: 0.8, Reference: &model.LM{}})
	a := func() *ActorCritic { // of its own
		b, err := NewActorCritic(good.LM, good.Critic, good.config)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := (sick{ActorCritic: a()}).iterate(Config{KL: 0.1}); err != nil {
		t.Fatal(err)
	}
	every := []int{0, 1, 2, 3, 4, 5, 6, 7}

	t.Run("a rollout is lost", func(t *testing.T) {
		found(t, sick{ActorCritic: a(), rollouts: func(r []Rollout) []Rollout { return r[1:] }}.iterate(Config{}), CheckRollouts)
	})
	t.Run("two change places", func(t *testing.T) {
		found(t, sick{ActorCritic: a(), rollouts: func(r []Rollout) []Rollout { r[2], r[5] = r[5], r[2]; return r }}.iterate(Config{}), CheckRollouts, 2, 5)
	})
	t.Run("a value is not finite", func(t *testing.T) {
		found(t, sick{ActorCritic: a(), estimates: func(e []Estimates) { e[3].Values[0] = math.NaN() }}.iterate(Config{}), CheckFinite, 3)
	})
	t.Run("an EOS is forced", func(t *testing.T) {
		p := a()
		rollouts, err := p.Rollouts(t.Context(), []coat.Start{{Problem: coat.Problem{Question: "a"}}, {Problem: coat.Problem{Question: "b"}}}, 7)
		if err != nil {
			t.Fatal(err)
		}
		r := rollouts[1]
		r.Tokens, r.LogProbs = []int32{2, 3, 2, 3, 2, 3, 1}, make([]float32, 7)
		for _, r.Truncated = range []bool{true, false} {
			found(t, p.checkEnds([]Rollout{rollouts[0], r}), CheckEnds, 1)
		}
		r.Tokens, r.LogProbs, r.Truncated = []int32{2, 1, 2}, make([]float32, 3), true // goes on behind it
		found(t, p.checkEnds([]Rollout{rollouts[0], r}), CheckEnds, 1)
		r.Tokens, r.LogProbs, r.Truncated = []int32{2, 3}, make([]float32, 2), false // ends without one
		found(t, p.checkEnds([]Rollout{r, rollouts[0]}), CheckEnds, 0)
	})
	t.Run("the reference is another model", func(t *testing.T) {
		shift := func(e []Estimates) { e[4].RefLogProbs[0] -= 0.01 }
		found(t, sick{ActorCritic: a(), estimates: shift}.iterate(Config{KL: 0.1}), CheckReference, 4)
		if err := (sick{ActorCritic: a(), estimates: shift}).iterate(Config{KL: 0.1, Checks: Checks{Reference: math.Inf(1)}}); err != nil {
			t.Error(err)
		}
	})
	t.Run("the temperature is dropped", func(t *testing.T) {
		p := a()
		of := p.config.Temperature
		p.config.Temperature = 1 // of sampler and reference, not of the loss
		err := sick{ActorCritic: p, estimates: func([]Estimates) { p.config.Temperature = of }}.iterate(Config{})
		var f *CheckError
		if !errors.As(err, &f) || f.Check != CheckRatio || len(f.Rows) == 0 {
			t.Error(err)
		}
		// In the reference alone it shows before any update.
		p = a()
		err = sick{ActorCritic: p, rollouts: func(r []Rollout) []Rollout { p.config.Temperature = 1; return r }}.iterate(Config{})
		found(t, err, CheckReference, every...)
	})
	t.Run("one row has other log-probabilities", func(t *testing.T) {
		found(t, sick{ActorCritic: a(), rollouts: func(r []Rollout) []Rollout { r[6].LogProbs[0] -= 0.01; return r }}.iterate(Config{Checks: Checks{Reference: math.Inf(1)}}), CheckRatio, 6)
	})
	t.Run("a log-probability is over 0, and not by rounding", func(t *testing.T) {
		p, starts := a(), []coat.Start{{Problem: coat.Problem{Question: "a b"}}, {Problem: coat.Problem{Question: "c"}}}
		rollouts, err := p.Rollouts(t.Context(), starts, 1)
		if err != nil {
			t.Fatal(err)
		}
		estimates, err := p.Estimate(t.Context(), rollouts)
		if err != nil {
			t.Fatal(err)
		}
		c := Config{Checks: Checks{Reference: math.Inf(1)}}
		rollouts[1].LogProbs[0] = 2.5e-8 // seen of XLA's softmax
		if err := c.checkRollouts(0, starts, rollouts, estimates); err != nil {
			t.Error(err)
		}
		rollouts[1].LogProbs[0] = 0.01
		found(t, c.checkRollouts(0, starts, rollouts, estimates), CheckRange, 1)
	})
	t.Run("log-probabilities are one off", func(t *testing.T) {
		p := sick{ActorCritic: a(), rollouts: func(r []Rollout) []Rollout {
			for i := range r {
				r[i].LogProbs = append(r[i].LogProbs[1:], r[i].LogProbs[0])
			}
			return r
		}}
		err := p.iterate(Config{Checks: Checks{Reference: math.Inf(1)}})
		var f *CheckError
		if !errors.As(err, &f) || f.Check != CheckRatio {
			t.Error(err)
		}
	})
	t.Run("values are one off", func(t *testing.T) {
		p := sick{ActorCritic: a(), estimates: func(e []Estimates) {
			for i := range e {
				e[i].Values = append(e[i].Values[1:], e[i].BootstrapValue)
			}
		}}
		err := p.iterate(Config{})
		var f *CheckError
		if !errors.As(err, &f) || f.Check != CheckValue {
			t.Error(err)
		}
	})
	t.Run("values have another scale", func(t *testing.T) {
		p := a()
		p.config.ValueMean = 0.5 // of Estimate, not of the loss
		err := sick{ActorCritic: p}.iterate(Config{})
		var f *CheckError
		if !errors.As(err, &f) || f.Check != CheckValue {
			t.Error(err)
		}
	})
	t.Run("a sample is short of an entry", func(t *testing.T) {
		row := -1
		err := sick{ActorCritic: a(), update: func(s []Sample) {
			s[2].Advantages, row = s[2].Advantages[1:], slices.Index(questions, s[2].Start.Problem.Question)
		}}.iterate(Config{})
		found(t, err, CheckRollouts, row)
	})
	t.Run("an estimator gives what is not finite", func(t *testing.T) {
		bad := AdvantageEstimator{"bad", func(r []float64) []float64 { return []float64{0, math.NaN()} }}
		found(t, sick{ActorCritic: a()}.iterate(Config{NumGenerations: 2, Advantage: bad}), CheckFinite, 1, 3, 5, 7)
	})
	t.Run("all are masked", func(t *testing.T) {
		p := a()
		p.config.MaxTokens = 1
		err := sick{ActorCritic: p, rollouts: func(r []Rollout) []Rollout {
			for i := range r {
				r[i].Truncated = true
			}
			return r
		}}.iterate(Config{Truncated: Mask})
		found(t, err, CheckTrained)
	})
}

// Groups without variance are counted, and teach nothing.
func TestZeroStdGroups(t *testing.T) {
	step := Step{}
	for _, total := range []float64{1, 1, 0, 1, 0, 0} {
		step.Samples = append(step.Samples, Sample{Score: reward.Score{Total: total}})
	}
	step.count(Config{NumGenerations: 2}, 6)
	if step.Diagnostics.Groups != 3 || step.Diagnostics.ZeroStdGroups != 2 {
		t.Errorf("%+v", step.Diagnostics)
	}
}

// A value that is no check has a name, too.
func TestCheckNames(t *testing.T) {
	if got := CheckRatio.String() + " " + Check(200).String(); got != "ratio Check(200)" {
		t.Error(got)
	}
}
