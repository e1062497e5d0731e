// Package ppotest tests implementations of [ppo.Policy], as testing/fstest does file systems.
package ppotest

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/ppo"
)

// Policy fails the test for each promise of [ppo.Policy] that a policy breaks. Every call of
// open has to give a new policy in the same state. There have to be two starts or more, and
// some response has to depend on the seed.
func Policy(t *testing.T, open func(t *testing.T) ppo.Policy, starts []coat.Start) {
	t.Run("rollouts", func(t *testing.T) {
		p := open(t)
		first := rollouts(t, p, starts, 1)
		if len(first) != len(starts) {
			t.Fatalf("%d rollouts of %d starts", len(first), len(starts))
		}
		for i, r := range first {
			if !reflect.DeepEqual(r.Start, starts[i]) {
				t.Errorf("rollout %d has another start than start %d", i, i)
			}
			if len(r.Prompt) == 0 || len(r.Tokens) == 0 || len(r.LogProbs) != len(r.Tokens) {
				t.Errorf("rollout %d: %d prompt tokens, %d tokens, %d log-probabilities", i, len(r.Prompt), len(r.Tokens), len(r.LogProbs))
			}
			for k, l := range r.LogProbs {
				if !(l <= 1e-6) { // up to which the trainer takes it for rounding; not NaN either
					t.Errorf("rollout %d: token %d has log-probability %g", i, k, l)
				}
			}
		}
		if again := rollouts(t, p, starts, 1); !reflect.DeepEqual(first, again) {
			t.Error("the same seed gives other rollouts")
		}
		for seed := uint64(2); reflect.DeepEqual(tokens(first), tokens(rollouts(t, p, starts, seed))); seed++ {
			if seed == 20 {
				t.Fatal("20 seeds give the same rollouts")
			}
		}
	})

	t.Run("estimates", func(t *testing.T) {
		p := open(t)
		sampled := rollouts(t, p, starts, 1)
		all := estimates(t, p, sampled)
		for i, e := range all {
			n := len(sampled[i].Tokens)
			values, ref := e.Values != nil, e.RefLogProbs != nil
			if values && len(e.Values) != n || values != (all[0].Values != nil) || ref && len(e.RefLogProbs) != n || ref != (all[0].RefLogProbs != nil) {
				t.Errorf("rollout %d of %d tokens: %d values, %d reference log-probabilities", i, n, len(e.Values), len(e.RefLogProbs))
			}
			for k, v := range append([]float64{e.BootstrapValue}, e.Values...) {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("rollout %d: %g is among its values and the one after the last token (entry %d)", i, v, k)
				}
			}
		}
		last := len(sampled) - 1
		alone := estimates(t, p, sampled[last:])
		for k, v := range alone[0].Values {
			if math.Abs(v-all[last].Values[k]) > 1e-4 {
				t.Errorf("token %d of rollout %d has the value %g among other rollouts and %g alone", k, last, all[last].Values[k], v)
			}
		}
	})

	t.Run("rate 0", func(t *testing.T) {
		p := open(t)
		batch := samples(t, p, starts)
		before := rollouts(t, p, starts, 3)
		s := update(t, p, batch, ppo.StepSizes{})
		if !reflect.DeepEqual(before, rollouts(t, p, starts, 3)) {
			t.Error("an update at rate 0 changes the policy")
		}
		if s.RatioError > 1e-5 {
			t.Errorf("before any update the ratio is off by %g: sampler and trainer disagree", s.RatioError)
		}
		if s.ValueError > 1e-5 {
			t.Errorf("before any update the values are off by %g: Estimate and the critic's loss disagree", s.ValueError)
		}
		for _, rows := range [][]float64{s.Ratios, s.Values} {
			if rows != nil && len(rows) != len(batch) {
				t.Errorf("statistics of %d samples, want %d", len(rows), len(batch))
			}
		}
	})

	t.Run("apart", func(t *testing.T) {
		p := open(t)
		batch := samples(t, p, starts)
		before := rollouts(t, p, starts, 3)
		update(t, p, batch, ppo.StepSizes{Critic: 1})
		if !reflect.DeepEqual(before, rollouts(t, p, starts, 3)) {
			t.Error("an update of the critic alone changes the policy")
		}
		for range 3 {
			update(t, p, batch, ppo.StepSizes{Policy: 1})
		}
		if reflect.DeepEqual(logprobs(before), logprobs(rollouts(t, p, starts, 3))) {
			t.Error("updates of the policy change nothing")
		}
	})

	t.Run("order", func(t *testing.T) {
		one, two := open(t), open(t)
		batch := samples(t, one, starts)
		update(t, one, batch, ppo.StepSizes{Policy: 1, Critic: 1})
		update(t, two, batch, ppo.StepSizes{Policy: 1, Critic: 1})
		if !reflect.DeepEqual(rollouts(t, one, starts, 3), rollouts(t, two, starts, 3)) {
			t.Error("the same update of the same state gives two results")
		}
	})

	t.Run("cancelled", func(t *testing.T) {
		p := open(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		cancel(why)
		batch := samples(t, p, starts)
		before := rollouts(t, p, starts, 3)
		if _, err := p.Update(ctx, batch, ppo.StepSizes{Policy: 1, Critic: 1}); !errors.Is(err, why) {
			t.Errorf("Update ends with %v, want the context's cause", err)
		}
		if !reflect.DeepEqual(before, rollouts(t, p, starts, 3)) {
			t.Error("a cancelled update changes the policy")
		}
	})
}

// samples makes samples of rollouts, as the trainer does, with advantages of both signs.
func samples(t *testing.T, p ppo.Policy, starts []coat.Start) (list []ppo.Sample) {
	sampled := rollouts(t, p, starts, 1)
	for i, e := range estimates(t, p, sampled) {
		s := ppo.Sample{Rollout: sampled[i], Values: e.Values}
		if e.Values == nil { // there is no critic
			s.Values = make([]float64, len(s.Tokens))
		}
		for k := range s.Tokens {
			sign := float64(1 - 2*(i%2))
			s.Advantages = append(s.Advantages, sign)
			s.Returns = append(s.Returns, s.Values[k]+sign)
		}
		list = append(list, s)
	}
	return list
}

func rollouts(t *testing.T, p ppo.Policy, starts []coat.Start, seed uint64) []ppo.Rollout {
	t.Helper()
	list, err := p.Rollouts(t.Context(), starts, seed)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func estimates(t *testing.T, p ppo.Policy, rollouts []ppo.Rollout) []ppo.Estimates {
	t.Helper()
	list, err := p.Estimate(t.Context(), rollouts)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(rollouts) {
		t.Fatalf("%d estimates of %d rollouts", len(list), len(rollouts))
	}
	return list
}

func update(t *testing.T, p ppo.Policy, batch []ppo.Sample, sizes ppo.StepSizes) ppo.Stats {
	t.Helper()
	s, err := p.Update(t.Context(), batch, sizes)
	if err != nil {
		t.Fatal(err)
	}
	all := []float64{s.PolicyLoss, s.ValueLoss, s.Entropy, s.ApproxKL, s.ClipFraction, s.RatioError, s.ValueError, s.GradNorm, s.CriticGradNorm}
	for _, v := range all {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("statistics that are not finite: %+v", s)
		}
	}
	return s
}

func tokens(list []ppo.Rollout) (all [][]int32) {
	for _, r := range list {
		all = append(all, r.Tokens)
	}
	return all
}

func logprobs(list []ppo.Rollout) (all [][]float32) {
	for _, r := range list {
		all = append(all, r.LogProbs)
	}
	return all
}
