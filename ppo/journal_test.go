package ppo_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward"
)

// A journal holds every attempt, once, in order; and the updates behind a checkpoint can
// be computed again from it to the same bits.
func TestReplay(t *testing.T) { eachBackend(t, testReplay) }

func testReplay(t *testing.T, b model.Backend) {
	s := newSmall(t.TempDir(), 4)
	if err := s.train(t.Context(), b, 4, 0); err != nil {
		t.Fatal(err)
	}
	n, tokens := 0, 0
	starts := map[coat.Outcome]int{}
	for e, err := range ppo.ReadJournal(s.path("journal.jsonl")) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Iteration != 1+n/6 || e.Index != n%6 || e.Seed != sampler.FoldIn(sampler.FoldIn(5, uint64(n/6)), uint64(n%6)) {
			t.Errorf("line %d is attempt %d of iteration %d, seed %d", n, e.Index, e.Iteration, e.Seed)
		}
		if len(e.Parts) != 3 || e.Total != e.Parts["c"]-0.1*e.Parts["length"] || e.Parts["c"] != float64(strings.Count(e.Text, "c")) || (e.Verdict == coat.Right) != (e.Total > 0) {
			t.Errorf("line %d: %+v", n, e)
		}
		if len(e.Tokens) == 0 || len(e.LogProbs) != len(e.Tokens) || len(e.Prompt) == 0 {
			t.Errorf("line %d: %d prompt tokens, %d tokens, %d log-probabilities", n, len(e.Prompt), len(e.Tokens), len(e.LogProbs))
		}
		starts[e.Start.Prior]++
		tokens += len(e.Tokens)
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
		run, err := newSmall(s.dir, 4).open(4)
		if err != nil {
			t.Fatal(err)
		}
		from := run.Last
		if from.Number != 4 {
			t.Fatalf("%+v", from)
		}
		config := s.config
		config.Done = done
		from.Dir = filepath.Join(filepath.Dir(from.Dir), fmt.Sprintf("%08d", done))
		if done == 0 {
			from = nil
		}
		policy, x, err := s.resume(b, from)
		if err != nil {
			t.Fatal(err)
		}
		sampled, scored, err := ppo.Replay(policy, ppo.ReadJournal(s.path("journal.jsonl")), s.rubric, done)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		s.tell = func(moment string) {
			if moment == "sampled" {
				told++
			}
		}
		if err := s.iterations(t.Context(), sampled, scored, x, config, func(ppo.Step) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if told > 0 {
			t.Error("a replay asks the rubric")
		}
		again := t.TempDir()
		if err := policy.Save(filepath.Join(again, "final")); err != nil {
			t.Fatal(err)
		}
		if err := x.save(again); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(s.path("journal.jsonl"), filepath.Join(again, "journal.jsonl")); err != nil {
			t.Fatal(err)
		}
		if got, want := results(t, again), results(t, s.dir); got != want {
			t.Errorf("replayed from iteration %d on:\n%s\nwant\n%s", done, got, want)
		}
		policy.Close()
		if err := run.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A replay of what is not in the journal is an error.
func TestReplayErrors(t *testing.T) {
	b := goBackend(t)
	s := newSmall(t.TempDir(), 2)
	if err := s.train(t.Context(), b, 2, 0); err != nil {
		t.Fatal(err)
	}
	journal := ppo.ReadJournal(s.path("journal.jsonl"))
	replay := func(change func(c *ppo.Config, x *state)) error {
		policy, x, err := s.resume(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer policy.Close()
		sampled, scored, err := ppo.Replay(policy, journal, s.rubric, 0)
		if err != nil {
			t.Fatal(err)
		}
		c := s.config
		change(&c, x)
		return s.iterations(t.Context(), sampled, scored, x, c, func(ppo.Step) error { return nil })
	}
	for what, c := range map[string]struct {
		change func(c *ppo.Config, x *state)
		want   string
	}{
		"seed": {func(c *ppo.Config, _ *state) { c.Seed++ }, "iteration 1: replay: the journal has no attempt 0"},
		"more": {func(c *ppo.Config, _ *state) { c.Iterations++ }, "iteration 3: replay: the journal has no attempt 0"},
		"start": {func(_ *ppo.Config, x *state) {
			x.mixer = newState().mixer
			for range x.mixer.Starts(someStart) {
				break
			}
		}, "in the journal, and the starts have"},
	} {
		if err := replay(c.change); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
	heavier := append(s.rubric[:0:0], s.rubric...)
	heavier[1].Weight = -0.2
	if _, _, err := ppo.Replay(nil, journal, heavier, 0); err == nil || !strings.Contains(err.Error(), "by the rubric's weights") {
		t.Errorf("other weights: %v", err)
	}
	heavier[1].Name = "width"
	if _, _, err := ppo.Replay(nil, journal, heavier, 0); err == nil || !strings.Contains(err.Error(), `no score for the term "width"`) {
		t.Errorf("another term: %v", err)
	}
	if _, _, err := ppo.Replay(nil, ppo.ReadJournal(s.path("none")), s.rubric, 0); err == nil {
		t.Error("a file that is not there")
	}
}

func someStart(yield func(coat.Start) bool) { yield(coat.Start{Problem: coat.Problem{ID: "x"}}) }

// Where no checkpoint is, a journal is begun anew only if it is the beginning of one: a
// file of somebody else, and a journal that is damaged, stay as they are.
func TestBegunJournal(t *testing.T) {
	s := newSmall(t.TempDir(), 2)
	path := s.path("journal.jsonl")
	run, err := s.open(2)
	if err != nil {
		t.Fatal(err)
	}
	step := ppo.Step{Iteration: 1, Samples: make([]ppo.Sample, 3)}
	for i := range step.Samples {
		step.Samples[i].Score.Parts = make([]float64, len(s.rubric))
	}
	full := errors.New("no checkpoint")
	if err := run.Save(s.config, step, func(string) error { return full }); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
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
		if err := os.WriteFile(path, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		run, err := s.open(2)
		after, readErr := os.ReadFile(path)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if c.begun {
			if err != nil || len(after) > 0 || run.Cut.Bytes != int64(len(c.data)) {
				t.Errorf("%s: %v, %d bytes are left", name, err, len(after))
			}
		} else if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move it away") || string(after) != string(c.data) {
			t.Errorf("%s: %v, %d of %d bytes are left", name, err, len(after), len(c.data))
		}
		if err == nil {
			if err := run.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A rubric with other terms than the scores have parts is an error, and nothing is written.
func TestOtherRubric(t *testing.T) {
	s := newSmall(t.TempDir(), 2)
	run, err := s.open(2)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	n := len(s.rubric)
	for _, parts := range []int{0, n - 1, n + 1} {
		step := ppo.Step{Iteration: 1, Samples: []ppo.Sample{{Score: reward.Score{Parts: make([]float64, n)}}, {Score: reward.Score{Parts: make([]float64, parts)}}}}
		if err := run.Save(s.config, step); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("RunConfig.Rubric has %d terms, and the score of attempt 1 has %d parts", n, parts)) {
			t.Errorf("%d parts: %v", parts, err)
		}
	}
	if journal, err := os.ReadFile(s.path("journal.jsonl")); err != nil || len(journal) > 0 {
		t.Errorf("%d bytes were written, %v", len(journal), err)
	}
}
