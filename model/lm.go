package model

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model/tokenizer"
)

// An LM is a network with a tokenizer. Several goroutines may sample from it, but not
// while it is trained.
type LM struct {
	*Net
	tokenizer       *tokenizer.Tokenizer
	tokenizerConfig tokenizerConfig
	engine          engine
}

// NewLM joins a network and a tokenizer of the same vocabulary. Without a tokenizer (nil)
// everything works that takes and gives ids.
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

// Tokenizer gives the model's tokenizer; nil where its directory has none.
func (m *LM) Tokenizer() *tokenizer.Tokenizer { return m.tokenizer }

// Open reads a Hugging Face directory or a GGUF file.
//
// A directory holds config.json, tokenizer.json, and the weights: model.safetensors, or
// several files with model.safetensors.index.json, in f32, f16 or bf16. Without a
// tokenizer.json the model works on ids alone; a generation_config.json adds its
// eos_token_id to the stops. Of a .gguf file
// (see package gguf for the types of its tensors) metadata, weights and tokenizer (pairs,
// byte-level or with SentencePiece's scores) are read. Weights become f32. Errors name the
// file, and the field or tensor; what the decoder cannot do is one.
func Open(b Backend, path string) (*LM, error) {
	if strings.HasSuffix(path, ".gguf") {
		lm, err := openGGUF(b, path)
		if err != nil {
			return nil, fmt.Errorf("model: %w", err)
		}
		return lm, nil
	}
	// What is quick to read and to refuse comes first.
	t, err := tokenizer.Open(filepath.Join(path, "tokenizer.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("model: %w", err)
	}
	config, err := readTokenizerConfig(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	n, err := OpenNet(b, path)
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

// OpenNet is [Open] without the tokenizer. It reads a reward model, too.
func OpenNet(b Backend, path string) (*Net, error) {
	if strings.HasSuffix(path, ".gguf") {
		n, _, err := openGGUFNet(b, path)
		if err != nil {
			return nil, fmt.Errorf("model: %w", err)
		}
		return n, nil
	}
	dir := path
	c, err := readConfig(filepath.Join(dir, "config.json"))
	if err == nil {
		err = addStops(&c, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	have, files, err := openWeights(dir)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	defer files.Close()
	scalars, file, err := openScalars(&c, dir)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	defer file.Close()
	maps.Copy(have, scalars)
	n, err := load(b, c, have)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", dir, err)
	}
	return n, nil
}

// Save writes the layout that [Open] reads, whole or not at all. A model that was saved at
// dir before is replaced; a directory with anything else in it is refused, and left as it is.
func (m *LM) Save(dir string) error { return m.SaveWith(dir) }

// SaveWith is Save with further files, which functions write into the same directory.
func (m *LM) SaveWith(dir string, extra ...func(dir string) error) error {
	return SaveNet(m.Net, dir, append(extra, func(tmp string) error {
		if m.tokenizer == nil {
			return nil
		}
		return errors.Join(m.tokenizer.Save(filepath.Join(tmp, "tokenizer.json")), m.writeTokenizerConfig(tmp))
	})...)
}

// SaveNet writes config.json and the weights, in f32 or of a Config with BF16 in that:
// model.safetensors, or several files with an index from 5 GB on. An adapter is merged in
// ([SaveAdapter] writes it alone); further scalar heads go to a folder "heads". The functions
// in extra write further files into the same directory.
func SaveNet(n *Net, dir string, extra ...func(dir string) error) error {
	if n.Config.LoRA.On() {
		merged, err := n.Merge()
		if err != nil {
			return err
		}
		defer merged.Close()
		n = merged
	}
	err := rundir.ReplaceDir(dir, savedFiles, func(tmp string) error {
		if err := writeConfig(n.Config, filepath.Join(tmp, "config.json")); err != nil {
			return err
		}
		if err := errors.Join(saveWeights(n, tmp, maxShard), saveScalars(n, tmp)); err != nil {
			return err
		}
		for _, write := range extra {
			if err := write(tmp); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("model: save %s: %w", dir, err)
	}
	return nil
}

// Clone copies the model; the tokenizer is shared.
func (m *LM) Clone() *LM {
	return m.over(m.Net.Clone())
}

// CopyToken gives a token the embedding, and the row of an untied head, of another: a
// new special token then begins with the meaning of a word that the model knows.
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

// errNoTokenizer is what text comes to in a model that has ids alone.
var errNoTokenizer = errors.New("the model has no tokenizer")

// Prompt encodes a start.
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

// Encode makes a start and its response into one row, ending in EOS unless it was
// truncated; n is the length of the prompt.
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

// WithLoRA is [Net.WithLoRA] with the model's tokenizer.
func (m *LM) WithLoRA(l LoRA) (*LM, error) {
	n, err := m.Net.WithLoRA(l)
	if err != nil {
		return nil, err
	}
	return m.over(n), nil
}

// Merge is [Net.Merge] with the model's tokenizer.
func (m *LM) Merge() (*LM, error) {
	n, err := m.Net.Merge()
	if err != nil {
		return nil, err
	}
	return m.over(n), nil
}

// over is the model's tokenizer over another network.
func (m *LM) over(n *Net) *LM {
	return &LM{Net: n, tokenizer: m.tokenizer, tokenizerConfig: m.tokenizerConfig}
}

// WithScalar is [Net.WithScalar] with the model's tokenizer.
func (m *LM) WithScalar(name string, seed uint64) (*LM, error) {
	n, err := m.Net.WithScalar(name, seed)
	if err != nil {
		return nil, err
	}
	return m.over(n), nil
}

// WithoutScalars copies the model without its scalar heads: what is left of an actor that was
// its own critic.
func (m *LM) WithoutScalars() *LM {
	return m.over(m.Net.WithoutScalars())
}

// SaveAdapter writes the model's adapter alone, as the function [SaveAdapter] does.
func (m *LM) SaveAdapter(dir, base string) error { return SaveAdapter(m.Net, dir, base) }
