package ppo

import (
	"cmp"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/bt"
)

// What a critic explains of the returns of rollouts before it is trained on them, by what it
// starts from, iteration after iteration over the attempts that a run of examples/satori
// left in its journal. SATORI_RUN names the run's directory, SATORI_CRITICS, where it is
// set, words that a row's name has one of:
//
//	SATORI_RUN=satori-out/path-star go test -run TestCriticTable -v -timeout 1h ./ppo
//
// A critic of its own sees what it would see in a run. A policy that shares a trunk with its
// critic is trained on attempts of another one, so its ratios begin a little off 1.
func TestCriticTable(t *testing.T) {
	dir := os.Getenv("SATORI_RUN")
	if dir == "" {
		t.Skip("SATORI_RUN names no run of examples/satori")
	}
	b, err := model.OpenBackend("")
	if err != nil {
		t.Fatal(err)
	}
	lm, err := model.Open(b, filepath.Join(dir, "ft"))
	if err != nil {
		t.Fatal(err)
	}
	rm, err := bt.Open(lm, coat.Bare, filepath.Join(dir, "rm"))
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := model.NewNet(b, lm.Config, 11)
	if err != nil {
		t.Fatal(err)
	}
	withHead, err := lm.WithScalar(ValueHead, 5)
	if err != nil {
		t.Fatal(err)
	}
	half := lm.Config
	half.Layers /= 2
	small, err := model.NewNet(b, half, 12)
	if err != nil {
		t.Fatal(err)
	}
	const iterations = 12
	rollouts, scores := journalled(t, filepath.Join(dir, "rl.journal.jsonl"), iterations)
	four := func(c ActorConfig) ActorConfig {
		c.CriticSteps = 4
		return c
	}
	off, scale := math.Inf(1), ActorConfig{ValueMean: rm.Mean, ValueStd: rm.Std}
	for _, c := range []struct {
		name   string
		critic *model.Net // nil: the head
		warmUp int
		ActorConfig
	}{
		{"joint 0.5", nil, 0, ActorConfig{ValueCoef: 0.5, ValueClip: off}},
		{"joint 0.5, warm-up", nil, 2, ActorConfig{ValueCoef: 0.5, ValueClip: off}},
		{"joint 0.1", nil, 0, ActorConfig{ValueCoef: 0.1, ValueClip: off}},
		{"head alone", nil, 2, ActorConfig{ValueClip: off}},
		{"reward model, no warm-up", rm.Net, 0, scale},
		{"reward model", rm.Net, 2, scale},
		{"reward model, four steps", rm.Net, 2, four(scale)},
		{"policy's trunk, no warm-up", lm.WithScore(5), 0, ActorConfig{}},
		{"policy's trunk", lm.WithScore(5), 2, ActorConfig{}},
		{"policy's trunk, four steps", lm.WithScore(5), 2, four(ActorConfig{})},
		{"fresh, no warm-up", fresh.WithScore(11), 0, ActorConfig{}},
		{"fresh", fresh.WithScore(11), 2, ActorConfig{}},
		{"fresh, half the layers, four steps", small.WithScore(11), 2, four(ActorConfig{CriticRate: 2e-3})},
		{"fresh, four steps", fresh.WithScore(11), 2, four(ActorConfig{})},
	} {
		if only := strings.Fields(os.Getenv("SATORI_CRITICS")); len(only) > 0 && !slices.ContainsFunc(only, func(w string) bool { return strings.Contains(strings.ReplaceAll(c.name, " ", ""), w) }) {
			continue
		}
		actor := c.ActorConfig
		actor.Template, actor.MaxTokens, actor.Temperature, actor.PolicyRate = coat.Bare, 160, 1, 7e-4
		actor.CriticRate, actor.CriticSteps = cmp.Or(actor.CriticRate, 1e-3), cmp.Or(actor.CriticSteps, 1)
		policy, critic := withHead.Clone(), c.critic
		if critic != nil {
			critic = critic.Clone()
		}
		a, err := NewActorCritic(policy, critic, actor)
		if err != nil {
			t.Fatal(err)
		}
		config, err := Config{Iterations: 20, RolloutBatch: 256, MiniBatch: 64, CriticWarmup: c.warmUp, MinLRRatio: Frac(0.3)}.resolve()
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var spent time.Duration
		for i := range iterations {
			estimates, err := a.Estimate(t.Context(), rollouts[i])
			if err != nil {
				t.Fatal(err)
			}
			samples, err := config.samples(rollouts[i], scores[i], make([]coat.Outcome, len(rollouts[i])), estimates)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%-36s iteration %2d: %6.3f", c.name, i+1, explainedVariance(samples))
			Whiten(samples)
			update := time.Now()
			planned := config.updates(config.RolloutBatch)
			for u, part := range config.miniBatches(i, config.trained(samples)) {
				sizes := config.stepSizes(i*planned+u, c.warmUp*planned, config.Iterations*planned)
				if a.shared {
					_, err = a.Update(t.Context(), pick(samples, part), sizes)
				} else { // the policy has no part in it
					err = a.updateCritic(new(Stats), pick(samples, part), sizes.Critic*a.config.CriticRate, false)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			spent += time.Since(update)
		}
		t.Logf("%-36s updates %.0f s of %.0f s", c.name, spent.Seconds(), time.Since(began).Seconds())
		a.Close()
		policy.Close()
	}
}

// journalled returns the rollouts of the first iterations of a rollout log, and their scores.
func journalled(t *testing.T, path string, iterations int) (rollouts [][]Rollout, scores [][]reward.Score) {
	t.Helper()
	rollouts, scores = make([][]Rollout, iterations), make([][]reward.Score, iterations)
	type record struct { // of package run, which imports this one
		Iteration int
		coat.Attempt
		Total          float64
		Prompt, Tokens []int32
		LogProbs       []float32 `json:"log_probs"`
	}
	for e, err := range rundir.ReadLog[record](path) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Iteration <= iterations {
			rollouts[e.Iteration-1] = append(rollouts[e.Iteration-1], Rollout{Attempt: e.Attempt, Prompt: e.Prompt, Tokens: e.Tokens, LogProbs: e.LogProbs})
			scores[e.Iteration-1] = append(scores[e.Iteration-1], reward.Score{Total: e.Total})
		}
	}
	return rollouts, scores
}

func firstOf(starts func(func(coat.Start) bool), n int) func(func(coat.Start) bool) {
	return func(yield func(coat.Start) bool) {
		for s := range starts {
			if n--; n < 0 || !yield(s) {
				return
			}
		}
	}
}
