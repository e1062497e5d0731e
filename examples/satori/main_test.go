package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/satori-go/satori/examples/report"
)

// tiny is a run of seconds on two problems, which the model learns by heart.
func tiny(t *testing.T, out string) options {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
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
	if err != nil {
		t.Fatal(err)
	}
	var s report.Summary
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	s.Config = nil // names the temporary directory of the problems
	for i := range s.Stages {
		s.Stages[i].Seconds, s.Stages[i].CoreSeconds = 0, 0
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ft", "rl", "round2", "cot_rl"} {
		weights, err := os.ReadFile(filepath.Join(out, name, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, weights...)
	}
	metrics, err := os.ReadFile(filepath.Join(out, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return string(append(text, metrics...))
}

// A run that is interrupted again and again ends as one that was not.
func TestInterruptedRunEndsTheSame(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	whole := filepath.Join(t.TempDir(), "whole")
	o := tiny(t, whole)
	if err := run(context.Background(), o, null); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(whole, "report.html"))
	if err != nil || !bytes.Contains(page, []byte("Self-correction")) {
		t.Errorf("report of %d bytes, %v", len(page), err)
	}

	broken := o
	broken.out = filepath.Join(t.TempDir(), "broken")
	rng := rand.New(rand.NewPCG(1, 1))
	stops := 0
	for limit := 40 * time.Millisecond; ; limit += limit / 8 { // where it hits does not matter
		ctx, cancel := context.WithTimeout(context.Background(), limit/2+time.Duration(rng.Int64N(int64(limit))))
		err := run(ctx, broken, null)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		stops++
	}
	t.Logf("stopped %d times", stops)
	if stops < 5 {
		t.Errorf("stopped %d times only", stops)
	}
	if figures(t, whole) != figures(t, broken.out) {
		t.Error("the interrupted run ended otherwise")
	}
}

// What is wrong is said at once, and nothing is written over.
func TestBadInput(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "p.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
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
			err := run(context.Background(), o, null)
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
		r, err := NewRun(o, null)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewRun(o, null); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("error %v", err)
		}
		r.release()
		again, err := NewRun(o, null)
		if err != nil {
			t.Fatal(err)
		}
		again.release()
	})

	t.Run("another configuration", func(t *testing.T) {
		o := tiny(t, filepath.Join(t.TempDir(), "out"))
		o.until = "facts"
		if err := run(context.Background(), o, null); err != nil {
			t.Fatal(err)
		}
		config := filepath.Join(o.out, "config.json")
		before, _ := os.ReadFile(config)
		o.seed = 2
		if err := run(context.Background(), o, null); err == nil || !strings.Contains(err.Error(), "another configuration") {
			t.Errorf("error %v", err)
		}
		if after, _ := os.ReadFile(config); !bytes.Equal(before, after) {
			t.Error("config.json was written over")
		}
	})
}
