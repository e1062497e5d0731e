package model

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/chat"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/gguf/convert"
	"github.com/satori-go/satori/model/hf"
	"github.com/satori-go/satori/model/tokenizer"
)

// An LM is a network with a tokenizer and what its makers gave beside it: special tokens and a
// chat template. It is a [Sampler]. Several goroutines may sample from it, but not while it is
// trained.
type LM struct {
	*Net
	tokenizer       *tokenizer.Tokenizer
	tokenizerConfig hf.TokenizerConfig
}

// NewLM joins a network and a tokenizer of the same vocabulary. The tokenizer can be nil: then
// what takes and gives ids works, and what takes text is an error.
func NewLM(n *Net, t *tokenizer.Tokenizer) (*LM, error) {
	lm, err := joined(n, t)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return lm, nil
}

func joined(n *Net, t *tokenizer.Tokenizer) (*LM, error) {
	if t != nil && t.Len() > n.Config.VocabSize {
		return nil, fmt.Errorf("the tokenizer has %d tokens, the network only %d", t.Len(), n.Config.VocabSize)
	}
	return &LM{Net: n, tokenizer: t}, nil
}

// Tokenizer returns the model's tokenizer, and nil where there is none.
func (m *LM) Tokenizer() *tokenizer.Tokenizer { return m.tokenizer }

