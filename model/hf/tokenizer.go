package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/satori-go/satori/model/chat"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/tokenizer"
)

const (
	tokenizerFile       = "tokenizer.json"
	tokenizerConfigFile = "tokenizer_config.json"
)

// A TokenizerConfig holds what transformers and vLLM need beside tokenizer.json: the fields of
// tokenizer_config.json as they are in the file, and the chat templates. The zero value
// stands for a directory without these files.
type TokenizerConfig struct {
	chat   chat.Sources
	fields map[string]json.RawMessage // nil where there is no tokenizer_config.json
}

// NewTokenizerConfig makes a TokenizerConfig of a chat template alone, where it is not empty.
func NewTokenizerConfig(template string) (c TokenizerConfig) {
	if template != "" {
		c.chat.Templates = map[string]string{"default": template}
	}
	return c
}

// OpenTokenizerConfig reads the tokenizer_config.json and chat_template.jinja of a directory.
// Either may be missing.
func OpenTokenizerConfig(dir string) (c TokenizerConfig, err error) {
	if c.chat, err = chat.ReadSources(dir); err != nil {
		return c, err
	}
	path := filepath.Join(dir, tokenizerConfigFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &c.fields)
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// keptFields are the fields of a tokenizer_config.json that a saved model keeps beside the
// special tokens. Other fields belong to a class of tokenizers that the saved model does not
// use.
var keptFields = []string{"model_max_length", "clean_up_tokenization_spaces", "padding_side", "truncation_side",
	"additional_special_tokens", "extra_special_tokens"}

// SaveTokenizer writes tokenizer.json and tokenizer_config.json into a directory. The class in
// tokenizer_config.json takes tokenizer.json as it is, where the class of the model's makers
// could change it. The special tokens are those that the model came with, which can differ from
// those of its config.json.
func (c TokenizerConfig) SaveTokenizer(dir string, m decoder.Config, t *tokenizer.Tokenizer) error {
	if err := t.Save(filepath.Join(dir, tokenizerFile)); err != nil {
		return err
	}
	fields := map[string]any{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": m.MaxPositions,
		"clean_up_tokenization_spaces": false}
	for name, raw := range c.fields {
		if strings.HasSuffix(name, "_token") || slices.Contains(keptFields, name) {
			fields[name] = raw
		}
	}
	for name, token := range c.specialTokens(m, t) {
		if fields[name] == nil {
			fields[name] = token
		}
	}
	switch templates := c.chat.Templates; len(templates) {
	case 0:
	case 1:
		fields["chat_template"] = templates["default"]
	default:
		var list []map[string]string
		for _, name := range slices.Sorted(maps.Keys(templates)) {
			list = append(list, map[string]string{"name": name, "template": templates[name]})
		}
		fields["chat_template"] = list
	}
	data, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, tokenizerConfigFile), append(data, '\n'), 0o644)
}

// specialTokens returns the special tokens of tokenizer_config.json, by the names of their
// fields. Where the file does not mention bos_token or eos_token, they are those of the ids in
// the configuration. Without the file, pad_token is too. The tokenizer can be nil.
func (c TokenizerConfig) specialTokens(m decoder.Config, t *tokenizer.Tokenizer) map[string]string {
	tokens := maps.Clone(c.chat.Tokens)
	if tokens == nil {
		tokens = map[string]string{}
	}
	put := func(name string, id int32) {
		if _, said := c.fields[name]; said || t == nil {
			return // null means that there is none
		}
		if token, ok := t.Token(id); ok {
			tokens[name] = token
		}
	}
	if m.BOS != nil {
		put("bos_token", *m.BOS)
	}
	put("eos_token", m.EOS)
	if c.fields == nil {
		put("pad_token", m.Pad)
	}
	return tokens
}

// BOS returns the id of the token that begins a text, and whether there is one. It is that of
// tokenizer_config.json, which is the right one in published models whose config.json has
// another. The tokenizer can be nil.
func (c TokenizerConfig) BOS(m decoder.Config, t *tokenizer.Tokenizer) (int32, bool) {
	token, ok := c.specialTokens(m, t)["bos_token"]
	if !ok || t == nil {
		return 0, false
	}
	return t.ID(token)
}

// ChatTemplate returns the source of the Jinja template that the model's makers give for chats,
// and "" where there is none. Of several templates it returns the one named "default".
func (c TokenizerConfig) ChatTemplate() string { return c.chat.Templates["default"] }

// Template parses the chat template, with the special tokens that it names. That there is none
// is an error.
func (c TokenizerConfig) Template(m decoder.Config, t *tokenizer.Tokenizer) (*chat.Template, error) {
	if c.ChatTemplate() == "" {
		return nil, errors.New("the model has no chat template: add chat_template.jinja to its directory and open it again, or write a coat.Template by hand")
	}
	s := c.chat
	s.Tokens = c.specialTokens(m, t)
	return s.Parse()
}
