package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// directory makes a model directory of the files named.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return dir
}

func TestOpen(t *testing.T) {
	hello := []Message{{Role: "user", Content: "Hi", Fields: map[string]any{"name": "Ann"}}}
	for _, c := range []struct {
		files map[string]string
		in    Input
		want  string
	}{
		{map[string]string{"tokenizer_config.json": `{"chat_template":"{{ bos_token }}{{ messages[0].content }}{{ eos_token }}","bos_token":"<s>","eos_token":{"content":"</s>"},"pad_token":null}`},
			Input{Messages: hello}, "<s>Hi</s>"},
		{map[string]string{"chat_template.jinja": "j{{ messages[0].name }}{{ bos_token }}", "tokenizer_config.json": `{"chat_template":"c","bos_token":"<s>"}`},
			Input{Messages: hello}, "jAnn<s>"},
		{map[string]string{"chat_template.jinja": "{{ add_generation_prompt }}{{ tools is none }}{{ documents is none }}{{ pad_token is defined }}"},
			Input{Continue: true}, "TrueTrueTrueFalse"},
		{map[string]string{"tokenizer_config.json": `{"chat_template":[{"name":"tool_use","template":"t{{ tools | tojson }}"},{"name":"default","template":"d"}]}`},
			Input{Tools: []any{json.RawMessage(`{"b":1,"a":2.0}`), struct {
				Z int
				A string
			}{1, "<"}, map[string]any{"y": 1, "x": nil}}}, `t[{"b": 1, "a": 2.0}, {"Z": 1, "A": "<"}, {"x": null, "y": 1}]`},
		{map[string]string{"tokenizer_config.json": `{"chat_template":[{"name":"tool_use","template":"t"},{"name":"default","template":"d{{ x }}"}]}`},
			Input{Variables: map[string]any{"x": []string{"a"}}}, `d['a']`},
	} {
		tmpl, err := Open(directory(t, c.files))
		require.NoError(t, err)
		if got, err := tmpl.Render(c.in); err != nil || got != c.want {
			t.Errorf("Render = %q, %v; want %q", got, err, c.want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{nil, "tokenizer_config.json: chat_template: missing, and there is no"},
		{map[string]string{"tokenizer_config.json": `{"chat_template":null}`}, "chat_template: missing"},
		{map[string]string{"tokenizer_config.json": `{`}, "tokenizer_config.json: unexpected end"},
		{map[string]string{"tokenizer_config.json": `{"chat_template":5}`}, "chat_template: neither a string nor a list"},
		{map[string]string{"tokenizer_config.json": `{"chat_template":[{"name":"rag","template":""}]}`}, `no template named "default"`},
		{map[string]string{"chat_template.jinja": "a\n{% include 'x' %}"}, `chat_template.jinja: template "default": line 2: the statement "include" is not supported`},
	} {
		if _, err := Open(directory(t, c.files)); err == nil || !strings.HasPrefix(err.Error(), "chat: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open = %v, want %s", err, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"\n{{ x.y }}", "line 2: 'x' is undefined"},
		{"{% if true %}\n{{ raise_exception('no') }}{% endif %}", "line 2: the template refuses: no"},
		{"{{ 1 | shuffle }}", `line 1: the filter "shuffle" is not supported`},
		{"{{ 1 is prime }}", `line 1: the test "prime" is not supported`},
		{"{% for %}", "where a name should stand"},
		{"{{ 'a", "string without an end"},
		{"{{ a", "tag without an end: write }}"},
		{"{# a", "comment without an end"},
		{"{% raw %}", "raw without an end"},
		{"{{ (a] }}", "closes nothing"},
		{"{{ a ? b }}", "means nothing here"},
		{"{{ 99999999999999999999 }}", "too large a number"},
		{"{{ '\\xzz' }}", "is no character"},
		{"{{ 9223372036854775807 + 1 }}", "does not fit into 64 bits"},
		{"{{ 1 // 0 }}", "division by zero"},
		{"{{ 'ab' * 99999999 }}", "a repetition makes more than"},
		{"{{ ('a'*4000)|replace('a', 'b'*8000) }}", "a replacement makes more than"},
		{"{{ ['a'*9999999, 'b'*9999999]|join }}", "joining makes more than"},
		{"{% for i in range(99999) %}{{ 'ab' * 999 }}{% endfor %}", "the text has more than"},
		{"{{ range(200000) }}", "range is longer than 100000"},
		{"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "macro f: called more than 200 deep"},
		{"{{ " + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300) + " }}", "nested more than 200 deep"},
		{"{{ " + strings.Repeat("not ", 300) + "1 }}", "nested more than 200 deep"},
		{strings.Repeat("{% if 1 %}", 300), "nested more than 200 deep"},
		{"{% if 1 %}{% elif 1 %}", `the template ends where ["elif" "else" "endif"] should stand`},
		{"{{ strftime_now('%Q') }}", "strftime_now: %Q is not supported"},
		{"{% set a.b = 1 %}", "a is not a namespace, so a.b cannot be set"},
		{"{{ {[1]: 2} }}", "a list cannot be the key of a dict"},
		{"{{ [1][1:2:0] }}", "slice step cannot be zero"},
		{"{{ 'a'.strip(1) }}", "strip wants a str, not a int"},
		{"{{ 'a'.strip('b', 'c') }}", "strip takes no more than 1 arguments, not 2"},
		{"{{ 'a'.split(x=1) }}", `split takes no argument "x" here`},
		{"{{ v }}", "a variable of type chan int has no JSON"},
	} {
		tmpl, err := Parse(c.source)
		if err == nil {
			in := Input{}
			if strings.Contains(c.source, "{{ v }}") {
				in.Variables = map[string]any{"v": make(chan int)}
			}
			_, err = tmpl.Render(in)
		}
		if err == nil || !strings.HasPrefix(err.Error(), "chat: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: %v, want %s", c.source, err, c.want)
		}
	}
}

// FuzzTemplate holds that a template is refused, fails or renders, and does not panic.
func FuzzTemplate(f *testing.F) {
	for _, c := range readCases(f) {
		if c.Source != "" {
			f.Add(c.Source)
		}
	}
	paths, err := filepath.Glob("testdata/*.jinja")
	require.NoError(f, err)
	for _, path := range paths {
		f.Add(string(readFile(f, path)))
	}
	f.Fuzz(func(t *testing.T, source string) {
		tmpl, err := Parse(source)
		if err != nil || strings.Count(source, "for") > 2 { // loops in loops can be long
			return
		}
		in := Input{Messages: []Message{{Role: "user", Content: "Hi"}, {Role: "assistant", Content: "Ho"}}, Now: then}
		a, err := tmpl.Render(in)
		if err != nil {
			return
		}
		if b, err := tmpl.Render(in); err != nil || a != b {
			t.Errorf("%q renders as %q, then as %q, %v", source, a, b, err)
		}
	})
}