// Open reads a Hugging Face directory, as package hf does, or a file of the name *.gguf, as
// package gguf/convert does. Without a tokenizer.json the model works on ids alone. Weights
// become f32. Errors name the file, and the field or the tensor.
func Open(b Backend, path string) (*LM, error) {
	if strings.HasSuffix(path, ".gguf") {
		m, err := convert.Open(b, path)
		if err != nil {
			return nil, err
		}
		return &LM{Net: m.Net, tokenizer: m.Tokenizer, tokenizerConfig: hf.NewTokenizerConfig(m.ChatTemplate)}, nil
	}
	// What is quick to read and to refuse comes first.
	t, err := tokenizer.Open(filepath.Join(path, "tokenizer.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("model: %w", err)
	}
	config, err := hf.OpenTokenizerConfig(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	n, err := hf.OpenNet(b, path)
	if err != nil {
		return nil, err
	}
	lm, err := joined(n, t)
	if err != nil {
		n.Close()
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	lm.tokenizerConfig = config
	return lm, nil
}

// OpenNet reads a network as [Open] does, without the tokenizer. It also reads a reward model.
func OpenNet(b Backend, path string) (*Net, error) {
	if strings.HasSuffix(path, ".gguf") {
		return convert.OpenNet(b, path)
	}
	return hf.OpenNet(b, path)
}

// Save writes the Hugging Face directory that [Open] reads, whole or not at all. It replaces a
// model that was saved there before, and refuses a directory with anything else in it.
func (m *LM) Save(dir string) error { return m.SaveWith(dir) }

// SaveWith saves the model as [LM.Save] does, with further files that the functions write into
// the same directory.
func (m *LM) SaveWith(dir string, extra ...func(dir string) error) error {
	return hf.SaveNet(m.Net, dir, append(extra, func(tmp string) error {
		if m.tokenizer == nil {
			return nil
		}
		return m.tokenizerConfig.SaveTokenizer(tmp, m.Config, m.tokenizer)
	})...)
}

// SaveGGUF writes the model as a GGUF file for llama.cpp and Ollama, with matrices of a type, as
// [convert.Save] does.
func (m *LM) SaveGGUF(path string, matrices gguf.Type) error {
	file := convert.Model{Net: m.Net, Tokenizer: m.tokenizer, ChatTemplate: m.ChatTemplate()}
	if id, ok := m.tokenizerConfig.BOS(m.Config, m.tokenizer); ok {
		file.BOS = &id
	}
	return convert.Save(path, file, matrices)
}

// ChatTemplate returns the source of the model's chat template, and "" where there is none.
func (m *LM) ChatTemplate() string { return m.tokenizerConfig.ChatTemplate() }

// Template parses the model's chat template, with the special tokens that it names. A model
// without one is an error.
func (m *LM) Template() (*chat.Template, error) {
	t, err := m.tokenizerConfig.Template(m.Config, m.tokenizer)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return t, nil
}

// LogProbs computes the log-probability, in nats, of each token of each sequence given the tokens
// before it, at temperature 1. The first token has none: entry i is that of token i+1, and there
// is one entry fewer than there are tokens. [network.Net.TokenLogProbs] keeps an entry for each
// token and takes a temperature.
func (m *LM) LogProbs(ctx context.Context, seqs [][]int32) ([][]float32, error) {
	rows, err := m.TokenLogProbs(ctx, seqs, 1)
	for i := range rows {
		rows[i] = rows[i][1:]
	}
	return rows, err
}

// Clone copies the model. The copy shares the tokenizer.
func (m *LM) Clone() *LM {
	return m.over(m.Net.Clone())
}

// CopyToken copies the embedding of a token, and its row of an untied head, to another token. A
// new special token then starts with the meaning of a word that the model knows.
func (m *LM) CopyToken(to, from string) error {
	if m.tokenizer == nil {
		return fmt.Errorf("model: CopyToken: %w", errNoTokenizer)
	}
	target, ok := m.tokenizer.ID(to)
	source, known := m.tokenizer.ID(from)
	if !ok || !known {
		return fmt.Errorf("model: CopyToken: the tokenizer lacks %q or %q", to, from)
	}
	if err := m.Net.CopyToken(target, source); err != nil {
		return fmt.Errorf("model: CopyToken: %w", err)
	}
	return nil
}

// errNoTokenizer is the error of text in a model that has ids alone.
var errNoTokenizer = errors.New("the model has no tokenizer")

// Prompt encodes a start, as the template writes it. It returns an error where the tokenizer would
// lose a part of the text.
func (m *LM) Prompt(t coat.Template, s coat.Start) ([]int32, error) {
	if m.tokenizer == nil {
		return nil, fmt.Errorf("model: problem %q: %w", s.Problem.ID, errNoTokenizer)
	}
	ids, err := m.tokenizer.EncodeStrict(t(s))
	if err != nil {
		return nil, fmt.Errorf("model: problem %q: %w", s.Problem.ID, err)
	}
	return ids, nil
}

// Encode encodes a start and its response as one row, with the EOS at the end unless the response
// was truncated. n is the length of the prompt.
func (m *LM) Encode(t coat.Template, a coat.Attempt) (ids []int32, n int, err error) {
	prompt, err := m.Prompt(t, a.Start)
	if err != nil {
		return nil, 0, err
	}
	response, err := m.tokenizer.EncodeStrict(a.Text)
	if err != nil {
		return nil, 0, fmt.Errorf("model: problem %q: response: %w", a.Start.Problem.ID, err)
	}
	ids = append(prompt, response...)
	if !a.Truncated {
		ids = append(ids, m.Config.EOS)
	}
	return ids, len(prompt), nil
}

// WithLoRA makes a model with a fresh adapter over this model's weights, which it shares, as
// [Net.WithLoRA] does.
func (m *LM) WithLoRA(l LoRA) (*LM, error) {
	n, err := m.Net.WithLoRA(l)
	if err != nil {
		return nil, err
	}
	return m.over(n), nil
}

// Merge makes a model whose weights have the adapter merged in, as [Net.Merge] does.
func (m *LM) Merge() (*LM, error) {
	n, err := m.Net.Merge()
	if err != nil {
		return nil, err
	}
	return m.over(n), nil
}

// over joins another network to the model's tokenizer.
func (m *LM) over(n *Net) *LM {
	return &LM{Net: n, tokenizer: m.tokenizer, tokenizerConfig: m.tokenizerConfig}
}

// WithHeads copies the model with these heads, as [network.Net.WithHeads] does, under the same
// tokenizer.
func (m *LM) WithHeads(seed uint64, names ...string) (*LM, error) {
	n, err := m.Net.WithHeads(seed, names...)
	if err != nil {
		return nil, err
	}
	return m.over(n), nil
}

// OpenAdapter reads an adapter in PEFT's layout for the model, whose weights it shares, as
// [hf.OpenAdapter] does.
func (m *LM) OpenAdapter(dir string) (*LM, error) {
	n, err := hf.OpenAdapter(m.Net, dir)
	if err != nil {
		return nil, err
	}
	return m.over(n), nil
}

// SaveAdapter writes the model's adapter without the weights below it, as [hf.SaveAdapter] does.
func (m *LM) SaveAdapter(dir, base string) error { return hf.SaveAdapter(m.Net, dir, base) }
