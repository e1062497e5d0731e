package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const tokenizerConfigFile = "tokenizer_config.json"

// A tokenizerConfig is what transformers and vLLM ask for beside tokenizer.json.
type tokenizerConfig struct {
	Class        string `json:"tokenizer_class"`
	BOS          string `json:"bos_token,omitempty"`
	EOS          string `json:"eos_token,omitempty"`
	Pad          string `json:"pad_token,omitempty"`
	MaxLength    int    `json:"model_max_length"`
	CleanUp      bool   `json:"clean_up_tokenization_spaces"`
	ChatTemplate string `json:"chat_template,omitempty"`
}

// writeTokenizerConfig writes tokenizer_config.json. Its class takes tokenizer.json as it
// is; the class of a model's makers could add steps of its own.
func (m *LM) writeTokenizerConfig(dir string) error {
	c := tokenizerConfig{Class: "PreTrainedTokenizerFast", MaxLength: m.Config.MaxPositions, ChatTemplate: m.chatTemplate}
	if m.Config.BOS != nil {
		c.BOS, _ = m.tokenizer.Token(*m.Config.BOS)
	}
	c.EOS, _ = m.tokenizer.Token(m.Config.EOS)
	c.Pad, _ = m.tokenizer.Token(m.Config.Pad)
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, tokenizerConfigFile), append(data, '\n'), 0o644)
}

// readTemplate reads a directory's chat template: chat_template.jinja, or else the field
// of tokenizer_config.json. "" where there is none, or where there are several by name.
func readTemplate(dir string) (string, error) {
	if data, err := os.ReadFile(filepath.Join(dir, "chat_template.jinja")); !errors.Is(err, os.ErrNotExist) {
		return string(data), err
	}
	path := filepath.Join(dir, tokenizerConfigFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	var c struct {
		ChatTemplate any `json:"chat_template"`
	}
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	text, _ := c.ChatTemplate.(string)
	return text, nil
}
