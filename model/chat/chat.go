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

// A Template makes text of messages. It is safe for concurrent use.
type Template struct {
	named  map[string]*jinja.Template // "default", and maybe "tool_use" and others
	tokens map[string]string          // bos_token, eos_token and the like
}

// A Message is one turn of a conversation.
type Message struct {
	Role    string // such as "system", "user", "assistant" or "tool"
	Content string
	Fields  map[string]any // further ones, such as "tool_calls"; nil for none
}

// An Input is what a template is rendered with.
type Input struct {
	Messages  []Message
	Continue  bool           // end with what opens the assistant's turn: add_generation_prompt
	Tools     []any          // JSON schemas, best as json.RawMessage; nil for none
	Variables map[string]any // further ones, such as "enable_thinking"; nil for none
	Now       time.Time      // what strftime_now gives; zero means the time of the call
}

// Parse reads the source of a template.
func Parse(source string) (*Template, error) {
	return Sources{Templates: map[string]string{"default": source}}.Parse()
}

// Sources are the templates of a model and the special tokens that they can name.
type Sources struct {
	Templates map[string]string // by name: "default", and maybe "tool_use" and others
	Tokens    map[string]string // by variable: bos_token, eos_token and the like
}

// Parse reads the templates, of which one has to be named "default".
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

// Open reads the template of a model directory, from chat_template.jinja or else from
// chat_template in tokenizer_config.json, and the special tokens that templates name.
func Open(dir string) (*Template, error) {
	s, place, err := readSources(dir)
	if err == nil && s.Templates == nil {
		err = fmt.Errorf("%s: missing, and there is no %s: the model has no chat template, write its prompts by hand", place, filepath.Join(dir, templateFile))
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

// ReadSources reads what [Open] parses. Templates is nil where the directory has none.
func ReadSources(dir string) (Sources, error) {
	s, _, err := readSources(dir)
	if err != nil {
		return s, fmt.Errorf("chat: %w", err)
	}
	return s, nil
}

const templateFile = "chat_template.jinja"

// readSources also tells where the templates stand.
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
		if strings.HasSuffix(name, "_token") && (json.Unmarshal(raw, &token.Content) == nil || json.Unmarshal(raw, &token) == nil) && token.Content != "" {
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

// templates reads the chat_template of a tokenizer_config.json; nil where there is none.
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

// Render makes the text. With tools it uses the template named "tool_use" if there is
// one. An error says where the template failed, or what it raised.
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

// plain replaces the messages in a value by objects that a template can read.
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
