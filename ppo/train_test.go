package ppo

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// A recorder is a player that is told which rollouts were cut off, and remembers what it
// is trained on.
type recorder struct {
	*player
	cut     func(i int) bool
	ref     float64 // how far the reference is below
	trained [][]string
	rates   []StepSizes
}

func (p *recorder) Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]Rollout, error) {
	list, err := p.player.Rollouts(ctx, starts, seed)
	for i := range list {
		list[i].Truncated = p.cut != nil && p.cut(i)
	}
	return list, err
}

func (p *recorder) Estimate(ctx context.Context, rollouts []Rollout) ([]Estimates, error) {
	list, err := p.player.Estimate(ctx, rollouts)
	for i := range list {
		list[i].BootstrapValue = 0.5
		if p.ref != 0 {
			for _, l := range rollouts[i].LogProbs {
				list[i].RefLogProbs = append(list[i].RefLogProbs, float64(l)-p.ref)
			}
		}
	}
	return list, err
}

func (p *recorder) Update(ctx context.Context, minibatch []Sample, rate StepSizes) (Stats, error) {
	var ids []string
	for _, s := range minibatch {
		ids = append(ids, s.Start.Problem.ID+" "+s.Text)
	}
	p.trained, p.rates = append(p.trained, ids), append(p.rates, rate)
	return p.player.Update(ctx, minibatch, rate)
}

// A response that the token limit truncates has no future reward, or the critic's value of its
// last state as future reward, or is left out of training.
func TestTruncated(t *testing.T) {
	run := func(c Config) (*recorder, Step) {
		p := &recorder{player: newPlayer(2, 3, 1), cut: func(i int) bool { return i%4 == 0 }}
		c.Iterations, c.RolloutBatch, c.MiniBatch, c.Lambda = 1, 16, 4, Frac(0.9)
		return p, reinforce(t, p, alternate(4), c)
	}
	count := func(p *recorder) (n int) {
		for _, m := range p.trained {
			n += len(m)
		}
		return n
	}
	plain, first := run(Config{})
	if n := count(plain); n != 16 || first.Diagnostics.Truncated != 4 || first.Diagnostics.Masked != 0 {
		t.Errorf("%d trained, %+v", n, first.Diagnostics)
	}
	boot, second := run(Config{Truncated: Bootstrap})
	if n := count(boot); n != 16 {
		t.Errorf("%d trained", n)
	}
	for i := range 16 {
		last, want := len(first.Samples[i].Returns)-1, 0.0
		if i%4 == 0 {
			want = 0.5
		}
		near(t, "the last return, bootstrapped", second.Samples[i].Returns[last]-first.Samples[i].Returns[last], want, 1e-12)
		near(t, "the reward", second.Samples[i].Rewards[last], first.Samples[i].Score.Total, 1e-12)
	}
	mask, third := run(Config{Truncated: Mask})
	if n := count(mask); n != 12 || third.Diagnostics.Masked != 4 || len(third.Samples) != 16 || len(mask.trained) != 3 {
		t.Errorf("%d trained in %d updates, %+v", n, len(mask.trained), third.Diagnostics)
	}
}

// Every epoch takes all rollouts once, in an order of its own; the last mini-batch of
// each has what is left.
func TestEpochsAreShuffled(t *testing.T) {
	p := &recorder{player: newPlayer(2, 3, 1)}
	reinforce(t, p, alternate(4), Config{Iterations: 2, RolloutBatch: 10, MiniBatch: 4, Epochs: 3})
	var sizes []int
	for _, m := range p.trained {
		sizes = append(sizes, len(m))
	}
	if want := slices.Repeat([]int{4, 4, 2}, 6); !slices.Equal(sizes, want) {
		t.Fatalf("mini-batches of %v, want %v", sizes, want)
	}
	orders := map[string]bool{}
	for e := 0; e < 18; e += 3 {
		order := slices.Concat(p.trained[e : e+3]...)
		orders[strings.Join(order, ",")] = true
		if slices.Sort(order); len(slices.Compact(order)) != 10 {
			t.Errorf("epoch %d has %d rollouts of 10", e/3, len(slices.Compact(order)))
		}
	}
	if len(orders) != 6 {
		t.Errorf("%d orders in 6 epochs", len(orders))
	}
}

// Of each start there are as many rollouts as a group has, side by side, and their
// advantages are those of their rewards.
func TestGroups(t *testing.T) {
	p := &recorder{player: newPlayer(3, 4, 1)}
	step := reinforce(t, p, alternate(4), Config{Iterations: 1, RolloutBatch: 12, MiniBatch: 12, NumGenerations: 4, Advantage: RLOO()})
	for i, s := range step.Samples {
		if want := fmt.Sprint(i / 4); s.Start.Problem.ID != want {
			t.Errorf("rollout %d is of start %s, want %s", i, s.Start.Problem.ID, want)
		}
		others := 0.0
		for k := range 4 {
			if at := i/4*4 + k; at != i {
				others += step.Samples[at].Score.Total / 3
			}
		}
		for _, a := range s.Advantages {
			near(t, "advantage", a, s.Score.Total-others, 1e-12)
		}
	}
	if step.Diagnostics.Groups != 3 || p.rates[0].Critic != 0 {
		t.Errorf("%+v, rates %+v", step.Diagnostics, p.rates[0])
	}
}

