package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/pipeline"
	"github.com/satori-go/satori/examples/report"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sft"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/reward/bt"
	"github.com/satori-go/satori/synth"
)

// tiny is a run of seconds on two problems, which the model learns by heart.
func tiny(t *testing.T, out string) options {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	return options{
		task: "path-star", backend: "go", split: "valid", seed: 1, out: out, cot: true,
		problems: write("problems.jsonl", `{"id":"a","question":"| 7 3 | 5 7 | 5 2 | 2 9 | 3 1 | 9 4 / 5 1 =","answer":"5 7 3 1","level":2}
{"id":"b","question":"| 8 6 | 0 8 | 0 5 | 5 4 | 6 3 | 4 7 / 0 7 =","answer":"0 5 4 7","level":2}
`),
		recipe: write("recipe.json", `{
	"Model": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "initializer_range": 0.2, "tie_word_embeddings": true},
	"Base": {"Lessons": [{"Level": 2, "Lines": 32}]}, "Boxes": {"Lessons": [{"Level": 2, "Boxed": 0.5, "Lines": 16}]},
	"Demos": 160, "FT": {"LearningRate": 1e-2, "Batch": 8, "Epochs": 3}, "Problems": 2, "Pairs": 8, "RM": {"LearningRate": 1e-3, "Batch": 4}, "MaxTokens": 40,
	"RL": {"Iterations": 3, "Batch": 8, "Minibatch": 4, "CriticOnly": 1}, "Harvest": 2, "Distill": {"LearningRate": 1e-3, "Batch": 4},
	"Round2": {"Iterations": 2, "Batch": 8, "Minibatch": 4}, "Eval": 6}`),
	}
}

// figures is a run's summary without what it cost, and the bytes of its models.
func figures(t *testing.T, out string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(out, "summary.json"))
	require.NoError(t, err)
	var s report.Summary
	require.NoError(t, json.Unmarshal(data, &s))
	s.Config = nil // names the temporary directory of the problems
	for i := range s.Stages {
		s.Stages[i].Seconds, s.Stages[i].CoreSeconds = 0, 0
	}
	text, err := json.Marshal(s)
	require.NoError(t, err)
	for _, name := range []string{"ft", "rl", "round2", "cot_rl"} {
		weights, err := os.ReadFile(filepath.Join(out, name, "model.safetensors"))
		require.NoError(t, err)
		text = append(text, weights...)
	}
	for _, name := range []string{"metrics.jsonl", "rl.journal.jsonl", "round2.journal.jsonl"} {
		lines, err := os.ReadFile(filepath.Join(out, name))
		require.NoError(t, err)
		text = append(text, lines...)
	}
	return string(text)
}

// A countdown is a context that ends when it has been looked at so many times.
type countdown struct {
	context.Context
	left atomic.Int64
	end  context.CancelCauseFunc
}

var errCounted = errors.New("looked at often enough")

func newCountdown(n int64) *countdown {
	c := new(countdown)
	c.Context, c.end = context.WithCancelCause(context.Background())
	c.left.Store(n)
	return c
}

func (c *countdown) look() {
	if c.left.Add(-1) == 0 {
		c.end(errCounted)
	}
}

func (c *countdown) Err() error            { c.look(); return c.Context.Err() }
func (c *countdown) Value(key any) any     { c.look(); return c.Context.Value(key) } // context.Cause asks by this
func (c *countdown) Done() <-chan struct{} { c.look(); return c.Context.Done() }

// A run that is interrupted again and again ends as one that was not.
func TestInterruptedRunEndsTheSame(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	o := tiny(t, whole)
	const many = 1 << 40
	ctx := newCountdown(many)
	var printed strings.Builder
	require.NoError(t, train(ctx, o, &printed))
	require.Contains(t, printed.String(), "about 25 minutes")
	require.Contains(t, printed.String(), "round2     the model after the second round\n")
	require.Contains(t, printed.String(), "next: go run ./examples/solve -model "+filepath.Join(whole, "rl")+" '| ")
	looks := many - ctx.left.Load()
	page, err := os.ReadFile(filepath.Join(whole, "report.html"))
	if err != nil || !bytes.Contains(page, []byte("Self-correction")) || !bytes.Contains(page, []byte("A rollout of RL, iteration 3: a fresh start")) {
		t.Errorf("report of %d bytes, %v", len(page), err)
	}

	broken := o
	broken.out = filepath.Join(t.TempDir(), "broken")
	rng := rand.New(rand.NewPCG(1, 1))
	stops := 0
	for limit := max(2, looks/30); ; limit += limit / 4 { // where it hits does not matter
		err := train(newCountdown(limit/2+rng.Int64N(limit)), broken, io.Discard)
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) && !errors.Is(err, errCounted) {
			t.Fatal(err)
		}
		stops++
	}
	t.Logf("stopped %d times, looked at %d times in all", stops, looks)
	if stops < 5 {
		t.Errorf("stopped %d times only", stops)
	}
	if figures(t, whole) != figures(t, broken.out) {
		t.Error("the interrupted run ended otherwise")
	}
}

