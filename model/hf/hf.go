// Package hf reads and writes models as Hugging Face directories, and adapters in the layout of
// PEFT.
//
// A directory holds config.json, the weights (model.safetensors, or several files with
// model.safetensors.index.json, in f32, f16 or bf16), and beside them generation_config.json,
// tokenizer.json, tokenizer_config.json and chat_template.jinja. [OpenNet] reads a network from
// it, [OpenTokenizerConfig] what stands beside the tokenizer; [SaveNet] and
// [TokenizerConfig.SaveTokenizer] write them so that transformers, vLLM and SGLang read them.
//
// The families llama, mistral, qwen2 and qwen3 are read, and this library's own satori. All
// fields of a config.json are known: one that the decoder cannot compute is an error that names
// it. A sliding window is an error unless the context fits into it, where it makes no
// difference.
package hf

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/stored"
	"github.com/satori-go/satori/model/network"
)

const configFileName = "config.json"

// OpenNet reads the network of a directory, of a language model or of a reward model. Its
// weights become f32. Errors name the file, and the field or the tensor.
func OpenNet(b backend.Backend, dir string) (*network.Net, error) {
	n, err := openNet(b, dir)
	if err != nil {
		return nil, fmt.Errorf("hf: %w", err)
	}
	return n, nil
}

func openNet(b backend.Backend, dir string) (*network.Net, error) {
	c, err := readConfig(filepath.Join(dir, configFileName))
	if err == nil {
		err = addStops(&c, dir)
	}
	if err != nil {
		return nil, err
	}
	have, files, err := openWeights(dir)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	heads, file, err := openHeads(&c, dir)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	maps.Copy(have, heads)
	if err := dropDerived(c, have); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	n, err := stored.Load(b, c, have)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return n, nil
}

// SaveNet writes config.json and the weights into a directory, whole or not at all. It replaces
// a model that was saved there before, and refuses a directory with anything else in it. The
// weights are f32, or bf16 where the network stores them so: in model.safetensors, or from 5 GB
// on in several files with an index. An adapter is merged into them; [SaveAdapter] writes it
// alone. Further scalar heads go to a folder "heads". The functions in extra write further files
// into the same directory.
func SaveNet(n *network.Net, dir string, extra ...func(dir string) error) error {
	if n.Config.LoRA.On() {
		merged, err := n.Merge()
		if err != nil {
			return err
		}
		defer merged.Close()
		n = merged
	}
	err := rundir.ReplaceDir(dir, savedFiles, func(tmp string) error {
		if err := writeConfig(n.Config, filepath.Join(tmp, configFileName)); err != nil {
			return err
		}
		if err := errors.Join(saveWeights(n, tmp, maxShard), saveHeads(n, tmp)); err != nil {
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
		return fmt.Errorf("hf: save %s: %w", dir, err)
	}
	return nil
}
