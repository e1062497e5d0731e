package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Template makes text of messages. It is safe for concurrent use.
type Template struct {
	named  map[string][]statement // "default", and maybe "tool_use" and others
	tokens map[string]string      // bos_token, eos_token and the like
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
	body, err := parse(source)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	return &Template{named: map[string][]statement{"default": body}}, nil
}

// Open reads the template of a model directory, from chat_template.jinja or else from
// chat_template in tokenizer_config.json, and the special tokens that templates name.
func Open(dir string) (*Template, error) {
	path := filepath.Join(dir, "tokenizer_config.json")
	var config map[string]json.RawMessage
	switch data, err := os.ReadFile(path); {
	case err == nil:
		if err := json.Unmarshal(data, &config); err != nil {
			return nil, fmt.Errorf("chat: %s: %w", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("chat: %w", err)
	}
	t := &Template{named: map[string][]statement{}, tokens: map[string]string{}}
	for name, raw := range config {
		var token struct{ Content string }
		if strings.HasSuffix(name, "_token") && (json.Unmarshal(raw, &token.Content) == nil || json.Unmarshal(raw, &token) == nil) && token.Content != "" {
			t.tokens[name] = token.Content
		}
	}
	sources, place, err := sources(dir, path, config["chat_template"])
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	for name, source := range sources {
		if t.named[name], err = parse(source); err != nil {
			return nil, fmt.Errorf("chat: %s: template %q: %w", place, name, err)
		}
	}
	return t, nil
}

// sources returns the templates of a directory by name, and where they stand.
func sources(dir, config string, raw json.RawMessage) (map[string]string, string, error) {
	path := filepath.Join(dir, "chat_template.jinja")
	data, err := os.ReadFile(path)
	if err == nil {
		return map[string]string{"default": string(data)}, path, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	config += ": chat_template"
	if len(raw) == 0 || string(raw) == "null" {
		return nil, "", fmt.Errorf("%s: missing, and there is no %s: the model has no chat template, write its prompts by hand", config, path)
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return map[string]string{"default": one}, config, nil
	}
	var list []struct{ Name, Template string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, "", fmt.Errorf("%s: neither a string nor a list of name and template: %w", config, err)
	}
	all := map[string]string{}
	for _, t := range list {
		all[t.Name] = t.Template
	}
	if _, ok := all["default"]; !ok {
		return nil, "", fmt.Errorf(`%s: the list has no template named "default"`, config)
	}
	return all, config, nil
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
	text, err := render(body, vars, now)
	if err != nil {
		return "", fmt.Errorf("chat: %w", err)
	}
	return text, nil
}