// A smoke test says that it is one, on the console and in the report.
func TestQuickSaysSo(t *testing.T) {
	require.Contains(t, expected(options{quick: true}), "smoke test")
	require.Contains(t, (&run{quick: true}).page().Notes[0], "smoke test")
	require.NotContains(t, (&run{}).page().Notes[0], "smoke test")
}

// Each attempt is checked once: when it is sampled. What is made of the attempts later, in
// this run or in one that goes on, asks no checker.
func TestCheckedOnce(t *testing.T) {
	o := tiny(t, filepath.Join(t.TempDir(), "out"))
	o.until = "ft"
	require.NoError(t, train(context.Background(), o, io.Discard))
	o.until = ""
	for _, resumed := range []bool{false, true} {
		r, err := newRun(o, io.Discard)
		require.NoError(t, err)
		defer r.Close()
		ft, err := model.Open(r.Backend, r.Path("ft"))
		require.NoError(t, err)
		var calls atomic.Int64
		check := r.Task.Check
		r.Task.Check = func(ctx context.Context, a coat.Attempt) (float64, error) {
			calls.Add(1)
			return check(ctx, a)
		}
		samples, err := r.Sample(t.Context(), "samples", ft, r.problems["train"], model.SamplingParams{N: 8, Temperature: 1})
		require.NoError(t, err)
		whole := 0 // a truncated attempt is wrong without a check
		for _, s := range samples {
			if !s.Truncated {
				whole++
			}
			if s.Outcome == coat.Unknown || s.Tokens == 0 {
				t.Errorf("sample %+v", s)
			}
		}
		want := int64(whole)
		if resumed {
			want = 0
		}
		if len(samples) != 16 || whole == 0 || calls.Load() != want {
			t.Errorf("%d calls for %d attempts, %d of them whole, resumed %v", calls.Load(), len(samples), whole, resumed)
		}
		if _, err := synth.Pairs(samples, 1, 1); err != nil {
			t.Error(err)
		}
		if _, err := synth.Distill(samples, 0, 1); err != nil {
			t.Error(err)
		}
		if _, err := rae.Build(samples, rae.Config{Seed: r.Seed, Fits: r.Fits(ft)}); err != nil {
			t.Error(err)
		}
		if calls.Load() != want {
			t.Errorf("%d calls after everything was made of %d attempts", calls.Load(), whole)
		}
		r.Close()
	}
}

