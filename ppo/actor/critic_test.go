package actor

import (
	"cmp"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/bt"
)

// What a critic explains of the returns of rollouts before it is trained on them, by what it
// starts from, iteration after iteration over the attempts that a run of examples/satori
// left in its journal. SATORI_RUN names the run's directory, SATORI_CRITICS, where it is
// set, words that a row's name has one of:
//
//	SATORI_RUN=satori-out/path-star go test -run TestCriticTable -v -timeout 1h ./ppo/actor
//
// A critic of its own sees what it would see in a run. A policy that shares a trunk with its
// critic is trained on attempts of another one, so its ratios begin a little off 1.
func TestCriticTable(t *testing.T) {
	dir := os.Getenv("SATORI_RUN")
	if dir == "" {
		t.Skip("SATORI_RUN names no run of examples/satori")
	}
	b, err := model.OpenBackend("")
	require.NoError(t, err)
	lm, err := model.Open(b, filepath.Join(dir, "ft"))
	require.NoError(t, err)
	rm, err := bt.Open(lm, coat.Bare, filepath.Join(dir, "rm"))
	require.NoError(t, err)
	fresh, err := model.NewNet(b, lm.Config, 11)
	require.NoError(t, err)
	withHead, err := lm.WithHeads(5, decoder.HeadLM, ValueHead)
	require.NoError(t, err)
	half := lm.Config
	half.Layers /= 2
	small, err := model.NewNet(b, half, 12)
	require.NoError(t, err)
	const iterations = 12
	rollouts, scores := journalled(t, filepath.Join(dir, "rl.journal.jsonl"), iterations)
	four := func(c Config) Config {
		c.CriticSteps = 4
		return c
	}
	off, scale := math.Inf(1), Config{ValueMean: rm.Mean, ValueStd: rm.Std}
	for _, c := range []struct {
		name   string
		critic *model.Net // nil: the head
		warmUp int
		Config
	}{
		{"joint 0.5", nil, 0, Config{ValueCoef: 0.5, ValueClip: off}},
		{"joint 0.5, warm-up", nil, 2, Config{ValueCoef: 0.5, ValueClip: off}},
		{"joint 0.1", nil, 0, Config{ValueCoef: 0.1, ValueClip: off}},
		{"head alone", nil, 2, Config{ValueClip: off}},
		{"reward model, no warm-up", rm.Net, 0, scale},
		{"reward model", rm.Net, 2, scale},
		{"reward model, four steps", rm.Net, 2, four(scale)},
		{"policy's trunk, no warm-up", withScore(t, lm.Net, 5), 0, Config{}},
		{"policy's trunk", withScore(t, lm.Net, 5), 2, Config{}},
		{"policy's trunk, four steps", withScore(t, lm.Net, 5), 2, four(Config{})},
		{"fresh, no warm-up", withScore(t, fresh, 11), 0, Config{}},
		{"fresh", withScore(t, fresh, 11), 2, Config{}},
		{"fresh, half the layers, four steps", withScore(t, small, 11), 2, four(Config{CriticRate: 2e-3})},
		{"fresh, four steps", withScore(t, fresh, 11), 2, four(Config{})},
	} {
		if only := strings.Fields(os.Getenv("SATORI_CRITICS")); len(only) > 0 && !slices.ContainsFunc(only, func(w string) bool { return strings.Contains(strings.ReplaceAll(c.name, " ", ""), w) }) {
			continue
		}
		actor := c.Config
		actor.Template, actor.MaxTokens, actor.Temperature, actor.PolicyRate = coat.Bare, 160, 1, 7e-4
		actor.CriticRate, actor.CriticSteps = cmp.Or(actor.CriticRate, 1e-3), cmp.Or(actor.CriticSteps, 1)
		policy, critic := withHead.Clone(), c.critic
		if critic != nil {
			critic = critic.Clone()
		}
		a, err := New(policy, critic, actor)
		require.NoError(t, err)
		log := &logged{Policy: a, rollouts: rollouts}
		trainer := ppo.Trainer{
			Policy: log, Rubric: reward.Rubric{{Name: "logged", Weight: 1, Batch: func(context.Context, []coat.Attempt) ([]float64, error) { return scores[log.i-1], nil }}},
			Config: ppo.Config{Iterations: 20, RolloutBatch: 256, MiniBatch: 64, CriticWarmup: c.warmUp, MinLRRatio: ppo.Frac(0.3), Checks: ppo.Checks{Ratio: off}},
		}
		began := time.Now()
		for step, err := range trainer.Train(t.Context(), log.starts) {
			require.NoError(t, err)
			t.Logf("%-36s iteration %2d: %6.3f", c.name, step.Iteration, step.ExplainedVariance)
			if step.Iteration == iterations {
				break
			}
		}
		t.Logf("%-36s updates %.0f s of %.0f s", c.name, log.spent.Seconds(), time.Since(began).Seconds())
		a.Close()
		policy.Close()
	}
}

// A logged policy has the rollouts of a log. A policy with a separate critic stays as it is.
type logged struct {
	*Policy
	rollouts [][]ppo.Rollout
	i        int // iterations begun
	spent    time.Duration
}

func (p *logged) Rollouts(context.Context, []coat.Start, uint64) ([]ppo.Rollout, error) {
	p.i++
	return p.rollouts[p.i-1], nil
}

func (p *logged) Update(ctx context.Context, minibatch []ppo.Sample, sizes ppo.StepSizes) (ppo.Stats, error) {
	defer func(began time.Time) { p.spent += time.Since(began) }(time.Now())
	if !p.shared {
		sizes.Policy = 0
	}
	return p.Policy.Update(ctx, minibatch, sizes)
}

// starts yields the starts of the rollouts.
func (p *logged) starts(yield func(coat.Start) bool) {
	for _, list := range p.rollouts {
		for _, r := range list {
			if !yield(r.Start) {
				return
			}
		}
	}
}

// journalled returns the rollouts of the first iterations of a rollout log, and their scores.
func journalled(t *testing.T, path string, iterations int) (rollouts [][]ppo.Rollout, scores [][]float64) {
	t.Helper()
	rollouts, scores = make([][]ppo.Rollout, iterations), make([][]float64, iterations)
	type record struct { // of package run, which imports this one
		Iteration int
		coat.Attempt
		Total          float64
		Prompt, Tokens []int32
		LogProbs       []float32 `json:"log_probs"`
	}
	for e, err := range rundir.ReadLog[record](path) {
		require.NoError(t, err)
		if e.Iteration <= iterations {
			rollouts[e.Iteration-1] = append(rollouts[e.Iteration-1], ppo.Rollout{Attempt: e.Attempt, Prompt: e.Prompt, Tokens: e.Tokens, LogProbs: e.LogProbs})
			scores[e.Iteration-1] = append(scores[e.Iteration-1], e.Total)
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

// withScore copies a network under a fresh head for scores.
func withScore(t testing.TB, n *model.Net, seed uint64) *model.Net {
	t.Helper()
	critic, err := n.WithHeads(seed, decoder.HeadScore)
	require.NoError(t, err)
	return critic
}
