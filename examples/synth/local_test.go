package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	if err != nil {
		t.Fatal(err)
	}
	words, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> one two three plus is"), coat.Actions{}.Tokens())
	if err != nil {
		t.Fatal(err)
	}
	net, err := model.NewNet(b, model.Config{VocabSize: words.Len(), Dim: 16, IntermediateSize: 16, Layers: 1, Heads: 2, MaxPositions: 64, EOS: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	lm, err := model.NewLM(net, words)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := lm.Save(filepath.Join(dir, "lm")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"lm/chat_template.jinja": "{% for m in messages %}one {% endfor %}",
		"problems.jsonl":         `{"question":"one plus one","answer":"2"}` + "\n" + `{"question":"one plus two","answer":"3"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out")
	status, text := start(t, t.Context(), "-problems", filepath.Join(dir, "problems.jsonl"), "-generator", filepath.Join(dir, "lm"), "-out", out,
		"-solutions", "3", "-max-tokens", "20", "-temperature", "1", "-backend", "go")
	if status != 0 {
		t.Fatalf("status %d: %s", status, text)
	}
	var stats synth.Stats
	for r, err := range run.Read(out) {
		if err != nil {
			t.Fatal(err)
		}
		stats.Add(r.Stats)
	}
	m, err := run.ReadManifest(out)
	if err != nil || m.Models["critic"] != "lm" || stats.Problems != 2 || stats.Skipped+stats.Invalid != 6 {
		t.Errorf("%+v, %+v, %v", m, stats, err)
	}
}
