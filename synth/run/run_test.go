package run_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/synth"
	"github.com/satori-go/satori/synth/agent"
	"github.com/satori-go/satori/synth/run"
)

// guesser answers what the agents of package agent ask, by a hash of it.
func guesser(_ context.Context, r agent.Request) (agent.Reply, error) {
	h := fnv.New64a()
	fmt.Fprint(h, r.User, r.Seed&0x7fffffff)
	rng := rand.New(rand.NewPCG(h.Sum64(), 0))
	box := fmt.Sprintf(`\boxed{%d}`, rng.IntN(3))
	text := "A guess.\n\nAnother thought.\n\nSo " + box
	switch {
	case rng.IntN(10) == 0:
		text = "I do not know."
	case strings.Contains(r.System, "by what you can see that it is right"):
		text = fmt.Sprint("Verify: a thing to see, ", rng.IntN(1000), ".")
	case strings.Contains(r.System, "came to a wrong answer"):
		text = "In Step 2: that was a guess.\nAlternatively: guess again."
	case r.System != "":
		text = "Step: better.\n\nStep: Therefore, " + box
	}
	return agent.Reply{Text: text, Tokens: len(text), PromptTokens: len(r.User)}, nil
}

func problems(n int) iter.Seq[coat.Problem] {
	return func(yield func(coat.Problem) bool) {
		for i := range n {
			if !yield(coat.Problem{ID: fmt.Sprint(i), Question: fmt.Sprintf("Which digit is %d?", i), Answer: fmt.Sprint(i % 3)}) {
				return
			}
		}
	}
}

func config(r *run.Run, m agent.Model) synth.Config {
	return synth.Config{
		Generate: agent.Generator(r.Agent("generator", m), agent.Config{}), Critic: agent.Critic(r.Agent("critic", m), agent.Config{}),
		Check: reward.Answer(), Solutions: 6, Seed: 3, Parallel: 8,
	}
}

