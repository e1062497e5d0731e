package run_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/run"
)

// A rollout log holds every attempt, once, in order; and the updates after a checkpoint can
// be computed again from it to the same bits.
func TestReplay(t *testing.T) { eachBackend(t, testReplay) }

func testReplay(t *testing.T, b model.Backend) {
	s := newSmall(t.TempDir(), 4)
	policy, err := s.policy(b)
	require.NoError(t, err)
	x := newState()
	for step, err := range s.run(policy, x, 4).Train(t.Context(), s.starts(x)) {
		if err == nil {
			err = s.body(x, step)
		}
		require.NoError(t, err)
	}
	require.NoError(t, errors.Join(policy.Save(s.path("final")), x.save(s.dir)))
	policy.Close()
	n, tokens := 0, 0
	starts := map[coat.Outcome]int{}
	for r, err := range run.ReadLog(s.path("journal.jsonl")) {
		require.NoError(t, err)
		if r.Iteration != 1+n/6 || r.Index != n%6 || r.Seed != sampler.FoldIn(sampler.FoldIn(5, uint64(n/6)), uint64(n%6)) {
			t.Errorf("line %d is attempt %d of iteration %d, seed %d", n, r.Index, r.Iteration, r.Seed)
		}
		if len(r.Parts) != 3 || r.Total != r.Parts["c"]-0.1*r.Parts["length"] || r.Parts["c"] != float64(strings.Count(r.Text, "c")) || r.Judged().Right() != (r.Total > 0 && !r.Truncated) {
			t.Errorf("line %d: %+v", n, r)
		}
		if len(r.Tokens) == 0 || len(r.LogProbs) != len(r.Tokens) || len(r.Prompt) == 0 {
			t.Errorf("line %d: %d prompt tokens, %d tokens, %d log-probabilities", n, len(r.Prompt), len(r.Tokens), len(r.LogProbs))
		}
		starts[r.Start.Prior]++
		tokens += len(r.Tokens)
		n++
	}
	info, err := os.Stat(s.path("journal.jsonl"))
	if err != nil || n != 24 {
		t.Fatalf("%d lines, %v", n, err)
	}
	t.Logf("starts %v; %d tokens in %d bytes", starts, tokens, info.Size())
	if starts[coat.Right]+starts[coat.Wrong] == 0 {
		t.Error("no restart was among the starts; the test wants some")
	}

	// From the weights of every checkpoint, and from the beginning.
	for done := range 4 {
		again := newSmall(t.TempDir(), 4)
		if done > 0 {
			checkpoint := fmt.Sprintf("run/checkpoints/%08d", done)
			require.NoError(t, os.CopyFS(again.path(checkpoint), os.DirFS(s.path(checkpoint))))
		}
		policy, err := again.policy(b)
		require.NoError(t, err)
		x := newState()
		r := again.run(policy, x, 4)
		r.RolloutLog = ""
		r.Trainer, err = run.Replay(r.Trainer, run.ReadLog(s.path("journal.jsonl")))
		require.NoError(t, err)
		told := 0
		again.tell = func(moment string) {
			if moment == "sampled" {
				told++
			}
		}
		for step, err := range r.Train(t.Context(), again.starts(x)) {
			if err == nil {
				err = again.body(x, step)
			}
			require.NoError(t, err)
		}
		if told > 0 || r.Resumed.Iteration != done {
			t.Errorf("the rubric was asked %d times, after iteration %d", told, r.Resumed.Iteration)
		}
		require.NoError(t, errors.Join(policy.Save(again.path("final")), x.save(again.dir), os.Link(s.path("journal.jsonl"), again.path("journal.jsonl"))))
		if got, want := results(t, again.dir), results(t, s.dir); got != want {
			t.Errorf("replayed from iteration %d on:\n%s\nwant\n%s", done, got, want)
		}
		policy.Close()
	}
}

