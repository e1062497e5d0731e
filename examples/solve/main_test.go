package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/tokenizer"
)

// saved is the directory of a tiny model with random weights.
func saved(t *testing.T, special []string, change func(*model.Config)) string {
	t.Helper()
	b, err := model.OpenBackend("go")
	require.NoError(t, err)
	tok, err := tokenizer.NewWordLevel(tasks.PathStar().Words, append(special, "<|end|>"))
	require.NoError(t, err)
	c := model.Config{VocabSize: tok.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 64, EOS: int32(tok.Len() - 1), Pad: int32(tok.Len() - 1)}
	if change != nil {
		change(&c)
	}
	net, err := model.NewNet(b, c, 1)
	require.NoError(t, err)
	m, err := model.NewLM(net, tok)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "model")
	require.NoError(t, m.Save(dir))
	return dir
}

func file(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644))
	return path
}

// call runs the program on the Go backend.
func call(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	var out, errs strings.Builder
	status = run(ctx, append([]string{"-backend", "go"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

const (
	question = "| 35 7 | 25 4 | 25 35 | 22 28 | 7 12 | 4 22 / 25 12 ="
	one      = `{"id":"a","question":"` + question + `","answer":"25 35 7 12"}`
	two      = `{"question":"| 1 2 | 1 3 / 1 3 =","answer":"1 3","level":2}`
)

func TestProblems(t *testing.T) {
	dir, path := saved(t, coat.Actions{}.Tokens(), nil), file(t, one, two)
	status, stdout, stderr := call(t.Context(), "-model", dir, "-problems", path)
	if status != 0 || !regexp.MustCompile(`^accuracy 0\.0000 \(95 % interval 0\.0000 to 0\.6576\), 0 of 2\n$`).MatchString(stderr) {
		t.Fatalf("status %d, %s", status, stderr)
	}
	var ids []string
	for text := range strings.Lines(stdout) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &fields))
		ids = append(ids, fields["id"].(string))
		if fields["correct"] != false || fields["text"] == "" || fields["answer"] == nil || len(fields) != 4 {
			t.Errorf("line %s", text)
		}
	}
	if !slices.Equal(ids, []string{"a", "2"}) {
		t.Errorf("ids %q", ids)
	}
	sample := func(seed string) string {
		_, stdout, _ := call(t.Context(), "-model", dir, "-problems", path, "-temperature", "1", "-max-tokens", "8", "-seed", seed)
		return stdout
	}
	if first := sample("1"); first != sample("1") || first == sample("2") {
		t.Error("samples do not follow the seed")
	}
}

func TestQuestion(t *testing.T) {
	dir := saved(t, coat.Actions{}.Tokens(), nil)
	// A random model writes to its limit, and never a box but by chance.
	status, stdout, stderr := call(t.Context(), append([]string{"-model", dir, "-max-tokens", "8"}, strings.Fields(question)...)...)
	if status != 1 || stdout == "" || stderr != "solve: the answer was cut off at its token limit\n" || strings.Contains(stdout, "\x1b") {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
}

func TestFaults(t *testing.T) {
	dir := saved(t, coat.Actions{}.Tokens(), nil)
	bare := saved(t, coat.NewActions(coat.Continue, coat.Reflect).Tokens(), nil)
	scores := saved(t, coat.Actions{}.Tokens(), func(c *model.Config) { c.OutputHeads = []string{decoder.HeadScore} })
	short := saved(t, coat.Actions{}.Tokens(), func(c *model.Config) { c.MaxPositions = 24 })
	hollow := saved(t, coat.Actions{}.Tokens(), nil)
	require.NoError(t, os.Remove(filepath.Join(hollow, "model.safetensors")))
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   string // in standard error
	}{
		{"help", []string{"-h"}, 0, "FILE has a JSON object a line"},
		{"no model", []string{question}, 2, "-model is missing; solve -h tells more"},
		{"no question", []string{"-model", dir}, 2, "neither a QUESTION nor -problems"},
		{"both", []string{"-model", dir, "-problems", "x", "y"}, 2, `a QUESTION "y" beside -problems`},
		{"temperature", []string{"-model", dir, "-temperature", "-1", question}, 2, "-temperature is -1"},
		{"limit", []string{"-model", dir, "-max-tokens", "-1", question}, 2, "-max-tokens is -1"},
		{"flag", []string{"-modle", dir}, 2, "flag provided but not defined: -modle"},

		{"backend", []string{"-model", dir, "-backend", "abacus", question}, 1, `backend "abacus": want auto, go, xla`},
		{"no directory", []string{"-model", dir + "x", question}, 1, "config.json: no such file"},
		{"no weights", []string{"-model", hollow, question}, 1, "has no weights"},
		{"no meta-action", []string{"-model", bare, question}, 1, "tokenizer.json has no token <|explore|>"},
		{"reward model", []string{"-model", scores, question}, 1, "holds a reward model"},
		{"no room", []string{"-model", short, question}, 1, "a question of 22 tokens leaves room for 2 in 24, want 8"},
		{"no task", []string{"-model", dir, "What is love?"}, 1, `question "What is love?" is none of a known task`},
		{"other task's words", []string{"-model", dir, "99 1 1 make 99 :"}, 1, `problem "question"`},

		{"no file", []string{"-model", dir, "-problems", "nowhere.jsonl"}, 1, "nowhere.jsonl: no such file"},
		{"broken line", []string{"-model", dir, "-problems", file(t, one, `{"id":`)}, 1, "p.jsonl:2: is not JSON"},
		{"missing field", []string{"-model", dir, "-problems", file(t, `{"question":"q"}`)}, 1, `p.jsonl:1: field "answer": is missing`},
		{"gold", []string{"-model", dir, "-problems", file(t, one, `{"id":"b","question":"| 1 2 | 1 3 / 1 3 =","answer":"1 2"}`)}, 1, `p.jsonl:2: field "answer"`},
		{"no task in file", []string{"-model", dir, "-problems", file(t, one, `{"id":"b","question":"q","answer":"1"}`)}, 1, `p.jsonl:2: question "q" is none`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "no room" {
				c.args = append([]string{"-max-tokens", "8"}, c.args...)
			}
			status, stdout, stderr := call(t.Context(), c.args...)
			if status != c.status || !strings.Contains(stderr, c.want) || stdout != "" {
				t.Errorf("status %d, %q, %q", status, stdout, stderr)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if status, _, stderr := call(ctx, "-model", dir, question); status != 1 || !strings.Contains(stderr, "interrupted") {
		t.Errorf("interrupted: status %d, %q", status, stderr)
	}
}
