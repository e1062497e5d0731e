package model

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/tokenizer"
)

// openGGUF is [Open] of a GGUF file.
func openGGUF(b Backend, path string) (*LM, error) {
	net, meta, err := openGGUFNet(b, path)
	if err != nil {
		return nil, err
	}
	lm, err := func() (*LM, error) {
		text, err := meta.tokenizer()
		if err != nil {
			return nil, err
		}
		t, err := tokenizer.Parse(text)
		if err != nil {
			return nil, err
		}
		return joined(net, t)
	}()
	if err != nil {
		net.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if template := ggufValue(meta, ggufTemplate, ""); template != "" {
		lm.tokenizerConfig.chat.Templates = map[string]string{"default": template}
	}
	return lm, nil
}

// openGGUFNet is [OpenNet] of a GGUF file.
func openGGUFNet(b Backend, path string) (*Net, *ggufMeta, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	meta := newGGUFMeta(f.Metadata)
	net, err := loadGGUF(b, f, meta, filepath.Base(path))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return net, meta, nil
}

// loadGGUF makes the network of a file, whose tensors are dequantised to f32.
func loadGGUF(b Backend, f *gguf.File, meta *ggufMeta, where string) (*Net, error) {
	tensors := make(map[string]gguf.Tensor, len(f.Tensors))
	for _, t := range f.Tensors {
		tensors[t.Name] = t
	}
	c, err := meta.config(tensors)
	if err != nil {
		return nil, err
	}
	if t, ok := tensors[ggufDivisors]; ok {
		divisors, err := f.Floats(t)
		if err == nil {
			c.RopeScaling, err = llama3Scaling(c, divisors)
		}
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", ggufDivisors, err)
		}
		delete(tensors, ggufDivisors)
	}
	have := make(map[string]stored, len(tensors))
	for name, t := range tensors {
		hf := fromGGUF(name)
		have[hf] = stored{where: where, dims: t.Dims, read: func() ([]float32, error) {
			data, err := f.Floats(t)
			if heads := interleaved(c, hf); heads > 0 && err == nil {
				data = halve(data, t.Dims[0], heads)
			}
			return data, err
		}}
	}
	return load(b, c, have)
}

// interleaved is the number of heads of a tensor whose rows llama.cpp keeps in another
// order, and 0 for all others.
func interleaved(c Config, name string) int {
	switch {
	case ggufArchitectures[c.ModelType] != "llama":
		return 0
	case strings.HasSuffix(name, "self_attn.q_proj.weight"):
		return c.Heads
	case strings.HasSuffix(name, "self_attn.k_proj.weight"):
		return c.KVHeads
	}
	return 0
}