// The penalty is of the policy that sampled: k1 on each token, before GAE; or a
// coefficient of the loss. β is steered by the sum over a response.
func TestKLPenalty(t *testing.T) {
	run := func(c Config) (*recorder, Step) {
		p := &recorder{player: newPlayer(2, 3, 0.1), ref: 0.25} // 0.75 nats a response
		c.Iterations, c.RolloutBatch, c.MiniBatch, c.KL, c.Checks.Reference = 2, 8, 8, 0.1, math.Inf(1)
		return p, reinforce(t, p, alternate(4), c)
	}
	p, step := run(Config{})
	s := step.Samples[0]
	near(t, "reward to go", s.Returns[0], s.Score.Total-3*0.1*0.25, 1e-6)
	near(t, "first reward", s.Rewards[0], -0.1*0.25, 1e-6)
	near(t, "divergence", step.KL, 0.75, 1e-6)
	if p.rates[0].KL != 0 || step.NextKL != 0.1 {
		t.Errorf("%+v, next β %g", p.rates[0], step.NextKL)
	}
	p, step = run(Config{KLUse: UseKLLoss})
	near(t, "first reward", step.Samples[0].Rewards[0], 0, 0)
	near(t, "β of the loss", p.rates[0].KL, 0.1, 0)

	p, step = run(Config{KLUse: UseKLLoss, KLTarget: 0.5, KLHorizon: 100})
	next := adaptKL(0.1, 0.75, 0.5, 8, 100)
	near(t, "next β", p.rates[1].KL, next, 1e-9)
	near(t, "the one after", step.NextKL, adaptKL(next, 0.75, 0.5, 8, 100), 1e-9)
}

// An iteration reports means over its attempts, and over those of each kind of start. A
// value that is no outcome is a kind like others.
func TestRewards(t *testing.T) {
	s := Step{terms: []string{"a", "b"}, Samples: []Sample{
		{Rollout: Rollout{Attempt: coat.Attempt{Truncated: true}, Tokens: []int32{1, 2}}, Score: reward.Score{Total: 1, Parts: []float64{1, 3}}},
		{Rollout: Rollout{Tokens: []int32{1, 2, 3, 4}}, Score: reward.Score{Total: 2, Parts: []float64{2, 4}}, Outcome: coat.Right},
		{Rollout: Rollout{Attempt: coat.Attempt{Start: coat.Start{Prior: coat.Wrong}}, Tokens: []int32{1}}, Score: reward.Score{Total: -1, Parts: []float64{-1, 0}}},
		{Rollout: Rollout{Attempt: coat.Attempt{Start: coat.Start{Prior: 9}}, Tokens: []int32{1}}, Score: reward.Score{Parts: []float64{0, 0}}, Outcome: coat.Right},
	}}
	want := map[coat.Outcome]Rewards{
		coat.Unknown: {Attempts: 2, Total: 1.5, Terms: map[string]float64{"a": 1.5, "b": 3.5}, Accuracy: 0.5, Tokens: 3, Truncated: 0.5},
		coat.Wrong:   {Attempts: 1, Total: -1, Terms: map[string]float64{"a": -1, "b": 0}, Tokens: 1},
		9:            {Attempts: 1, Terms: map[string]float64{"a": 0, "b": 0}, Accuracy: 1, Tokens: 1},
	}
	if got := s.ByStartKind(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	s.count(Config{}, 4)
	if all := (Rewards{4, 0.5, map[string]float64{"a": 0.5, "b": 1.75}, 0.5, 2, 0.25}); !reflect.DeepEqual(s.Rewards, all) {
		t.Errorf("%+v", s.Rewards)
	}
}

// A check decides outcomes, once an attempt, and changes nothing that is trained.
func TestOutcomes(t *testing.T) {
	asked := 0
	check := func(_ context.Context, a coat.Attempt) (float64, error) {
		asked++
		if a.Text == "1" {
			return 1, nil
		}
		return 0, nil
	}
	with, without := &table{rate: 0.5}, &table{rate: 0.5}
	c := Config{Iterations: 3, RolloutBatch: 16, MiniBatch: 8, Parallel: 1}
	for step, err := range (&Trainer{Policy: with, Rubric: second, Check: check, Config: c}).Train(t.Context(), endless) {
		require.NoError(t, err)
		if step.Rewards.Accuracy != step.Rewards.Terms["second"] {
			t.Errorf("%+v", step.Rewards)
		}
		for _, s := range step.Samples {
			if j := s.Judged(); j.Right() != (s.Text == "1") || j.Score != s.Score.Total || j.Tokens != 1 {
				t.Errorf("%+v", j)
			}
		}
	}
	for _, err := range (&Trainer{Policy: without, Rubric: second, Config: c}).Train(t.Context(), endless) {
		require.NoError(t, err)
	}
	if asked != 3*16 || with.logit != without.logit {
		t.Errorf("asked %d times, logit %g and %g", asked, with.logit, without.logit)
	}
}
