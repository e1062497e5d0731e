package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// A LoRA is a low-rank adapter (arXiv:2106.09685): each target projection y = x·Wᵀ
// becomes x·Wᵀ + (Alpha/Rank)·(x·Aᵀ)·Bᵀ, and only A [rank, in] and B [out, rank] learn.
type LoRA struct {
	Rank    int      // 0: 8, PEFT's
	Alpha   float64  // 0: 8, PEFT's
	Targets []string // of LoRATargets; nil: all of them, as QLoRA's authors advise
	Seed    uint64   // of A; B begins at zero, and so the adapter at nothing
}

// LoRATargets are the projections that an adapter can have, by the names that PEFT's
// target_modules has for them.
var LoRATargets = []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}

// Suffixes of an adapter's tensors, in place of ".weight".
const (
	loraA = ".lora_A.weight"
	loraB = ".lora_B.weight"
)

func (l LoRA) resolve() (LoRA, error) {
	l.Rank, l.Alpha = cmp.Or(l.Rank, 8), cmp.Or(l.Alpha, 8)
	if l.Targets == nil {
		l.Targets = LoRATargets
	}
	var faults []error
	if l.Rank < 0 || l.Rank > maxSize {
		faults = append(faults, fmt.Errorf("LoRA.Rank is %d, want it positive", l.Rank))
	}
	if !(l.Alpha > 0) {
		faults = append(faults, fmt.Errorf("LoRA.Alpha is %g, want it positive", l.Alpha))
	}
	if len(l.Targets) == 0 {
		faults = append(faults, errors.New("LoRA.Targets is empty"))
	}
	for i, t := range l.Targets {
		if !slices.Contains(LoRATargets, t) {
			faults = append(faults, fmt.Errorf("LoRA target %q is not supported (%s)", t, strings.Join(LoRATargets, ", ")))
		}
		if slices.Contains(l.Targets[:i], t) {
			faults = append(faults, fmt.Errorf("LoRA target %q is given twice", t))
		}
	}
	return l, errors.Join(faults...)
}

// on tells whether there is an adapter.
func (l LoRA) on() bool { return l.Rank != 0 }

// scale is what an adapter's product is multiplied by.
func (l LoRA) scale() float64 { return l.Alpha / float64(l.Rank) }

// loraSpecs lists the adapter's tensors: A and B of each target among the projections.
func (c Config) loraSpecs(base []spec) (list []spec) {
	if !c.LoRA.on() {
		return nil
	}
	for _, s := range base {
		name, ok := strings.CutSuffix(s.name, ".weight")
		if ok && !s.scalar() && slices.Contains(c.LoRA.Targets, name[strings.LastIndexByte(name, '.')+1:]) {
			list = append(list, spec{name + loraA, []int{c.LoRA.Rank, s.dims[1]}}, spec{name + loraB, []int{s.dims[0], c.LoRA.Rank}})
		}
	}
	return list
}

// adapter tells whether a tensor is one of an adapter's.
func (s spec) adapter() bool {
	return strings.HasSuffix(s.name, loraA) || strings.HasSuffix(s.name, loraB)
}

// WithLoRA is the network under a fresh adapter. The weights below it are n's own, not
// copies: a [Learner] changes the adapter alone, so that n stays what it was and is the
// reference of a policy that begins there. n has to outlive it, and not to learn itself.
func (n *Net) WithLoRA(l LoRA) (*Net, error) {
	if n.Config.LoRA.on() {
		return nil, errors.New("model: WithLoRA: the network has an adapter already; Merge it first")
	}
	l, err := l.resolve()
	if err != nil {
		return nil, fmt.Errorf("model: WithLoRA: %w", err)
	}
	a := n.share(l)
	err = a.fill(func(s spec) ([]float32, error) { return s.fresh(a.Config, l.Seed), nil })
	if err != nil {
		return nil, fmt.Errorf("model: WithLoRA: %w", err)
	}
	return a, nil
}

// share is n with an adapter whose weights are still to come.
func (n *Net) share(l LoRA) *Net {
	a := &Net{Config: n.Config, backend: n.backend, shared: len(n.weights), weights: slices.Clone(n.weights)}
	a.Config.LoRA = l
	a.specs = a.Config.specs()
	return a
}

// Base is the network with its adapter switched off. It shares the weights, and is there
// as long as n is.
func (n *Net) Base() *Net {
	b := &Net{Config: n.Config, backend: n.backend}
	b.Config.LoRA = LoRA{}
	b.specs = b.Config.specs()
	b.weights = slices.Clone(n.weights[:len(b.specs)])
	b.shared = len(b.weights)
	return b
}

// Merge is a network of its own with the adapter added into the weights:
// W + (Alpha/Rank)·B·A.
func (n *Net) Merge() (*Net, error) {
	m := &Net{Config: n.Config, backend: n.backend}
	m.Config.LoRA = LoRA{}
	m.specs = m.Config.specs()
	scale := 0.0
	if n.Config.LoRA.on() {
		scale = n.Config.LoRA.scale()
	}
	add := device.New(n.backend, "merge", func(in []*Node) []*Node {
		w, a, b := ConvertDType(in[0], device.Float32), in[1], in[2]
		return []*Node{Add(w, MulScalar(Dot(b, a).General([]int{1}, nil, []int{0}, nil), scale))}
	})
	err := m.fill(func(s spec) ([]float32, error) {
		name := strings.TrimSuffix(s.name, ".weight")
		w, a, b := n.find(s.name), n.find(name+loraA), n.find(name+loraB)
		if a < 0 {
			return device.Values(n.weights[w]), nil
		}
		out, err := add.Call([]*Tensor{n.weights[w], n.weights[a], n.weights[b]})
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
