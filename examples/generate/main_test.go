package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/tokenizer"
)

// golden is a model of transformers' making with its greedy continuations
// (model/testdata/llama-tiny), with a word for every id.
func golden(t *testing.T) (dir string, cases []struct{ Prompt, Greedy []int32 }) {
	t.Helper()
	const from = "../../model/testdata/llama-tiny"
	dir = t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors"} {
		data, err := os.ReadFile(filepath.Join(from, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	var g struct {
		Cases []struct{ Prompt, Greedy []int32 }
	}
	data, err := os.ReadFile(filepath.Join(from, "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	require.NoError(t, err)
	var config struct {
		Vocab int `json:"vocab_size"`
	}
	data, err = os.ReadFile(filepath.Join(dir, "config.json"))
	if err == nil {
		err = json.Unmarshal(data, &config)
	}
	require.NoError(t, err)
	var words []string
	for i := range config.Vocab - len((coat.Actions{}).Tokens()) {
		words = append(words, fmt.Sprint("w", i))
	}
	tok, err := tokenizer.NewWordLevel(words, coat.Actions{}.Tokens())
	if err == nil {
		err = tok.Save(filepath.Join(dir, "tokenizer.json"))
	}
	require.NoError(t, err)
	return dir, g.Cases
}

func start(stdin string, args ...string) (status int, stdout, stderr string) {
	var out, log bytes.Buffer
	status = run(context.Background(), append([]string{"-backend", "go"}, args...), strings.NewReader(stdin), &out, &log)
	return status, out.String(), log.String()
}

// Lines give what transformers gives; those that cannot be read are named, and the others answered.
func TestLines(t *testing.T) {
	dir, cases := golden(t)
	var in strings.Builder
	n := len(cases[0].Greedy)
	for _, c := range cases {
		ids, err := json.Marshal(map[string]any{"ids": c.Prompt})
		require.NoError(t, err)
		n = min(n, len(c.Greedy))
		fmt.Fprintf(&in, "%s\n", ids)
	}
	bad := []string{`{"ids": [1, 2`, `{"ids": [1, 99999]}`, `{"ids": []}`, `{"prompt": "w1 w2", "ids": [1]}`, `{}`, `{"prompt": "unheard-of"}`, `{"ids": ["w1"]}`, `17`}
	fmt.Fprintf(&in, "\n%s\n", strings.Join(bad, "\n")) // an empty line is passed over, and counted
	fmt.Fprintln(&in, `{"prompt": "w3 w4 w5"}`)
	status, out, log := start(in.String(), "-model", dir, "-jsonl", "-temperature", "0", "-max-tokens", fmt.Sprint(n))
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if status != 1 || len(lines) != len(cases)+len(bad)+1 || !strings.Contains(log, "tokens/s") || !strings.Contains(log, fmt.Sprintf("%d lines could not be answered", len(bad))) {
		t.Fatalf("status %d, %d lines: %s\n%s", status, len(lines), out, log)
	}
	for i, text := range lines {
		var l struct {
			completed
			Error string
		}
		require.NoError(t, json.Unmarshal([]byte(text), &l), text)
		if k := i - len(cases); k >= 0 && k < len(bad) {
			if want := fmt.Sprintf("line %d: ", i+2); !strings.HasPrefix(l.Error, want) || !strings.Contains(log, want) || l.IDs != nil {
				t.Errorf("%s: %s, want an error that begins with %s", bad[k], text, want)
			}
			continue
		}
		if l.Error != "" || len(l.IDs) == 0 || len(l.LogProbs) != len(l.IDs) || l.Text == "" {
			t.Errorf("line %d: %s", i+1, text)
		}
		// Here the EOS ends a completion, which the golden goes on after.
		if i < len(cases) && !slices.Equal(l.IDs, cases[i].Greedy[:len(l.IDs)]) {
			t.Errorf("line %d: ids %v, want %v", i+1, l.IDs, cases[i].Greedy)
		}
	}
}

// A batch in which no line can be read is answered as any other.
func TestLinesAllBad(t *testing.T) {
	dir, _ := golden(t)
	status, out, log := start("{\n17\n", "-model", dir, "-jsonl")
	if status != 1 || strings.Count(out, `"error"`) != 2 || !strings.Contains(log, "2 lines could not be answered") {
		t.Errorf("status %d: %s\n%s", status, out, log)
	}
}

// Seeds give the same bytes, other seeds others; completions of a line follow each other.
func TestSeeds(t *testing.T) {
	dir, _ := golden(t)
	in := `{"prompt": "w3 w4 w5"}` + "\n" + `{"prompt": "w3 w4 w5"}`
	args := []string{"-model", dir, "-jsonl", "-n", "2", "-max-tokens", "8", "-top-p", "0.9", "-seed"}
	_, first, _ := start(in, append(args, "5")...)
	_, again, _ := start(in, append(args, "5")...)
	_, other, _ := start(in, append(args, "6")...)
	if lines := strings.Split(strings.TrimSpace(first), "\n"); first != again || first == other || len(lines) != 4 || lines[0] == lines[1] || lines[0] == lines[2] {
		t.Errorf("%s\n%s\n%s", first, again, other)
	}
}

// What is shown as it is made is what the lines say.
func TestShow(t *testing.T) {
	dir, _ := golden(t)
	args := []string{"-model", dir, "-max-tokens", "12", "-temperature", "0"}
	_, line, _ := start(`{"prompt": "w3 w4 w5"}`, append(args, "-jsonl")...)
	var l completed
	require.NoError(t, json.Unmarshal([]byte(line), &l))
	for _, c := range []struct {
		stdin string
		args  []string
		want  string
	}{
		{"", []string{"-prompt", "w3 w4 w5"}, l.Text + "\n"},
		{"w3 w4 w5", nil, l.Text + "\n"},
		{"", []string{"-prompt", "w3 w4 w5", "-n", "2"}, "--- 1 of 2\n" + l.Text + "\n--- 2 of 2\n" + l.Text + "\n"},
	} {
		status, out, log := start(c.stdin, append(slices.Clone(args), c.args...)...)
		if status != 0 || out != c.want || !strings.Contains(log, "tokens/s") {
			t.Errorf("%v: status %d, %q, want %q; %s", c.args, status, out, c.want, log)
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte("{% for m in messages %}w3 {{ m.content }} {% endfor %}w5"), 0o644))
	if _, out, log := start("", append(args, "-chat", "-prompt", "w4")...); out != l.Text+"\n" {
		t.Errorf("chat: %q, want %q; %s", out, l.Text, log)
	}
}

// An adapter changes the text to that of the model with the adapter. Its faults are named.
func TestAdapter(t *testing.T) {
	dir, cases := golden(t)
	b, err := model.OpenBackend("go")
	require.NoError(t, err)
	lm, err := model.Open(b, dir)
	require.NoError(t, err)
	defer lm.Close()
	const adapter = "../../model/testdata/llama-lora"
	adapted, err := lm.OpenAdapter(adapter)
	require.NoError(t, err)
	defer adapted.Close()
	all, err := adapted.SampleAll(t.Context(), []model.Request{{Prompt: cases[0].Prompt, N: 1, MaxTokens: 8}})
	require.NoError(t, err)
	want := all[0][0]
	ids, err := json.Marshal(map[string]any{"ids": cases[0].Prompt})
	require.NoError(t, err)
	args := []string{"-model", dir, "-jsonl", "-temperature", "0", "-max-tokens", "8"}
	_, plain, _ := start(string(ids), args...)
	status, out, log := start(string(ids), append(args, "-adapter", adapter)...)
	var got completed
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 {
		t.Fatalf("status %d, %v: %s", status, err, log)
	}
	if !slices.Equal(got.IDs, want.Tokens) || !slices.Equal(got.LogProbs, want.LogProbs) || out == plain {
		t.Errorf("with the adapter %s, want %v; without it %s", out, want.Tokens, plain)
	}
	if status, _, log := start("", append(args, "-adapter", dir)...); status != 1 || !strings.Contains(log, "adapter_config.json") {
		t.Errorf("a directory without an adapter: status %d, %s", status, log)
	}
}

// Text grows by whole characters, whatever the tokens cut in two.
func TestWholeCharacters(t *testing.T) {
	b, err := model.OpenBackend("go")
	require.NoError(t, err)
	tok, err := tokenizer.Open("../../model/tokenizer/testdata/gpt2")
	require.NoError(t, err)
	net, err := model.NewNet(b, model.Config{VocabSize: tok.Len() + 1, Dim: 8, IntermediateSize: 8, Layers: 1, Heads: 1, MaxPositions: 8, EOS: int32(tok.Len())}, 1)
	require.NoError(t, err)
	lm, err := model.NewLM(net, tok)
	require.NoError(t, err)
	const whole = "naïve 日本語 🙂 ok"
	ids := tok.Encode(whole)
	shown := ""
	one := text{}
	for _, id := range ids {
		one.ids = append(one.ids, id)
		piece := one.grown(lm, false)
		if !utf8.ValidString(piece) || strings.ContainsRune(piece, utf8.RuneError) {
			t.Errorf("piece %q", piece)
		}
		shown += piece
	}
	if shown += one.grown(lm, true); shown != whole || len(ids) < 20 {
		t.Errorf("%q of %d tokens", shown, len(ids))
	}
	// What never becomes a character is shown at the end.
	cut := text{ids: tok.Encode("é")[:1]}
	if got := cut.grown(lm, false); got != "" {
		t.Errorf("half a character: %q", got)
	}
	if got := cut.grown(lm, true); got != "\ufffd" {
		t.Errorf("half a character at the end: %q", got)
	}
}

func TestCalledWrongly(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "-model is missing"},
		{[]string{"-model", "m", "text"}, 2, "no flag"},
		{[]string{"-model", "m", "-n", "0"}, 2, "-n is 0"},
		{[]string{"-model", "m", "-temperature", "NaN"}, 2, "-temperature is NaN"},
		{[]string{"-model", "m", "-top-p", "2"}, 2, "-top-p is 2"},
		{[]string{"-model", "m", "-jsonl", "-prompt", "x"}, 2, "-jsonl takes"},
		{[]string{"-model", "/no/such/model"}, 1, "/no/such/model"},
		{[]string{"-help"}, 0, "-max-tokens"},
	} {
		if status, _, log := start("", c.args...); status != c.status || !strings.Contains(log, c.want) {
			t.Errorf("%v: status %d, %s", c.args, status, log)
		}
	}
}
