package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/synth"
	"github.com/satori-go/satori/synth/run"
)

// A model directory stands in for a server. This model knows nothing, so nothing comes of
// it, and that is counted.
func TestLocal(t *testing.T) {
	b, err := model.OpenBackend("go")
	require.NoError(t, err)
	words, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> one two three plus is"), coat.Actions{}.Tokens())
	require.NoError(t, err)
	net, err := model.NewNet(b, model.Config{VocabSize: words.Len(), Dim: 16, IntermediateSize: 16, Layers: 1, Heads: 2, MaxPositions: 64, EOS: 1}, 1)
	require.NoError(t, err)
	lm, err := model.NewLM(net, words)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, lm.Save(filepath.Join(dir, "lm")))
	for name, text := range map[string]string{
		"lm/chat_template.jinja": "{% for m in messages %}one {% endfor %}",
		"problems.jsonl":         `{"question":"one plus one","answer":"2"}` + "\n" + `{"question":"one plus two","answer":"3"}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	out := filepath.Join(dir, "out")
	status, text := start(t, t.Context(), "-problems", filepath.Join(dir, "problems.jsonl"), "-generator", filepath.Join(dir, "lm"), "-out", out,
		"-solutions", "3", "-max-tokens", "20", "-temperature", "1", "-backend", "go")
	require.Equal(t, 0, status, text)
	var stats synth.Stats
	for r, err := range run.Read(out) {
		require.NoError(t, err)
		stats.Add(r.Stats)
	}
	m, err := run.ReadManifest(out)
	if err != nil || m.Models["critic"] != "lm" || stats.Problems != 2 || stats.Skipped+stats.Invalid != 6 {
		t.Errorf("%+v, %+v, %v", m, stats, err)
	}
}
