package network

import (
	"fmt"
	"slices"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

// A Net is a decoder with weights on a backend.
type Net struct {
	Config  decoder.Config
	backend backend.Backend
	specs   []decoder.Spec
	weights []*backend.Tensor // in the order of specs; never changed in place, replaced whole
	shared  int               // so many of the first weights belong to another network
}

// New makes a decoder with fresh weights.
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

// Load makes a decoder with given weights: value returns those of a tensor, and is called
// once for each, in the order of [decoder.Config.Specs]. The config has to be resolved.
func Load(b backend.Backend, c decoder.Config, value func(decoder.Spec) ([]float32, error)) (*Net, error) {
	n := &Net{Config: c, backend: b, specs: c.Specs()}
	if err := n.fill(value); err != nil {
		return nil, err
	}
	return n, nil
}

// fill makes the weights that are still missing, in the order of specs. After an error,
// which may be the device's, the network is closed.
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

// fillFrom is fill with copies of another network's weights, and fresh ones that it lacks.
func (n *Net) fillFrom(other *Net, seed uint64) error {
	return n.fill(func(s decoder.Spec) ([]float32, error) {
		if i := other.find(s.Name); i >= 0 {
			return device.Values(other.weights[i]), nil
		}
		return fresh(n.Config, s, seed), nil
	})
}

// must is for copies that only a device without memory can refuse, see the package's Errors.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// upload makes a weight that lies on the device from the start: a tensor must not move
// there while two calls use it, as those of workers do.
func (n *Net) upload(data []float32, s decoder.Spec) *backend.Tensor {
	t := backend.Floats(data, s.Dims...)
	if n.Config.BF16Stored(s) {
		t = device.BF16(data, s.Dims...)
	}
	t.MustMaterializeOnDevice(n.backend, true, 0)
	return t
}

// Backend is where the network runs.
func (n *Net) Backend() backend.Backend { return n.backend }

// Specs lists the network's tensors. The caller does not change the list.
func (n *Net) Specs() []decoder.Spec { return n.specs }

// Weights lists the tensors on the device, in the order of [Net.Specs]. They belong to the
// network. The caller does not change the list.
func (n *Net) Weights() []*backend.Tensor { return n.weights }

// SetWeights replaces all tensors, in the order of [Net.Specs]. Those that it replaces are the
// caller's to free.
func (n *Net) SetWeights(list []*backend.Tensor) { n.weights = list }

// Shared counts the first tensors that belong to another network, below an adapter.
func (n *Net) Shared() int { return n.shared }

// Parameters counts the weights.
func (n *Net) Parameters() int {
	total := 0
	for _, s := range n.specs {
		total += s.Size()
	}
	return total
}

// Clone copies the network; the two share nothing but the backend.
func (n *Net) Clone() *Net {
	c := &Net{Config: n.Config, backend: n.backend, specs: n.specs}
	must(c.fillFrom(n, 0))
	return c
}

// WithScore copies the trunk under a fresh scalar head: a reward model that starts
// from a language model. Of a network that has such a head it is a plain copy: a
// critic that starts from a reward model.
func (n *Net) WithScore(seed uint64) *Net {
	if n.Config.Score {
		return n.Clone()
	}
	c := &Net{Config: n.Config, backend: n.backend}
	c.Config.Score = true
	c.specs = c.Config.Specs()
	must(c.fillFrom(n, seed))
	return c
}

// Tensor copies a weight out by its Hugging Face name.
func (n *Net) Tensor(name string) ([]float32, bool) {
	i := n.find(name)
	if i < 0 {
		return nil, false
	}
	return device.Values(n.weights[i]), true
}

// Close frees the weights; of an adapter's network the adapter alone.
func (n *Net) Close() {
	device.Free(n.weights[min(n.shared, len(n.weights)):])
	n.weights = nil
}

func (n *Net) find(name string) int {
	return slices.IndexFunc(n.specs, func(s decoder.Spec) bool { return s.Name == name })
}
