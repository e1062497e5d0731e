package hf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/stored"
	"github.com/satori-go/satori/model/network"
)

// headsFile holds the heads of a saved model beside its main one. It is in a folder of its own,
// because vLLM reads every .safetensors of a directory and does not know these tensors.
var headsFile = filepath.Join("heads", "heads.safetensors")

// saveHeads writes the heads beside the main one, which are the last of the network's tensors.
func saveHeads(n *network.Net, dir string) error {
	first := extraHeads(n)
	if first == len(n.Specs()) {
		return nil
	}
	path := filepath.Join(dir, headsFile)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return writeSafetensors(path, n.Specs()[first:], n.Config.BF16Stored, func(i int) []float32 { return device.Values(n.Weights()[first+i]) })
}

// extraHeads returns the number of tensors before the heads that are not the main one.
func extraHeads(n *network.Net) int {
	if first := slices.IndexFunc(n.Specs(), decoder.Spec.ExtraHead); first >= 0 {
		return first
	}
	return len(n.Specs())
}

// openHeads lists the tensors of further heads in a directory, and adds the heads to the
// configuration.
func openHeads(c *decoder.Config, dir string) (map[string]stored.Tensor, io.Closer, error) {
	path := filepath.Join(dir, headsFile)
	have, file, err := openSafetensors(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, closers{}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for name := range have {
		head, ok := strings.CutPrefix(strings.TrimSuffix(name, ".weight"), "heads.")
		if !ok || c.HeadTensor(head) != name {
			return nil, nil, errors.Join(fmt.Errorf("%s: tensor %q is no head", path, name), file.Close())
		}
		names = append(names, head)
	}
	slices.Sort(names)
	config, err := c.WithHeads(append(slices.Clone(c.HeadNames()), names...)...)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	*c = config
	return have, file, nil
}
