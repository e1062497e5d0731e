package chat

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
)

// What a start's template writes is what the chat template renders for the same messages.
func TestForStarts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.jinja")
	if err != nil || len(paths) < 5 {
		t.Fatal(paths, err)
	}
	prefix := coat.Trace{{Text: "We add."}, {Action: coat.Reflect}}
	questions := []string{"What is 1+1?", "  Two lines\nand space  ", "{{ 7*7 }} {% raw %} 'x' \"y\" <b>&amp;</b>", "", "日本語 \\boxed{2}", "a\u00a0\u2028", "</think>", "<|im_end|>"}
	for _, path := range paths {
		tmpl, err := Sources{Templates: map[string]string{"default": string(readFile(t, path))}, Tokens: map[string]string{"bos_token": "<s>"}}.Parse()
		require.NoError(t, err)
		for _, in := range []Input{
			{},
			{Messages: []Message{{Role: "system", Content: "Answer in a box."}}},
			{Messages: []Message{{Role: "user", Content: "1+1?"}, {Role: "assistant", Content: "2"}}},
			{Variables: map[string]any{"enable_thinking": false, "date_string": "1 Jan 2000"}},
			{Now: then},
		} {
			start, err := tmpl.ForStarts(in)
			if err != nil {
				t.Errorf("%s with %v: %v", path, in, err)
				continue
			}
			for _, q := range questions {
				got := start(coat.Start{Problem: coat.Problem{Question: q}, Prefix: prefix})
				full := in
				full.Continue = true
				if full.Now.IsZero() {
					full.Now = startDate
				}
				full.Messages = append(in.Messages[:len(in.Messages):len(in.Messages)], Message{Role: "user", Content: q})
				want, err := tmpl.Render(full)
				if want += prefix.String(); err != nil || got != want {
					t.Errorf("%s: %q with %v is\n%q, want\n%q, %v", path, q, in, got, want, err)
				}
			}
		}
	}
}

func TestForStartsRefuses(t *testing.T) {
	system := []Message{{Role: "system", Content: "Be brief."}}
	for _, c := range []struct {
		source   string
		messages []Message
		want     string
	}{
		{"{{ raise_exception('no users') }}", nil, "line 1: the template refuses: no users"},
		{"{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{{ messages[0].content }}", system, "System role not supported"},
		{"{{ messages[-1].content }}", system, `leaves out the message of the role "system"`},
		{"{{ messages[0].content }}{{ messages[0].content }}", nil, "writes the user's message 2 times"},
		{"hello", nil, "writes the user's message 0 times"},
		{"{{ messages[0].content | upper }}", nil, "writes the user's message 0 times"},
		{"{{ messages[0].content | replace('{', 'b') }}", nil, "write a coat.Template by hand"},
		{"{{ messages[0].content.lstrip() }}", nil, "write a coat.Template by hand"},
		{"{% if '\\n\\nb' in messages[0].content %}{{ raise_exception('empty line') }}{% endif %}{{ messages[0].content }}", nil, "empty line"},
	} {
		tmpl, err := Parse(c.source)
		require.NoError(t, err)
		if _, err := tmpl.ForStarts(Input{Messages: c.messages}); err == nil || !strings.HasPrefix(err.Error(), "chat: template for starts: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.source, err, c.want)
		}
	}
}