// A replay of what is not in the log is an error.
func TestReplayErrors(t *testing.T) {
	b := goBackend(t)
	s := newSmall(t.TempDir(), 2)
	require.NoError(t, s.train(t.Context(), b, 2, 0))
	log := run.ReadLog(s.path("journal.jsonl"))
	replay := func(change func(t *ppo.Trainer, x *state)) error {
		policy, err := s.policy(b)
		require.NoError(t, err)
		defer policy.Close()
		x := newState()
		trainer, err := run.Replay(s.run(policy, x, 2).Trainer, log)
		require.NoError(t, err)
		change(&trainer, x)
		for step, err := range trainer.Train(t.Context(), s.starts(x)) {
			if err == nil {
				err = s.body(x, step)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	for what, c := range map[string]struct {
		change func(t *ppo.Trainer, x *state)
		want   string
	}{
		"seed": {func(t *ppo.Trainer, _ *state) { t.Config.Seed++ }, "iteration 1: replay: the log has no attempt 0"},
		"more": {func(t *ppo.Trainer, _ *state) { t.Config.Iterations++ }, "iteration 3: replay: the log has no attempt 0"},
		"start": {func(_ *ppo.Trainer, x *state) {
			for range x.mixer.Starts(someStart) {
				break
			}
		}, "in the log, and the starts have"},
	} {
		if err := replay(c.change); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
	trainer := ppo.Trainer{Rubric: slices.Clone(s.rubric)}
	trainer.Rubric[1].Weight = -0.2
	if _, err := run.Replay(trainer, log); err == nil || !strings.Contains(err.Error(), "by the rubric's weights") {
		t.Errorf("other weights: %v", err)
	}
	trainer.Rubric[1].Name = "width"
	if _, err := run.Replay(trainer, log); err == nil || !strings.Contains(err.Error(), `no score for the term "width"`) {
		t.Errorf("another term: %v", err)
	}
	if _, err := run.Replay(trainer, run.ReadLog(s.path("none"))); err == nil {
		t.Error("a file that is not there")
	}
}

func someStart(yield func(coat.Start) bool) { yield(coat.Start{Problem: coat.Problem{ID: "x"}}) }

// A full policy cannot be saved.
type full struct{ *fixed }

var errFull = errors.New("no checkpoint")

func (full) Save(string) error { return errFull }

// Where no checkpoint is, a log is begun anew only if it is the beginning of one: a file of
// somebody else, and a log that is damaged, stay as they are.
func TestBegunLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal.jsonl")
	open := func() (*run.Run, error) {
		r := &run.Run{Dir: filepath.Join(dir, "run"), RolloutLog: path, Trainer: ppo.Trainer{
			Policy: full{new(fixed)}, Rubric: newSmall("", 1).rubric, Config: ppo.Config{Iterations: 2, RolloutBatch: 3, Checks: ppo.Checks{Reference: math.Inf(1)}},
		}}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // before the first iteration
		for _, err := range r.Train(ctx, ppo.Cycle(problems(), 1)) {
			if err != nil && !errors.Is(err, context.Canceled) {
				return r, err
			}
		}
		return r, nil
	}
	r, err := open()
	require.NoError(t, err)
	for _, err = range r.Train(t.Context(), ppo.Cycle(problems(), 1)) {
	}
	if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "saving iteration 1") {
		t.Fatal(err)
	}
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	flipped := slices.Clone(first)
	flipped[len(flipped)/2] ^= 1
	last := slices.Clone(first)
	last[len(last)-3] ^= 1
	for name, c := range map[string]struct {
		data  []byte
		begun bool
	}{
		"one iteration":               {first, true},
		"a last line torn":            {first[:len(first)-30], true},
		"a last line of few bytes":    {append(slices.Clone(first), `{"c`...), true},
		"somebody's file":             {[]byte(`{"question":"1+1","answer":"2"}` + "\n"), false},
		"somebody's text":             {[]byte("notes"), false},
		"a bit flipped":               {flipped, false},
		"a bit of the last line":      {last, false},
		"something else at its end":   {append(slices.Clone(first), "notes"...), false},
		"zeros, as a crash may leave": {append(slices.Clone(first), 0, 0, 0), false},
	} {
		require.NoError(t, os.WriteFile(path, c.data, 0o644))
		r, err := open()
		after, readErr := os.ReadFile(path)
		require.NoError(t, readErr)
		if c.begun {
			if err != nil || len(after) > 0 || r.Resumed.Cut.Bytes != int64(len(c.data)) {
				t.Errorf("%s: %v, %d bytes are left", name, err, len(after))
			}
		} else if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move it away") || string(after) != string(c.data) {
			t.Errorf("%s: %v, %d of %d bytes are left", name, err, len(after), len(c.data))
		}
	}
}
