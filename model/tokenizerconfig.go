package model

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
)

const tokenizerConfigFile = "tokenizer_config.json"

// A tokenizerConfig is what transformers and vLLM ask for beside tokenizer.json: the fields
// of a tokenizer_config.json as they stood, nil where there was none, and the templates.
type tokenizerConfig struct {
	chat   chat.Sources
	fields map[string]json.RawMessage
}

// readTokenizerConfig reads tokenizer_config.json and chat_template.jinja. Either may lack.
func readTokenizerConfig(dir string) (c tokenizerConfig, err error) {
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

// keptFields are those of a tokenizer_config.json that a saved model has as they stood,
// beside the special tokens. Others are about a class that the saved one does without.
var keptFields = []string{"model_max_length", "clean_up_tokenization_spaces", "padding_side", "truncation_side", "additional_special_tokens", "extra_special_tokens"}

// writeTokenizerConfig writes tokenizer_config.json. Its class takes tokenizer.json as it
// is; the class of a model's makers could add steps of its own. Special tokens are those
// that the model came with, which need not be those of its config.json.
func (m *LM) writeTokenizerConfig(dir string) error {
	fields := map[string]any{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": m.Config.MaxPositions, "clean_up_tokenization_spaces": false}
	for name, raw := range m.tokenizerConfig.fields {
		if strings.HasSuffix(name, "_token") || slices.Contains(keptFields, name) {
			fields[name] = raw
		}
	}
	for name, token := range m.specialTokens() {
		if fields[name] == nil {
			fields[name] = token
		}
	}
	switch templates := m.tokenizerConfig.chat.Templates; len(templates) {
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

// specialTokens are those of the model's tokenizer_config.json and, where that does not
// mention them, bos_token and eos_token by the ids of its config; pad_token too where there is
// no such file.
func (m *LM) specialTokens() map[string]string {
	tokens := maps.Clone(m.tokenizerConfig.chat.Tokens)
	if tokens == nil {
		tokens = map[string]string{}
	}
	put := func(name string, id int32) {
		if _, said := m.tokenizerConfig.fields[name]; said || m.tokenizer == nil {
			return // null says that there is none
		}
		if token, ok := m.tokenizer.Token(id); ok {
			tokens[name] = token
		}
	}
	if m.Config.BOS != nil {
		put("bos_token", *m.Config.BOS)
	}
	put("eos_token", m.Config.EOS)
	if m.tokenizerConfig.fields == nil {
		put("pad_token", m.Config.Pad)
	}
	return tokens
}

// bos is the token that begins a text, and its id: that of tokenizer_config.json, where
// published models have the right one if config.json differs.
func (m *LM) bos() (token string, id int32, ok bool) {
	if token, ok = m.specialTokens()["bos_token"]; ok {
		id, ok = m.tokenizer.ID(token)
	}
	return token, id, ok
}

// ChatTemplate is the Jinja template that the model's makers give for chats, where the
// file or directory has one: that named "default" of several. They are kept when the model
// is saved.
func (m *LM) ChatTemplate() string { return m.tokenizerConfig.chat.Templates["default"] }

// Template is the model's chat template, with the special tokens that it names. That the
// model has none is an error.
func (m *LM) Template() (*chat.Template, error) {
	if m.ChatTemplate() == "" {
		return nil, errors.New("model: the model has no chat template; write its prompts by hand")
	}
	s := m.tokenizerConfig.chat
	s.Tokens = m.specialTokens()
	return s.Parse()
}