// work runs to the end or to an error.
func work(ctx context.Context, dir string, n int, c run.Config, m agent.Model) (stats synth.Stats, err error) {
	r, err := run.Open(dir, c)
	if err != nil {
		return stats, err
	}
	defer r.Close()
	sc := config(r, m)
	sc.Stats = &stats
	for _, err := range r.Results(ctx, problems(n), sc) {
		if err != nil {
			return stats, err
		}
	}
	return stats, nil
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A torn last line is cut away, wherever it is torn.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	if _, err := work(ctx, dir, 4, run.Config{}, guesser); err != nil {
		t.Fatal(err)
	}
	want := read(t, dir, "results.jsonl")
	for _, name := range []string{"calls.jsonl", "results.jsonl"} {
		data := read(t, dir, name)
		for range 20 {
			if err := os.WriteFile(filepath.Join(dir, name), data[:rand.IntN(len(data))], 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := work(ctx, dir, 4, run.Config{}, guesser); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(read(t, dir, "results.jsonl"), want) {
				t.Fatal("the results differ")
			}
		}
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	r, err := run.Open(dir, run.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Open(dir, run.Config{}); !errors.Is(err, rundir.ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err = run.Open(dir, run.Config{}); err != nil {
		t.Fatal(err)
	}
	r.Close()
}

// Other numbers, prompts or problems are refused; more problems are not.
func TestMismatch(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	models := map[string]string{"critic": "a"}
	if _, err := work(ctx, dir, 3, run.Config{Models: models}, guesser); err != nil {
		t.Fatal(err)
	}
	if _, err := work(ctx, dir, 5, run.Config{Models: models}, guesser); err != nil {
		t.Errorf("more problems: %v", err)
	}
	if _, err := work(ctx, dir, 4, run.Config{Models: models}, guesser); err == nil {
		t.Error("fewer problems are taken")
	}
	var mismatch *rundir.MismatchError
	if _, err := work(ctx, dir, 5, run.Config{}, guesser); !errors.As(err, &mismatch) || mismatch.Field != "models" {
		t.Errorf("other models: %v", err)
	}
	m, err := run.ReadManifest(dir)
	if err != nil || m.Solutions != 6 || m.Keep != 4 || len(m.Sessions) != 3 {
		t.Errorf("%+v, %v", m, err)
	}
}

// The budget and a context that ends stop the run; what was paid for is kept, and the
// next session ends as one that was never stopped.
func TestStopped(t *testing.T) {
	whole, dir := t.TempDir(), t.TempDir()
	if _, err := work(context.Background(), whole, 30, run.Config{}, guesser); err != nil {
		t.Fatal(err)
	}
	if _, err := work(context.Background(), dir, 30, run.Config{Meter: &agent.Meter{Budget: 5000}}, guesser); !errors.Is(err, agent.ErrBudget) {
		t.Fatalf("the budget: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var begun, ended atomic.Int32
	slow := func(ctx context.Context, r agent.Request) (agent.Reply, error) {
		if begun.Add(1) == 50 {
			cancel()
		}
		time.Sleep(time.Millisecond)
		if err := ctx.Err(); err != nil {
			return agent.Reply{}, err
		}
		defer ended.Add(1)
		return guesser(ctx, r)
	}
	before := len(seeds(t, dir))
	if _, err := work(ctx, dir, 30, run.Config{}, slow); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	if begun.Load() != ended.Load() || len(seeds(t, dir)) != before+int(ended.Load()) {
		t.Errorf("%d calls begun, %d ended, %d written", begun.Load(), ended.Load(), len(seeds(t, dir))-before)
	}
	meter := new(agent.Meter)
	if _, err := work(context.Background(), dir, 30, run.Config{Meter: meter}, guesser); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, whole, "results.jsonl"), read(t, dir, "results.jsonl")) {
		t.Error("the results differ")
	}
	all := new(agent.Meter)
	if _, err := work(context.Background(), whole, 30, run.Config{Meter: all}, guesser); err != nil {
		t.Fatal(err)
	}
	if meter.Total() != all.Total() || all.Total().Calls == 0 {
		t.Errorf("used %+v, without stops %+v", meter.Total(), all.Total())
	}
}

// What is read from the directory is what was given out.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	var stats, again synth.Stats
	stats, err := work(context.Background(), dir, 20, run.Config{}, guesser)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[coat.Kind]int{}
	for result, err := range run.Read(dir) {
		if err != nil {
			t.Fatal(err)
		}
		again.Add(result.Stats)
		for _, d := range result.Demos {
			kinds[d.Kind]++
		}
	}
	if fmt.Sprint(stats) != fmt.Sprint(again) || fmt.Sprint(kinds) != fmt.Sprint(stats.Demos) {
		t.Errorf("%v\n%v\n%v", stats, again, kinds)
	}
	if len(kinds) != len(coat.Kinds()) || stats.Unparsable == 0 {
		t.Errorf("%+v", stats)
	}
}

// A run with further meta-actions continues with them, and its files are read with them, though
// the problems do not name them.
func TestFourthAction(t *testing.T) {
	dir := t.TempDir()
	const check = coat.Action("check")
	actions := coat.NewActions(check, coat.Continue, coat.Reflect, coat.Explore)
	results := func(n int, actions coat.Actions) error {
		r, err := run.Open(dir, run.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		c := config(r, guesser)
		c.Actions = actions
		first := c.Critic.FirstWrong
		c.Critic.FirstWrong = func(ctx context.Context, p coat.Problem, trace coat.Trace, from int, seed uint64) (synth.Review, error) {
			review, err := first(ctx, p, trace, from, seed)
			review.Action = check
			return review, err
		}
		for _, err := range r.Results(context.Background(), problems(n), c) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := errors.Join(results(5, actions), results(10, actions)); err != nil {
		t.Fatal(err)
	}
	var mismatch *rundir.MismatchError
	if err := results(10, coat.Actions{}); !errors.As(err, &mismatch) || mismatch.Field != "actions" {
		t.Errorf("other actions: %v", err)
	}
	checks := 0
	for result, err := range run.Read(dir) {
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range result.Demos {
			if d.Problem.Actions != actions {
				t.Errorf("a demonstration has the actions %v", d.Problem.Actions.List())
			}
			for _, s := range d.Trace {
				if s.Action == check {
					checks++
				}
			}
		}
	}
	if checks == 0 {
		t.Error("no step has the fourth action")
	}
}
