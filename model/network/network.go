package network

import (
	"fmt"
	"slices"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

// A Net holds a decoder's weights on a backend.
type Net struct {
	Config  decoder.Config
	backend backend.Backend
	specs   []decoder.Spec
	weights []*backend.Tensor // in the order of specs; never changed in place, replaced whole
	shared  int               // so many of the first weights belong to another network
}

// New makes a decoder with fresh weights. They depend on the seed and the config alone, not on the
// backend.
func New(b backend.Backend, c decoder.Config, seed uint64) (*Net, error) {
	c, err := c.Resolve()
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	n := &Net{Config: c, backend: b, specs: c.Specs()}
	err = n.fill(func(s decoder.Spec) ([]float32, error) { return fresh(c, s, seed), nil })
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return n, nil
}

// Load makes a decoder with given weights. It calls value once for each tensor, in the order of
// [decoder.Config.Specs], so that one tensor at a time is on the host. The config has to be
// resolved.
func Load(b backend.Backend, c decoder.Config, value func(decoder.Spec) ([]float32, error)) (*Net, error) {
	n := &Net{Config: c, backend: b, specs: c.Specs()}
	if err := n.fill(value); err != nil {
		return nil, err
	}
	return n, nil
}

// fill makes the weights that are still missing, in the order of specs. After an error, which may
// be one of the device, it closes the network.
func (n *Net) fill(value func(decoder.Spec) ([]float32, error)) error {
	for _, s := range n.specs[len(n.weights):] {
		err := device.Guard(func() error {
			data, err := value(s)
			if err == nil {
				n.weights = append(n.weights, n.upload(data, s))
			}
			return err
		})
		if err != nil {
			n.Close()
			return fmt.Errorf("tensor %q: %w", s.Name, err)
		}
	}
	return nil
}

// fillFrom copies another network's weights, and draws fresh ones where that has none.
func (n *Net) fillFrom(other *Net, seed uint64) error {
	return n.fill(func(s decoder.Spec) ([]float32, error) {
		if i := other.find(s.Name); i >= 0 {
			return device.Values(other.weights[i]), nil
		}
		return fresh(n.Config, s, seed), nil
	})
}

// must panics for copies that fail only where the device has no memory left.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// upload makes a weight on the device. It must not be moved there by a first call, since two calls
// may use it at a time.
func (n *Net) upload(data []float32, s decoder.Spec) *backend.Tensor {
	t := backend.Floats(data, s.Dims...)
	if n.Config.BF16Stored(s) {
		t = device.BF16(data, s.Dims...)
	}
	t.MustMaterializeOnDevice(n.backend, true, 0)
	return t
}

// Backend returns the backend that the network runs on.
func (n *Net) Backend() backend.Backend { return n.backend }

// Specs lists the network's tensors. The caller does not change the list.
func (n *Net) Specs() []decoder.Spec { return n.specs }

// Weights lists the tensors on the device, in the order of [Net.Specs]. They belong to the
// network. The caller does not change the list.
func (n *Net) Weights() []*backend.Tensor { return n.weights }

// SetWeights replaces all tensors, in the order of [Net.Specs]. Those that it replaces are the
// caller's to free.
func (n *Net) SetWeights(list []*backend.Tensor) { n.weights = list }

// Parameters counts the numbers of all tensors.
func (n *Net) Parameters() int {
	total := 0
	for _, s := range n.specs {
		total += s.Size()
	}
	return total
}

// Clone copies the network. The two share nothing but the backend. It panics if the device is out
// of memory.
func (n *Net) Clone() *Net {
	c := &Net{Config: n.Config, backend: n.backend, specs: n.specs}
	must(c.fillFrom(n, 0))
	return c
}

// Tensor copies a tensor to the host, by its Hugging Face name. It returns false if there is none.
func (n *Net) Tensor(name string) ([]float32, bool) {
	i := n.find(name)
	if i < 0 {
		return nil, false
	}
	return device.Values(n.weights[i]), true
}

// Close frees the weights. Of a network with an adapter it frees the adapter alone.
func (n *Net) Close() {
	device.Free(n.weights[min(n.shared, len(n.weights)):])
	n.weights = nil
}

func (n *Net) find(name string) int {
	return slices.IndexFunc(n.specs, func(s decoder.Spec) bool { return s.Name == name })
}
