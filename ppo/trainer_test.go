package ppo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// table is a policy over two tokens, the logit of the second in place of a network: a
// response is one token, and its text is the token's number.
type table struct {
	logit, value float64
	rate         float64 // learning rate of both
	updates      []StepSizes
	off          float64 // how far the sampler's log-probabilities are off
	seeds        []uint64
}

func (p *table) prob() float64 { return 1 / (1 + math.Exp(-p.logit)) }

func (p *table) Rollouts(_ context.Context, starts []coat.Start, seed uint64) (list []Rollout, err error) {
	p.seeds = append(p.seeds, seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, s := range starts {
		token, logp := int32(0), math.Log(1-p.prob())
		if rng.Float64() < p.prob() {
			token, logp = 1, math.Log(p.prob())
		}
		list = append(list, Rollout{Attempt: coat.Attempt{Start: s, Text: fmt.Sprint(token)}, Prompt: []int32{7}, Tokens: []int32{token}, LogProbs: []float32{float32(logp)}})
	}
	return list, nil
}

func (p *table) Estimate(_ context.Context, rollouts []Rollout) (list []Estimates, err error) {
	for range rollouts {
		list = append(list, Estimates{Values: []float64{p.value}})
	}
	return list, nil
}

// Update follows the gradient of the clipped surrogate by hand.
func (p *table) Update(_ context.Context, minibatch []Sample, rate StepSizes) (Stats, error) {
	p.updates = append(p.updates, rate)
	var gradient, valueGradient, stray float64
	for _, s := range minibatch {
		logp, slope := math.Log(p.prob()), 1-p.prob()
		if s.Tokens[0] == 0 {
			logp, slope = math.Log(1-p.prob()), -p.prob()
		}
		ratio := math.Exp(logp - float64(s.LogProbs[0]) + p.off)
		stray += math.Abs(ratio-1) / float64(len(minibatch))
		if a := s.Advantages[0]; a > 0 && ratio < 1.2 || a < 0 && ratio > 0.8 {
			gradient += ratio * a * slope / float64(len(minibatch))
		}
		valueGradient += (s.Returns[0] - p.value) / float64(len(minibatch))
	}
	p.logit += rate.Policy * p.rate * gradient
	p.value += rate.Critic * p.rate * valueGradient
	return Stats{RatioError: stray}, nil
}

var second = reward.Rubric{{Name: "second", Weight: 1, Func: func(_ context.Context, a coat.Attempt) (float64, error) {
	if a.Text == "1" {
		return 1, nil
	}
	return 0, nil
}}}

func endless(yield func(coat.Start) bool) {
	for i := 0; yield(coat.Start{Problem: coat.Problem{ID: fmt.Sprint(i)}}); i++ {
	}
}

func Example() {
	policy := &table{logit: -2, rate: 1}
	trainer := Trainer{Policy: policy, Rubric: second, Config: Config{Iterations: 40, RolloutBatch: 32, MiniBatch: 8}}
	for step, err := range trainer.Train(context.Background(), endless) {
		if err != nil {
			panic(err)
		}
		if step.Iteration == step.Of {
			fmt.Printf("iteration %d, %d tokens sampled\n", step.Iteration, step.Sampled)
		}
	}
	fmt.Println("takes the token that is rewarded:", policy.prob() > 0.9)
	// Output:
	// iteration 40, 32 tokens sampled
	// takes the token that is rewarded: true
}

func TestTrainSchedule(t *testing.T) {
	policy := &table{rate: 0.1}
	trainer := Trainer{Policy: policy, Rubric: second, Config: Config{Iterations: 5, RolloutBatch: 10, MiniBatch: 4, Epochs: 2, CriticWarmup: 1}}
	var starts []string
	for step, err := range trainer.Train(context.Background(), endless) {
		require.NoError(t, err)
		for _, s := range step.Samples {
			starts = append(starts, s.Start.Problem.ID)
		}
	}
	if len(policy.updates) != 5*2*3 || len(starts) != 50 || starts[49] != "49" {
		t.Fatalf("%d updates, %d starts", len(policy.updates), len(starts))
	}
	for i, r := range policy.updates {
		// The first update of each half is that of a warm-up from 0.
		if (i <= 6) != (r.Policy == 0) || (i == 0) != (r.Critic == 0) {
			t.Errorf("update %d: rate %+v", i, r)
		}
	}
	if last := policy.updates[29].Policy; last < 0.1 || last > 0.12 {
		t.Errorf("last rate %g, want about the floor of 0.1", last)
	}
}

// Training that continues after two iterations of six, from where the stream stands, ends
// like training that did not stop, and sees no start twice and none that is blank.
func TestTrainResumes(t *testing.T) {
	for _, n := range []int{1, 2, 8} {
		config := Config{Iterations: 6, RolloutBatch: 16, MiniBatch: 4, NumGenerations: n, Seed: 9}
		train := func(p *table, c Config, starts func(func(coat.Start) bool), stop int) (ids []string) {
			for step, err := range (&Trainer{Policy: p, Rubric: second, Config: c}).Train(t.Context(), starts) {
				require.NoError(t, err)
				for k := 0; k < len(step.Samples); k += n {
					ids = append(ids, step.Samples[k].Start.Problem.ID)
				}
				if step.Iteration == stop {
					break
				}
			}
			return ids
		}
		whole, parts := &table{rate: 0.5}, &table{rate: 0.5}
		want := train(whole, config, endless, 6)
		got := train(parts, config, endless, 2)
		config.Done = 2
		got = append(got, train(parts, config, Skip(endless, 2*16/n), 6)...)
		if !slices.Equal(got, want) || want[len(want)-1] != fmt.Sprint(6*16/n-1) {
			t.Errorf("%d rollouts a start: starts %v, want %v", n, got, want)
		}
		if whole.logit != parts.logit || whole.value != parts.value {
			t.Errorf("%d rollouts a start: logit %g and %g, value %g and %g", n, whole.logit, parts.logit, whole.value, parts.value)
		}
	}
}

// Numbers whose default is not 0 can be 0: then the learning rates have no warm-up and end
// at 0, and an advantage is that of one step.
func TestFractions(t *testing.T) {
	policy := &table{rate: 0.1}
	c := Config{Iterations: 4, RolloutBatch: 4, MiniBatch: 4, WarmupRatio: Frac(0), MinLRRatio: Frac(0), Lambda: Frac(0)}
	for _, err := range (&Trainer{Policy: policy, Rubric: second, Config: c}).Train(t.Context(), endless) {
		require.NoError(t, err)
	}
	if first, last := policy.updates[0].Policy, policy.updates[3].Policy; first != 1 || last > 0.2 {
		t.Errorf("rates %v", policy.updates)
	}
	for _, text := range []string{`{"Lambda":0,"Warmup":0.5}`, `{"Lambda":"zero","Warmup":1,"Floor":0.25}`, `{}`} {
		var c, again Config
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		data, err := json.Marshal(c)
		require.NoError(t, err)
		if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%s: %+v, %v, want %+v", text, again, err, c)
		}
		if c.Lambda.IsSet() != strings.Contains(text, "zero") {
			t.Errorf("%s: λ is %v", text, c.Lambda)
		}
	}
	if err := json.Unmarshal([]byte(`{"Lambda":"none"}`), &c); err == nil || !strings.Contains(err.Error(), `"none" is no share`) {
		t.Errorf("%v", err)
	}
}

