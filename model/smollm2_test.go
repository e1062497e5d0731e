package model

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// smolLM2 is the path of SmolLM2-135M-Instruct.Q4_1.gguf, from the environment.
func smolLM2(t testing.TB) string {
	path := os.Getenv("SATORI_SMOLLM2")
	if path == "" {
		t.Skip(`SATORI_SMOLLM2 is not set; eval "$(.ci/smollm2)" fetches the model and sets it`)
	}
	return path
}

// smolGolden is what transformers computes from that file (testdata/golden.py smollm2).
type smolGolden struct {
	Cases []struct {
		Text     string
		IDs      []int32
		LogProbs []float64
		Greedy   *struct{ Prompt, Tokens []int32 }
	}
}

func readSmolGolden(t testing.TB) (g smolGolden) {
	readJSON(t, filepath.Join("testdata", "smollm2", "golden.json"), &g)
	return g
}

// A real model: log-probabilities of ten texts and greedy continuations are those of
// transformers, which dequantises the same file.
func TestSmolLM2(t *testing.T) {
	path := smolLM2(t)
	each(t, func(t *testing.T, b Backend) {
		start := time.Now()
		net, err := OpenNet(b, path)
		if err != nil {
			t.Fatal(err)
		}
		defer net.Close()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		t.Logf("%d parameters, opened in %.1f s, %d MB allocated", net.Parameters(), time.Since(start).Seconds(), m.TotalAlloc>>20)
		golden := readSmolGolden(t)
		var rows [][]int32
		for _, c := range golden.Cases {
			rows = append(rows, c.IDs)
		}
		start = time.Now()
		got, err := net.LogProbs(context.Background(), rows)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for i, c := range golden.Cases {
			for k, want := range c.LogProbs {
				worst = max(worst, math.Abs(float64(got[i][k])-want))
			}
		}
		t.Logf("largest difference of a log-probability %.1e, in %.1f s", worst, time.Since(start).Seconds())
		if worst > 1e-3 {
			t.Errorf("log-probabilities are off by %g", worst)
		}
		var requests []Request
		var want [][]int32
		for _, c := range golden.Cases {
			if c.Greedy != nil {
				requests = append(requests, Request{Prompt: c.Greedy.Prompt, MaxTokens: len(c.Greedy.Tokens)})
				want = append(want, c.Greedy.Tokens)
			}
		}
		lm := &LM{Net: net}
		start = time.Now()
		done, err := lm.sampleOne(requests)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range done {
			if !slices.Equal(c.Tokens, want[i]) {
				t.Errorf("greedy %d: %v, want %v", i, c.Tokens, want[i])
			}
		}
		t.Logf("%d greedy continuations in %.1f s", len(done), time.Since(start).Seconds())
	})
}
