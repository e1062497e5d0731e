package ppo

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/bt"
)

// What a critic explains of rollouts that it was not trained on, by what it starts from
// and after how many iterations in which it is trained alone. Policy and reward model are
// those of a run of examples/satori on path-star, whose directory SATORI_RUN names:
//
//	SATORI_RUN=satori-out/path-star go test -run TestCriticTable -v -timeout 1h ./ppo
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
	check := reward.Memo(reward.Exact)
	rubric := reward.Rubric{
		{Name: "rule", Weight: 1, Func: reward.Correct(check)},
		{Name: "preference", Weight: 1, Batch: rm.Reward},
		{Name: "overlong", Weight: -0.5, Func: reward.Overlong},
	}
	fresh := func() *model.Net {
		n, err := model.NewNet(b, lm.Config, 11)
		if err != nil {
			t.Fatal(err)
		}
		return n.WithScore(11)
	}
	const iterations, batch, minibatch, held = 4, 256, 64, 256
	problems, err := tasks.PathStar().Problems("train")
	if err != nil {
		t.Fatal(err)
	}
	starts := slices.Collect(firstOf(Endless(problems, 3), iterations*batch+held))
	var samples []Sample
	for _, c := range []struct {
		name    string
		critic  *model.Net
		mean    float64
		std     float64
		clip    float64
		divides int // the rate
	}{
		{"reward model", rm.Net, rm.Mean, rm.Std, 0, 1},
		{"policy's trunk", lm.WithScore(5), 0, 1, 0, 1},
		{"fresh", fresh(), 0, 1, 0, 1},
		{"reward model, a third of the rate", rm.Net.Clone(), rm.Mean, rm.Std, 0, 3},
		{"policy's trunk, a third of the rate", lm.WithScore(5), 0, 1, 0, 3},
	} {
		a, err := NewActorCritic(lm, c.critic.Clone(), ActorConfig{
			Template: coat.Bare, MaxTokens: 160, Temperature: 1, PolicyRate: 1e-9, CriticRate: 1e-3 / float64(c.divides),
			ValueMean: c.mean, ValueStd: c.std, ValueClip: c.clip,
		})
		if err != nil {
			t.Fatal(err)
		}
		if samples == nil {
			samples = judged(t, a, rubric, starts)
		}
		log := func(after int) {
			estimate(t, a, samples[iterations*batch:])
			t.Logf("%-36s after %d iterations of %d rollouts: %.3f on %d others", c.name, after, batch, ExplainedVariance(samples[iterations*batch:]), held)
		}
		log(0)
		for i := range iterations {
			part := samples[i*batch : (i+1)*batch]
			estimate(t, a, part)
			for m := range slices.Chunk(part, minibatch) {
				in, err := pack(m, model.Micro(len(m)), valueColumns, 0)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := a.critic.Step(in, a.config.CriticRate); err != nil {
					t.Fatal(err)
				}
			}
			if i%2 == 1 {
				log(i + 1)
			}
		}
		a.Close()
		a.Critic.Close()
	}
}

// judged are samples of the policy with the return that λ = γ = 1 gives each token.
func judged(t *testing.T, a *ActorCritic, rubric reward.Rubric, starts []coat.Start) (samples []Sample) {
	t.Helper()
	rollouts, err := a.Rollouts(t.Context(), starts, 9)
	if err != nil {
		t.Fatal(err)
	}
	var attempts []coat.Attempt
	for _, r := range rollouts {
		attempts = append(attempts, r.Attempt)
	}
	scores, err := rubric.Score(context.Background(), attempts, 0)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, r := range rollouts {
		if scores[i].Parts[0] == 0 {
			right++
		}
		samples = append(samples, Sample{Rollout: r, Score: scores[i], Returns: slices.Repeat([]float64{scores[i].Total}, len(r.Tokens)), Advantages: make([]float64, len(r.Tokens))})
	}
	t.Logf("%d rollouts, %.1f %% right", len(samples), 100*float64(right)/float64(len(samples)))
	return samples
}

// estimate fills in the values that the critic has now.
func estimate(t *testing.T, a *ActorCritic, samples []Sample) {
	t.Helper()
	var rollouts []Rollout
	for _, s := range samples {
		rollouts = append(rollouts, s.Rollout)
	}
	estimates, err := a.Estimate(t.Context(), rollouts)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range estimates {
		samples[i].Values = e.Values
	}
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
