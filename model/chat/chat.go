package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/satori-go/satori/model/chat/internal/jinja"
)

// A Template is a parsed chat template. It is safe for concurrent use.
type Template struct {
	named  map[string]*jinja.Template // by name; one is "default"
	tokens map[string]string          // by variable, such as bos_token
}

// A Message is one turn of a conversation.
type Message struct {
	Role    string // such as "system", "user", "assistant" or "tool"
	Content string
	Fields  map[string]any // other fields, such as "tool_calls"; nil for none
}

// An Input is what a template is rendered with.
type Input struct {
	Messages  []Message
	Continue  bool           // end with the opening of the assistant's message (add_generation_prompt)
	Tools     []any          // JSON schemas, preferably json.RawMessage; nil for none
	Variables map[string]any // other variables, such as "enable_thinking"; nil for none
	Now       time.Time      // what strftime_now returns; zero: the time of the call
}

// Parse parses the source of one template, without special tokens.
func Parse(source string) (*Template, error) {
	return Sources{Templates: map[string]string{"default": source}}.Parse()
}

// A Sources holds the templates of a model and the special tokens that they can name.
type Sources struct {
	Templates map[string]string // by name, such as "default" and "tool_use"
	Tokens    map[string]string // by variable, such as bos_token and eos_token
}

// Parse parses the templates. One of them must be named "default".
func (s Sources) Parse() (*Template, error) {
	t, err := s.parse("")
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	return t, nil
}

func (s Sources) parse(place string) (*Template, error) {
	t := &Template{named: map[string]*jinja.Template{}, tokens: s.Tokens}
	for name, source := range s.Templates {
		body, err := jinja.Parse(source)
		switch {
		case err != nil && place != "":
			return nil, fmt.Errorf("%s: template %q: %w", place, name, err)
		case err != nil:
			return nil, err
		}
		t.named[name] = body
	}
	if _, ok := t.named["default"]; !ok {
		return nil, errors.New(`there is no template named "default"`)
	}
	return t, nil
}

// Open reads the template of a model directory, and the special tokens that templates can
// name. The template is in chat_template.jinja, or else in the field chat_template of
// tokenizer_config.json.
func Open(dir string) (*Template, error) {
	s, place, err := readSources(dir)
	if err == nil && s.Templates == nil {
		err = fmt.Errorf("%s: missing, and there is no %s: the model has no chat template, add one or write its prompts by hand",
			place, filepath.Join(dir, templateFile))
	}
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	t, err := s.parse(place)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	return t, nil
}

// ReadSources reads what [Open] parses. Templates is nil if the directory has none.
func ReadSources(dir string) (Sources, error) {
	s, _, err := readSources(dir)
	if err != nil {
		return s, fmt.Errorf("chat: %w", err)
	}
	return s, nil
}

const templateFile = "chat_template.jinja"

// readSources also returns where the templates were found, for errors.
func readSources(dir string) (s Sources, place string, err error) {
	path := filepath.Join(dir, "tokenizer_config.json")
	var config map[string]json.RawMessage
	switch data, err := os.ReadFile(path); {
	case err == nil:
		if err := json.Unmarshal(data, &config); err != nil {
			return s, path, fmt.Errorf("%s: %w", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return s, path, err
	}
	s.Tokens = map[string]string{}
	for name, raw := range config {
		var token struct{ Content string }
		isText := json.Unmarshal(raw, &token.Content) == nil || json.Unmarshal(raw, &token) == nil
		if strings.HasSuffix(name, "_token") && isText && token.Content != "" {
			s.Tokens[name] = token.Content
		}
	}
	place = filepath.Join(dir, templateFile)
	data, err := os.ReadFile(place)
	if err == nil {
		s.Templates = map[string]string{"default": string(data)}
		return s, place, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return s, place, err
	}
	place = path + ": chat_template"
	s.Templates, err = templates(config["chat_template"])
	if err != nil {
		err = fmt.Errorf("%s: %w", place, err)
	}
	return s, place, err
}

// templates reads the field chat_template of a tokenizer_config.json. It returns nil if
// there is none.
func templates(raw json.RawMessage) (map[string]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return map[string]string{"default": one}, nil
	}
	var list []struct{ Name, Template string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("neither a string nor a list of name and template: %w", err)
	}
	all := map[string]string{}
	for _, t := range list {
		all[t.Name] = t.Template
	}
	if _, ok := all["default"]; !ok {
		return nil, errors.New(`the list has no template named "default"`)
	}
	return all, nil
}

// Render writes the text of a chat. With tools it uses the template named "tool_use" if
// there is one. An error names the line where the template failed and what it raised.
func (t *Template) Render(in Input) (string, error) {
	body := t.named["default"]
	if other, ok := t.named["tool_use"]; ok && in.Tools != nil {
		body = other
	}
	now := in.Now
	if now.IsZero() {
		now = time.Now()
	}
	vars := map[string]any{"documents": nil, "tools": nil, "add_generation_prompt": in.Continue}
	for name, token := range t.tokens {
		vars[name] = token
	}
	if in.Tools != nil {
		vars["tools"] = in.Tools
	}
	vars["messages"] = in.Messages
	maps.Copy(vars, in.Variables)
	for name, v := range vars {
		vars[name] = plain(v)
	}
	text, err := body.Render(vars, now)
	if err != nil {
		return "", fmt.Errorf("chat: %w", err)
	}
	return text, nil
}

// plain replaces messages inside v by objects that package jinja knows.
func plain(v any) any {
	switch v := v.(type) {
	case Message:
		o := jinja.Object{{Name: "role", Value: v.Role}, {Name: "content", Value: v.Content}}
		for _, name := range slices.Sorted(maps.Keys(v.Fields)) {
			o = append(o, jinja.Member{Name: name, Value: plain(v.Fields[name])})
		}
		return o
	case []Message:
		out := make([]any, len(v))
		for i, m := range v {
			out[i] = plain(m)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = plain(item)
		}
		return out
	}
	return v
}
