package actor

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward"
)

// words is a small decoder over some words. Its first weights are small, so that it
// starts near the uniform distribution: one that hardly ever writes what is right has
// nothing to learn from.
func words(t *testing.T, b model.Backend, list string, seed uint64) *model.LM {
	t.Helper()
	tok, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> "+list), coat.Actions{}.Tokens())
	require.NoError(t, err)
	net, err := model.NewNet(b, model.Config{VocabSize: tok.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 64, Tied: true, InitRange: 0.1, EOS: 1}, seed)
	require.NoError(t, err)
	lm, err := model.NewLM(net, tok)
	require.NoError(t, err)
	return lm
}

// A transformer learns to write one of nine words twice.
func TestPolicyLearns(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	b := goBackend(t)
	for _, name := range []string{"PPO", "GRPO"} {
		for seed := range uint64(5) {
			lm := words(t, b, "a b", 10+seed)
			var critic *model.Net
			c := map[string]ppo.Config{"PPO": {}, "GRPO": {NumGenerations: 8, Advantage: ppo.GRPO()}}[name]
			if c.Advantage.Func == nil {
				critic = withScore(t, lm.Net, seed)
			}
			p, err := New(lm, critic, Config{Template: coat.Bare, MaxTokens: 2, Temperature: 1, PolicyRate: 1e-2, CriticRate: 1e-2})
			require.NoError(t, err)
			c.Iterations, c.RolloutBatch, c.MiniBatch, c.Epochs, c.Seed = 30, 32, 16, 1, seed
			trainer := ppo.Trainer{Policy: p, Rubric: reward.Rubric{{Name: "game", Weight: 1, Func: twice}}, Config: c}
			tail := 0.0
			for step, err := range trainer.Train(t.Context(), asked) {
				require.NoError(t, err)
				if step.Iteration > step.Of-5 {
					tail += step.Rewards.Total / 5
				}
			}
			t.Logf("%s, seed %d: %.3f a game", name, seed, tail)
			if tail < 0.95 {
				t.Errorf("%s, seed %d: %.3f a game, the optimum is 1", name, seed, tail)
			}
			p.Close()
		}
	}
}

func twice(_ context.Context, a coat.Attempt) (float64, error) {
	return float64(strings.Count(a.Text, "b")) / 2, nil
}

// asked are starts of one question.
func asked(yield func(coat.Start) bool) {
	for yield(coat.Start{Problem: coat.Problem{ID: "play", Question: "a"}}) {
	}
}

// The same seed gives the same bytes, whatever the number of processors, of rollouts in
// flight and of attempts scored at a time.
func TestSameBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var steps []ppo.Step
	var first [][]float32
	for i, c := range []struct{ processors, flight, parallel int }{{1, 0, 1}, {2, 3, 2}, {8, 5, 16}, {8, 64, 0}} {
		runtime.GOMAXPROCS(c.processors)
		a, _ := tiny(t, Config{Temperature: 0.8, MaxConcurrent: c.flight})
		trainer := ppo.Trainer{Policy: a, Rubric: reward.Rubric{{Name: "game", Weight: 1, Func: alternate(4)}}, Config: ppo.Config{Iterations: 3, RolloutBatch: 24, MiniBatch: 12, Parallel: c.parallel, Seed: 5}}
		questions := []string{"a b", "c", "b c d a", "d d", "a"}
		k := -1
		var got []ppo.Step
		for step, err := range trainer.Train(t.Context(), func(yield func(coat.Start) bool) {
			for k++; yield(coat.Start{Problem: coat.Problem{ID: fmt.Sprint(k), Question: questions[k%5]}}); k++ {
			}
		}) {
			require.NoError(t, err)
			got = append(got, step)
		}
		if i == 0 {
			steps, first = got, weights(t, a)
			continue
		}
		if !reflect.DeepEqual(got, steps) {
			t.Errorf("%+v: other steps", c)
		}
		if !reflect.DeepEqual(weights(t, a), first) {
			t.Errorf("%+v: other weights", c)
		}
	}
}

// Two hundred iterations need no more memory than twenty.
func TestMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	a, _ := tiny(t, Config{Temperature: 0.8, Reference: nil})
	held := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	trainer := ppo.Trainer{Policy: a, Rubric: reward.Rubric{{Name: "game", Weight: 1, Func: alternate(4)}}, Config: ppo.Config{Iterations: 200, RolloutBatch: 8, MiniBatch: 8}}
	var early uint64
	goroutines := 0
	for step, err := range trainer.Train(t.Context(), asked) {
		require.NoError(t, err)
		switch step.Iteration {
		case 20:
			early, goroutines = held(), runtime.NumGoroutine()
		case 200:
			late := held()
			t.Logf("%.2f MB held after 20 iterations, %.2f MB after 200", float64(early)/1e6, float64(late)/1e6)
			if late > early+early/10+1e6 {
				t.Errorf("%d bytes after 20 iterations, %d after 200", early, late)
			}
			if n := runtime.NumGoroutine(); n > goroutines+2 {
				t.Errorf("%d goroutines after 20 iterations, %d after 200", goroutines, n)
			}
		}
	}
}

// The game: b, then always the other of a and b. The reward is the share of so many
// tokens that are right, so a policy that plays it gets 1.
func alternate(tokens int) reward.Func {
	return func(_ context.Context, a coat.Attempt) (float64, error) {
		right := 0.0
		for i, word := range strings.Fields(a.Text) {
			if word == []string{"b", "a"}[i%2] {
				right++
			}
		}
		return right / float64(tokens), nil
	}
}
