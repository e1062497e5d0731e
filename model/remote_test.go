package model_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/remote"
	"github.com/satori-go/satori/model/samplertest"
	"github.com/satori-go/satori/model/tokenizer"
)

// tiny is a model of 20 words.
func tiny(t testing.TB, b model.Backend) *model.LM {
	t.Helper()
	words, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> a b c d e f g h i j k l m n o p"), coat.Actions{}.Tokens())
	require.NoError(t, err)
	net, err := model.NewNet(b, model.Config{VocabSize: words.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 64, EOS: 1, InitRange: 0.3, Tied: true}, 3)
	require.NoError(t, err)
	lm, err := model.NewLM(net, words)
	require.NoError(t, err)
	return lm
}

var prompts = [][]int32{{4, 5, 6}, {9, 2, 7, 7, 3}, {12}}

func TestLMIsASampler(t *testing.T) {
	for name, b := range model.XBackends(t) {
		t.Run(name, func(t *testing.T) { samplertest.TestStable(t, tiny(t, b), prompts) })
	}
}

func connect(t *testing.T, url string, fields map[string]any) *remote.Remote {
	t.Helper()
	r, err := remote.New(remote.Config{URL: url + "/v1", Fields: fields})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

// The real server, from a file that SaveGGUF wrote: it keeps a Sampler's promises, and its
// log-probabilities are those of the model here.
func TestRemoteOverLlamaCpp(t *testing.T) {
	lm := model.XFamily(t, model.XBackends(t)["go"], "qwen2")
	path := filepath.Join(t.TempDir(), "m.gguf")
	require.NoError(t, lm.SaveGGUF(path, gguf.F32))
	server := model.XLlamaServer(t, path)
	r := connect(t, server, map[string]any{"logit_bias": model.XUnspeakable(lm)})
	prompts := [][]int32{lm.Tokenizer().Encode("Natalia sold 48 clips"), lm.Tokenizer().Encode("Wait, it's"), lm.Tokenizer().Encode("It is 12.\n\n")}
	samplertest.Test(t, r, prompts)

	worst, n := 0.0, 0
	for i, p := range prompts {
		done, err := r.Sample(t.Context(), model.Request{Prompt: p, MaxTokens: 20, Seed: uint64(i), N: 2})
		require.NoError(t, err)
		for _, c := range done {
			logp, err := lm.LogProbs(t.Context(), [][]int32{slices.Concat(p, c.Tokens)})
			require.NoError(t, err)
			for k, l := range c.LogProbs {
				worst = max(worst, math.Abs(float64(l-logp[0][len(p)-1+k])))
				n++
			}
		}
	}
	t.Logf("largest difference of %d log-probabilities %.1e", n, worst)
	if worst > 1e-4 || n == 0 {
		t.Errorf("%d log-probabilities, off by %g", n, worst)
	}
	if err := r.Publish(t.Context(), t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	dir := filepath.Join(t.TempDir(), "m")
	require.NoError(t, lm.Save(dir))
	if err := r.Publish(t.Context(), dir); !errors.Is(err, remote.ErrNoPublish) {
		t.Error(err)
	}
}
