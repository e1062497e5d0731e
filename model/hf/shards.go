package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/stored"
	"github.com/satori-go/satori/model/network"
)

const (
	weightsFile = "model.safetensors"
	indexFile   = "model.safetensors.index.json"
	// maxShard bounds the bytes of tensors in one file of a saved model, as transformers did up
	// to version 4. A larger model has several files.
	maxShard = 5_000_000_000
)

// An index says which of several files holds which tensor.
type index struct {
	Metadata  map[string]any    `json:"metadata"`
	WeightMap map[string]string `json:"weight_map"`
}

// savedFiles matches the files of a saved model that the model which replaces it may lack.
var savedFiles = []string{"*.safetensors", indexFile, filepath.Dir(headsFile), tokenizerFile, tokenizerConfigFile}

// openWeights lists the tensors of a directory: those of model.safetensors, or else of the files
// that model.safetensors.index.json names. The caller closes the files.
func openWeights(dir string) (have map[string]stored.Tensor, files closers, err error) {
	single := filepath.Join(dir, weightsFile)
	if _, err := os.Stat(single); err == nil {
		have, f, err := openSafetensors(single)
		if err != nil {
			return nil, nil, err
		}
		return have, closers{f}, nil
	}
	path := filepath.Join(dir, indexFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s has no weights: want %s, or %s with the files it names", dir, weightsFile, indexFile)
	}
	if err != nil {
		return nil, nil, err
	}
	var x index
	if err := json.Unmarshal(data, &x); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, files.Close())
			have, files = nil, nil
		}
	}()
	have = map[string]stored.Tensor{}
	shards := map[string]map[string]stored.Tensor{}
	var faults []error
	for name, file := range x.WeightMap {
		if shards[file] == nil {
			if file != filepath.Base(file) || !strings.HasSuffix(file, ".safetensors") {
				return nil, files, fmt.Errorf("%s: tensor %q: %q is no .safetensors file beside it", path, name, file)
			}
			shard, f, err := openSafetensors(filepath.Join(dir, file))
			if err != nil {
				return nil, files, err
			}
			shards[file], files = shard, append(files, f)
		}
		t, ok := shards[file][name]
		if !ok {
			faults = append(faults, fmt.Errorf("tensor %q is missing from %s", name, file))
		}
		have[name] = t
	}
	for file, shard := range shards {
		for name := range shard {
			if x.WeightMap[name] != file {
				faults = append(faults, fmt.Errorf("tensor %q of %s is not in the index", name, file))
			}
		}
	}
	if len(faults) > 0 {
		return nil, files, fmt.Errorf("%s: %w", path, stored.Join(faults))
	}
	return have, files, nil
}

// saveWeights writes model.safetensors, or several files of up to limit bytes and an index.
func saveWeights(n *network.Net, dir string, limit int64) error {
	var shards [][]decoder.Spec
	sizes := []int64{}
	var total int64
	for _, s := range n.Specs()[:extraHeads(n)] {
		size := storedBytes(n.Config, s)
		if k := len(shards) - 1; k < 0 || sizes[k]+size > limit {
			shards, sizes = append(shards, nil), append(sizes, 0)
		}
		k := len(shards) - 1
		shards[k], sizes[k] = append(shards[k], s), sizes[k]+size
		total += size
	}
	x := index{map[string]any{"total_size": total}, map[string]string{}}
	first := 0
	for k, list := range shards {
		file := weightsFile
		if len(shards) > 1 {
			file = fmt.Sprintf("model-%05d-of-%05d.safetensors", k+1, len(shards))
		}
		start := first
		err := writeSafetensors(filepath.Join(dir, file), list, n.Config.BF16Stored,
			func(i int) []float32 { return device.Values(n.Weights()[start+i]) })
		if err != nil {
			return err
		}
		first += len(list)
		for _, s := range list {
			x.WeightMap[s.Name] = file
		}
	}
	if len(shards) == 1 {
		return nil
	}
	data, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, indexFile), append(data, '\n'), 0o644)
}

// closers closes several files.
type closers []io.Closer

// Close closes all of them.
func (c closers) Close() (err error) {
	for _, f := range c {
		err = errors.Join(err, f.Close())
	}
	return err
}
