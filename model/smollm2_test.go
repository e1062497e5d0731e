package model

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/filetest"
	"github.com/satori-go/satori/model/internal/modeltest"
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
	modeltest.ReadJSON(t, filepath.Join("testdata", "smollm2", "golden.json"), &g)
	return g
}

// A real model: log-probabilities of ten texts and greedy continuations are those of
// transformers, which dequantises the same file.
func TestSmolLM2(t *testing.T) {
	path := smolLM2(t)
	modeltest.Each(t, func(t *testing.T, b Backend) {
		start := time.Now()
		net, err := OpenNet(b, path)
		require.NoError(t, err)
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
		got, err := logProbs(context.Background(), net, rows)
		require.NoError(t, err)
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
		require.NoError(t, err)
		for i, c := range done {
			if !slices.Equal(c.Tokens, want[i]) {
				t.Errorf("greedy %d: %v, want %v", i, c.Tokens, want[i])
			}
		}
		t.Logf("%d greedy continuations in %.1f s", len(done), time.Since(start).Seconds())
	})
}

// The tokenizer of the file gives the ids that transformers and llama.cpp give. A file
// that SaveGGUF wrote says in llama.cpp what transformers says from the original, and
// what llama.cpp says from it, on processors that its build can run the original on. A
// directory that Save wrote holds the same numbers; that transformers reads it is
// checked by testdata/golden.py.
func TestSmolLM2Saved(t *testing.T) {
	path := smolLM2(t)
	b := modeltest.Backends(t)["go"]
	lm, err := Open(b, path)
	require.NoError(t, err)
	defer lm.Close()
	if !strings.Contains(lm.ChatTemplate(), "<|im_start|>") {
		t.Errorf("chat template %q", lm.ChatTemplate())
	}
	dir := t.TempDir()
	require.NoError(t, lm.Save(filepath.Join(dir, "hf")))
	again, err := OpenNet(b, filepath.Join(dir, "hf"))
	require.NoError(t, err)
	for i, s := range lm.Specs() {
		if !slices.Equal(device.Values(lm.Weights()[i]), device.Values(again.Weights()[i])) {
			t.Errorf("%s differs after Save and OpenNet", s.Name)
		}
	}
	again.Close()

	saved := filepath.Join(dir, "saved.gguf")
	require.NoError(t, lm.SaveGGUF(saved, gguf.F32))
	server := filetest.LlamaServer(t, saved)
	type text struct{ Content string }
	question := func(prompt any, n int) map[string]any {
		return map[string]any{"prompt": prompt, "n_predict": n, "temperature": 0}
	}
	for _, c := range readSmolGolden(t).Cases {
		ids := encode(t, lm, c.Text)
		var tokens struct{ Tokens []int32 }
		filetest.Post(t, server+"/tokenize", map[string]any{"content": c.Text, "parse_special": true}, &tokens)
		if !slices.Equal(ids, c.IDs) || !slices.Equal(ids, tokens.Tokens) {
			t.Errorf("%q: ids %v, want %v; llama.cpp says %v", c.Text, ids, c.IDs, tokens.Tokens)
		}
		if c.Greedy == nil {
			continue
		}
		var got text
		filetest.Post(t, server+"/completion", question(c.Greedy.Prompt, len(c.Greedy.Tokens)), &got)
		if want := lm.Response(c.Greedy.Tokens); got.Content != want {
			t.Errorf("%v: llama.cpp says %q, transformers %q", c.Greedy.Prompt, got.Content, want)
		}
	}
	original, err := filetest.StartLlamaServer(t, path)
	if err != nil {
		t.Logf("the original is not compared in llama.cpp: this build does not run it here: %.60v", err)
		return
	}
	for _, prompt := range []string{"The capital of France is", "<|im_start|>user\nWhat is 2 + 2?<|im_end|>\n<|im_start|>assistant\n"} {
		var one, two text
		filetest.Post(t, original+"/completion", question(prompt, 16), &one)
		filetest.Post(t, server+"/completion", question(prompt, 16), &two)
		if one != two {
			t.Errorf("%q: the original says %q, the saved file %q", prompt, one.Content, two.Content)
		}
	}
}

func encode(t testing.TB, lm *LM, text string) []int32 {
	t.Helper()
	ids, err := lm.tokenizer.EncodeStrict(text)
	require.NoError(t, err)
	return ids
}
