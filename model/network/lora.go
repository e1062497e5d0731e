package network

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

// WithLoRA puts a fresh adapter on the network. The weights below it are those of n, not copies.
// A learner changes the adapter alone, so n stays as it is and can be the reference of a policy
// that begins there. Keep n open as long as the result is used, and do not train it.
func (n *Net) WithLoRA(l decoder.LoRA) (*Net, error) {
	if n.Config.LoRA.On() {
		return nil, errors.New("model: WithLoRA: the network has an adapter already; Merge it first")
	}
	l, err := l.Resolve()
	if err != nil {
		return nil, fmt.Errorf("model: WithLoRA: %w", err)
	}
	a, err := n.LoadLoRA(l, func(s decoder.Spec) ([]float32, error) { return fresh(n.Config, s, l.Seed), nil })
	if err != nil {
		return nil, fmt.Errorf("model: WithLoRA: %w", err)
	}
	return a, nil
}

// LoadLoRA puts an adapter with given weights on the network, as [Net.WithLoRA] puts a fresh one.
// It calls value once for each tensor of the adapter. The adapter has to be resolved.
func (n *Net) LoadLoRA(l decoder.LoRA, value func(decoder.Spec) ([]float32, error)) (*Net, error) {
	a := n.share(l)
	if err := a.fill(value); err != nil {
		return nil, err
	}
	return a, nil
}

// share makes a network over the weights of n with an adapter that has no weights yet.
func (n *Net) share(l decoder.LoRA) *Net {
	a := &Net{Config: n.Config, backend: n.backend, shared: len(n.weights), weights: slices.Clone(n.weights)}
	a.Config.LoRA = l
	a.specs = a.Config.Specs()
	return a
}

// Base returns the network without its adapter. It shares the weights of n: use it while n is open.
func (n *Net) Base() *Net {
	b := &Net{Config: n.Config, backend: n.backend}
	b.Config.LoRA = decoder.LoRA{}
	b.specs = b.Config.Specs()
	b.weights = slices.Clone(n.weights[:len(b.specs)])
	b.shared = len(b.weights)
	return b
}

// Merge copies the network and adds its adapter to the weights: W + (Alpha/Rank)·B·A.
func (n *Net) Merge() (*Net, error) {
	m := &Net{Config: n.Config, backend: n.backend}
	m.Config.LoRA = decoder.LoRA{}
	m.specs = m.Config.Specs()
	scale := 0.0
	if n.Config.LoRA.On() {
		scale = n.Config.LoRA.Scale()
	}
	add := device.New(n.backend, "merge", func(in []*Node) []*Node {
		w, a, b := ConvertDType(in[0], device.Float32), in[1], in[2]
		return []*Node{Add(w, MulScalar(Dot(b, a).General([]int{1}, nil, []int{0}, nil), scale))}
	})
	err := m.fill(func(s decoder.Spec) ([]float32, error) {
		name := strings.TrimSuffix(s.Name, ".weight")
		w, a, b := n.find(s.Name), n.find(name+decoder.AdapterA), n.find(name+decoder.AdapterB)
		if a < 0 {
			return device.Values(n.weights[w]), nil
		}
		out, err := add.Call([]*backend.Tensor{n.weights[w], n.weights[a], n.weights[b]})
		if err != nil {
			return nil, err
		}
		return device.Take[float32](out[0]), nil
	})
	if err != nil {
		return nil, fmt.Errorf("model: Merge: %w", err)
	}
	return m, nil
}
