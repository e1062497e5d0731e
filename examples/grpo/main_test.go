package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/tokenizer"
)

// chatModel saves a tiny chat model with random weights and returns its directory.
func chatModel(t *testing.T, b model.Backend, template string) string {
	t.Helper()
	tok, err := tokenizer.Open("../../model/tokenizer/testdata/smollm2/tokenizer.json")
	require.NoError(t, err)
	config := model.Config{VocabSize: tok.Len(), Dim: 8, IntermediateSize: 16, Layers: 1, Heads: 2, MaxPositions: 128, EOS: 2, Tied: true}
	net, err := model.NewNet(b, config, 1)
	require.NoError(t, err)
	lm, err := model.NewLM(net, tok)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "model")
	require.NoError(t, lm.Save(dir))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(template), 0o644))
	return dir
}

const template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" +
	"{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

func TestRun(t *testing.T) {
	b, err := model.OpenBackend("go")
	require.NoError(t, err)
	path, out := chatModel(t, b, template), filepath.Join(t.TempDir(), "adapter")
	var printed strings.Builder
	require.NoError(t, run(t.Context(), &printed, "go", path, out, 2))
	want := regexp.MustCompile(`^iteration 1 of 2: mean reward 0\.\d{3}\niteration 2 of 2: mean reward 0\.\d{3}\n$`)
	if !want.MatchString(printed.String()) {
		t.Errorf("printed %q", printed.String())
	}
	base, err := model.Open(b, path)
	require.NoError(t, err)
	if _, err := base.OpenAdapter(out); err != nil {
		t.Error(err)
	}
}

func TestFaults(t *testing.T) {
	b, err := model.OpenBackend("go")
	require.NoError(t, err)
	for _, c := range []struct{ name, path, want string }{
		{"no model", "", "-model is missing"},
		{"nowhere", filepath.Join(t.TempDir(), "nowhere"), "no such file"},
		{"no question", chatModel(t, b, "hello"), "0 times"},
	} {
		if err := run(t.Context(), new(strings.Builder), "go", c.path, t.TempDir(), 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, new(strings.Builder), "go", chatModel(t, b, template), t.TempDir(), 1); err == nil {
		t.Error("a cancelled context is no error")
	}
}

func TestRight(t *testing.T) {
	start := coat.Start{Problem: coat.Problem{Answer: "51"}}
	for text, want := range map[string]float64{"23 + 28 = 51.": 1, "51": 1, "The sum is 151.": 0, "51 or 52": 0, "": 0} {
		if got, err := right(t.Context(), coat.Attempt{Start: start, Text: text}); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}
