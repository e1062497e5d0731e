package decoder

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A LoRA says what low-rank adapter a decoder has (arXiv:2106.09685): each target projection y = x·Wᵀ
// becomes x·Wᵀ + (Alpha/Rank)·(x·Aᵀ)·Bᵀ, and only A [rank, in] and B [out, rank] learn.
type LoRA struct {
	Rank    int      // 0: 8, PEFT's
	Alpha   float64  // 0: 8, PEFT's
	Targets []string // of [LoRATargets]; nil: all of them, as QLoRA's authors advise
	Seed    uint64   // of A; B begins at zero, and so the adapter at nothing
}

// LoRATargets lists the projections that an adapter can have, by their names in PEFT's
// target_modules.
func LoRATargets() []string {
	return []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
}

// Suffixes of the tensors of an adapter, in place of ".weight".
const (
	AdapterA = ".lora_A.weight"
	AdapterB = ".lora_B.weight"
)

// Resolve replaces zero fields by their defaults and reports values that no adapter can have.
func (l LoRA) Resolve() (LoRA, error) {
	l.Rank, l.Alpha = cmp.Or(l.Rank, 8), cmp.Or(l.Alpha, 8)
	if l.Targets == nil {
		l.Targets = LoRATargets()
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
		if !slices.Contains(LoRATargets(), t) {
			faults = append(faults, fmt.Errorf("LoRA target %q is not supported (%s)", t, strings.Join(LoRATargets(), ", ")))
		}
		if slices.Contains(l.Targets[:i], t) {
			faults = append(faults, fmt.Errorf("LoRA target %q is given twice", t))
		}
	}
	return l, errors.Join(faults...)
}

// On reports whether there is an adapter.
func (l LoRA) On() bool { return l.Rank != 0 }

// Scale returns the factor of an adapter's product, Alpha/Rank.
func (l LoRA) Scale() float64 { return l.Alpha / float64(l.Rank) }

// loraSpecs lists the adapter's tensors: A and B of each target among the projections.
func (c Config) loraSpecs(base []Spec) (list []Spec) {
	if !c.LoRA.On() {
		return nil
	}
	for _, s := range base {
		name, ok := strings.CutSuffix(s.Name, ".weight")
		if ok && !s.ExtraHead() && slices.Contains(c.LoRA.Targets, name[strings.LastIndexByte(name, '.')+1:]) {
			list = append(list, Spec{name + AdapterA, []int{c.LoRA.Rank, s.Dims[1]}}, Spec{name + AdapterB, []int{s.Dims[0], c.LoRA.Rank}})
		}
	}
	return list
}

// Adapter reports whether a tensor is one of an adapter's.
func (s Spec) Adapter() bool {
	return strings.HasSuffix(s.Name, AdapterA) || strings.HasSuffix(s.Name, AdapterB)
}