func TestTrainErrors(t *testing.T) {
	broken := reward.Rubric{{Name: "broken", Func: func(context.Context, coat.Attempt) (float64, error) { return 0, errors.New("no verdict") }}}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	three := func(yield func(coat.Start) bool) {
		for range 3 {
			if !yield(coat.Start{}) {
				return
			}
		}
	}
	good := Config{Iterations: 2, RolloutBatch: 2}
	for _, c := range []struct {
		name, want string
		ctx        context.Context
		policy     *table
		rubric     reward.Rubric
		starts     func(func(coat.Start) bool)
		config     Config
	}{
		{"reward", `ppo: iteration 1: reward: term "broken": attempt 0`, context.Background(), &table{}, broken, endless, good},
		{"starts", "ppo: iteration 2: the stream of starts has ended: found 1 of the 2 that an iteration takes", context.Background(), &table{}, second, three, good},
		{"ratio", "before any update the ratio", context.Background(), &table{off: 0.01}, second, endless, good},
		{"config", "Iterations is 0", context.Background(), &table{}, second, endless, Config{}},
		{"lambda", "Lambda 1.5", context.Background(), &table{}, second, endless, Config{Iterations: 1, Lambda: Frac(1.5)}},
		{"schedule", "WarmupRatio is -1, MinLRRatio 5, want them from 0 to 1", context.Background(), &table{}, second, endless, Config{Iterations: 1, RolloutBatch: 10, WarmupRatio: Frac(-1), MinLRRatio: Frac(5)}},
		{"horizon", "KLHorizon is 2, want it over 0.2·RolloutBatch, 2", context.Background(), &table{}, second, endless, Config{Iterations: 1, RolloutBatch: 10, KL: 0.1, KLTarget: 1, KLHorizon: 2}},
		{"advantage", `Config.Advantage "few" made 1 advantages of 2 rewards`, context.Background(), &table{}, second, endless, Config{Iterations: 1, RolloutBatch: 4, NumGenerations: 2, Advantage: AdvantageEstimator{"few", func(r []float64) []float64 { return r[:1] }}}},
		{"advantage", `Config.Advantage "many" made 3 advantages of 2 rewards`, context.Background(), &table{}, second, endless, Config{Iterations: 1, RolloutBatch: 4, NumGenerations: 2, Advantage: AdvantageEstimator{"many", func(r []float64) []float64 { return append(r, 0) }}}},
		{"cancelled", "canceled", cancelled, &table{}, second, endless, good},
	} {
		var last error
		for _, err := range (&Trainer{Policy: c.policy, Rubric: c.rubric, Config: c.config}).Train(c.ctx, c.starts) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.name, last, c.want)
		}
	}
}

// altered is a table whose rollouts are changed.
type altered struct {
	*table
	change func(*Rollout)
}

func (p altered) Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]Rollout, error) {
	list, err := p.table.Rollouts(ctx, starts, seed)
	p.change(&list[len(list)-1])
	return list, err
}

// Log-probabilities that are not those of the whole distribution are refused before
// anything is learned from them.
func TestTrainRefusesTruncatedSampling(t *testing.T) {
	for want, change := range map[string]func(*Rollout){
		"rows [3]: they were sampled with top-p": func(r *Rollout) { r.UnfilteredLogProbs = []float32{-1} },
		"rows [3]: want the start's prompt":      func(r *Rollout) { r.LogProbs = nil },
	} {
		policy := altered{&table{rate: 0.1}, change}
		for _, err := range (&Trainer{Policy: policy, Rubric: second, Config: Config{Iterations: 1, RolloutBatch: 4, MiniBatch: 4}}).Train(t.Context(), endless) {
			if err == nil || !strings.Contains(err.Error(), want) || len(policy.updates) > 0 {
				t.Errorf("error %v after %d updates, want %s", err, len(policy.updates), want)
			}
		}
	}
}
