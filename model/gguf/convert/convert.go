// Package convert reads language models from GGUF files, the format of llama.cpp and Ollama, and
// writes them. Package gguf reads and writes the container.
//
// [Open] reads the metadata, the weights and the tokenizer: byte-level pairs, or pairs with
// SentencePiece's scores. [Save] writes a file that llama.cpp runs with the same ids and the same
// probabilities.
package convert

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/internal/stored"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/tokenizer"
)

// A Model holds what a GGUF file has of a language model.
type Model struct {
	Net          *network.Net
	Tokenizer    *tokenizer.Tokenizer
	BOS          *int32 // the token that begins a text; nil: none
	ChatTemplate string // in Jinja; "": none
}

// Open reads a file. The weights become f32. Errors name the file, and the key or the tensor.
func Open(b backend.Backend, path string) (Model, error) {
	var m Model
	err := open(path, func(f *gguf.File, meta *meta) (err error) {
		if m.Net, err = load(b, f, meta, filepath.Base(path)); err != nil {
			return err
		}
		if m.Tokenizer, err = meta.readTokenizer(m.Net.Config); err != nil {
			m.Net.Close()
			return err
		}
		m.BOS, m.ChatTemplate = m.Net.Config.BOS, value(meta, keyTemplate, "")
		return nil
	})
	if err != nil {
		return Model{}, err
	}
	return m, nil
}

// OpenNet reads the network of a file, without the tokenizer.
func OpenNet(b backend.Backend, path string) (n *network.Net, err error) {
	err = open(path, func(f *gguf.File, meta *meta) (err error) {
		n, err = load(b, f, meta, filepath.Base(path))
		return err
	})
	return n, err
}

func open(path string, read func(*gguf.File, *meta) error) error {
	f, err := gguf.Open(path)
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	defer f.Close()
	if err := read(f, newMeta(f.Metadata)); err != nil {
		return fmt.Errorf("convert: %s: %w", path, err)
	}
	return nil
}

// readTokenizer makes the tokenizer that the metadata describe.
func (m *meta) readTokenizer(c decoder.Config) (*tokenizer.Tokenizer, error) {
	text, err := m.tokenizer()
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.Parse(text)
	if err != nil {
		return nil, err
	}
	if t.Len() > c.VocabSize {
		return nil, fmt.Errorf("the tokenizer has %d tokens, the network only %d", t.Len(), c.VocabSize)
	}
	return t, nil
}

// load makes the network of a file, whose tensors are dequantised to f32.
func load(b backend.Backend, f *gguf.File, m *meta, where string) (*network.Net, error) {
	tensors := make(map[string]gguf.Tensor, len(f.Tensors))
	for _, t := range f.Tensors {
		tensors[t.Name] = t
	}
	c, err := m.config(tensors)
	if err != nil {
		return nil, err
	}
	if t, ok := tensors[divisorsName]; ok {
		divisors, err := f.Floats(t)
		if err == nil {
			c.RopeScaling, err = llama3Scaling(c, divisors)
		}
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", divisorsName, err)
		}
		delete(tensors, divisorsName)
	}
	have := make(map[string]stored.Tensor, len(tensors))
	for name, t := range tensors {
		hf := toHF(name)
		have[hf] = stored.Tensor{Where: where, Dims: t.Dims, Read: func() ([]float32, error) {
			data, err := f.Floats(t)
			if heads := interleaved(c, hf); heads > 0 && err == nil {
				data = halve(data, t.Dims[0], heads)
			}
			return data, err
		}}
	}
	return stored.Load(b, c, have)
}

// interleaved returns the number of heads of a tensor whose rows llama.cpp keeps in another
// order, and 0 for all others.
func interleaved(c decoder.Config, name string) int {
	switch {
	case architectures[c.ModelType] != "llama":
		return 0
	case strings.HasSuffix(name, "self_attn.q_proj.weight"):
		return c.Heads
	case strings.HasSuffix(name, "self_attn.k_proj.weight"):
		return c.KVHeads
	}
	return 0
}
