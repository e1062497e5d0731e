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

// scalarsFile holds the further scalar heads of a saved model. It is in a folder of its own,
// because vLLM reads every .safetensors of a directory and does not know these tensors.
var scalarsFile = filepath.Join("heads", "heads.safetensors")

// saveScalars writes the scalar heads, which are the last of the network's tensors.
func saveScalars(n *network.Net, dir string) error {
	first := len(n.Specs()) - len(n.Config.Scalars)
	if first == len(n.Specs()) {
		return nil
	}
	path := filepath.Join(dir, scalarsFile)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return writeSafetensors(path, n.Specs()[first:], n.Config.BF16Stored, func(i int) []float32 { return device.Values(n.Weights()[first+i]) })
}

// openScalars lists the tensors of the scalar heads in a directory, and adds the heads to the
// configuration.
func openScalars(c *decoder.Config, dir string) (map[string]stored.Tensor, io.Closer, error) {
	path := filepath.Join(dir, scalarsFile)
	have, file, err := openSafetensors(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, closers{}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for name := range have {
		head, ok := strings.CutPrefix(strings.TrimSuffix(name, ".weight"), "heads.")
		if !ok || decoder.ScalarHead(head) != name {
			return nil, nil, errors.Join(fmt.Errorf("%s: tensor %q is no scalar head", path, name), file.Close())
		}
		c.Scalars = append(c.Scalars, head)
	}
	slices.Sort(c.Scalars)
	return have, file, nil
}