// A recipe with the names of earlier versions is read: testdata/recipe.json is what
// config.json held for -quick in the first version.
func TestOldRecipe(t *testing.T) {
	want, err := recipe("path-star")
	require.NoError(t, err)
	want.quick("path-star")
	got := want
	got.RL, got.Round2, got.Actor, got.Model, got.RM, got.FT = ppo.Config{}, ppo.Config{}, actor.Config{}, model.Config{}, bt.Config{}, sft.Config{}
	require.NoError(t, got.amend("testdata/recipe.json"))
	if a, b := asJSON(t, got), asJSON(t, want); a != b {
		t.Errorf("read as %s, want %s", a, b)
	}
	file := filepath.Join(t.TempDir(), "recipe.json")
	for word, critic := range map[string]pipeline.Critic{"policy": pipeline.PolicyCritic, "reward model": pipeline.RewardCritic, "shared": pipeline.SharedCritic, "fresh": pipeline.FreshCritic} {
		require.NoError(t, os.WriteFile(file, []byte(`{"Critic": "`+word+`"}`), 0o644))
		if err := got.amend(file); err != nil || got.Critic != critic {
			t.Errorf("critic %q is read as %v, %v", word, got.Critic, err)
		}
	}
	require.NoError(t, os.WriteFile(file, []byte(`{"Critic": "food"}`), 0o644))
	if err := got.amend(file); err == nil || !strings.Contains(err.Error(), `critic is "food", want one of`) {
		t.Errorf("error %v", err)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// The program that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SATORI_KILLED_DIR"); dir != "" {
		var o options
		o.task, o.backend, o.split, o.seed, o.cot = "path-star", "go", "valid", 1, true
		o.out, o.problems, o.recipe = filepath.Join(dir, "out"), filepath.Join(dir, "problems.jsonl"), filepath.Join(dir, "recipe.json")
		if err := train(context.Background(), o, io.Discard); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Killed with SIGKILL and started again, the whole method ends as if it had not been.
// SATORI_KILLS says how often; where it is not set this is left to the test above and to
// that of package ppo, which are quicker.
func TestKilled(t *testing.T) {
	kills, _ := strconv.Atoi(os.Getenv("SATORI_KILLS"))
	if kills == 0 {
		t.Skip("SATORI_KILLS says how often to kill it")
	}
	child := func() (dir string, start func() *exec.Cmd) {
		dir = t.TempDir()
		o := tiny(t, "")
		for name, from := range map[string]string{"problems.jsonl": o.problems, "recipe.json": o.recipe} {
			data, err := os.ReadFile(from)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
			}
			require.NoError(t, err)
		}
		return dir, func() *exec.Cmd {
			cmd := exec.Command(os.Args[0])
			cmd.Env, cmd.Stderr = append(os.Environ(), "SATORI_KILLED_DIR="+dir), os.Stderr
			require.NoError(t, cmd.Start())
			return cmd
		}
	}
	whole, start := child()
	begun := time.Now()
	require.NoError(t, start().Wait())
	took := time.Since(begun)
	broken, start := child()
	for killed := 0; ; killed++ {
		cmd := start()
		if killed < kills {
			// Later and later, so that it comes to its end.
			time.Sleep(time.Duration(rand.Int64N(int64(took) * int64(killed+2) / int64(kills+2))))
			cmd.Process.Kill()
		}
		err := cmd.Wait()
		if err == nil {
			t.Logf("killed %d times; the whole run took %v", killed, took)
			break
		}
		require.Equal(t, -1, cmd.ProcessState.ExitCode(), err)
	}
	if figures(t, filepath.Join(whole, "out")) != figures(t, filepath.Join(broken, "out")) {
		t.Error("the killed run ended otherwise")
	}
}

// What is wrong is said at once, and nothing is written over.
func TestBadInput(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "p.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	good := `{"question":"| 7 3 | 5 7 | 5 2 | 2 9 | 3 1 | 9 4 / 5 1 =","answer":"5 7 3 1"}` + "\n"
	for _, c := range []struct {
		name, want string
		change     func(o *options)
	}{
		{"line 17", "p.jsonl:17: is not JSON", func(o *options) { o.problems = file(strings.Repeat(good, 16) + "{oops\n") }},
		{"field", `p.jsonl:2: field "answer": is missing`, func(o *options) { o.problems = file(good + `{"question":"| 1 2 / 1 2 ="}`) }},
		{"gold", `p.jsonl:1: field "answer"`, func(o *options) { o.problems = file(strings.Replace(good, "5 7 3 1", "5 seven", 1)) }},
		{"task", `there is no task "chess"`, func(o *options) { o.task = "chess" }},
		{"until", `there is no stage "lunch"`, func(o *options) { o.until = "lunch" }},
		{"split", `no split "exam"`, func(o *options) { o.split = "exam" }},
		{"recipe", "unknown field", func(o *options) { o.recipe = file(`{"Demoes": 3}`) }},
		{"backend", `backend "abacus"`, func(o *options) { o.backend = "abacus" }},
		{"directory", "output directory", func(o *options) { o.out = filepath.Join(file(""), "out") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := tiny(t, filepath.Join(t.TempDir(), "out"))
			c.change(&o)
			err := train(context.Background(), o, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if left, _ := os.ReadDir(o.out); len(left) > 0 {
				t.Errorf("%d files were left in the output directory", len(left))
			}
		})
	}

	t.Run("another process", func(t *testing.T) {
		o := tiny(t, filepath.Join(t.TempDir(), "out"))
		r, err := newRun(o, io.Discard)
		require.NoError(t, err)
		if _, err := newRun(o, io.Discard); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("error %v", err)
		}
		r.Close()
		again, err := newRun(o, io.Discard)
		require.NoError(t, err)
		again.Close()
	})

	t.Run("another configuration", func(t *testing.T) {
		o := tiny(t, filepath.Join(t.TempDir(), "out"))
		o.until = "facts"
		require.NoError(t, train(context.Background(), o, io.Discard))
		config := filepath.Join(o.out, "config.json")
		before, _ := os.ReadFile(config)
		o.seed = 2
		if err := train(context.Background(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "another configuration") {
			t.Errorf("error %v", err)
		}
		if after, _ := os.ReadFile(config); !bytes.Equal(before, after) {
			t.Error("config.json was written over")
		}
	})
}
