package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// stored is a tensor of a file, whose data is not yet read.
type stored struct {
	where string // the file, for messages
	dims  []int
	read  func() ([]float32, error)
}

// check reports what is missing from, unexpected in or misshapen among the tensors of
// one or more files, all at once.
func check(have map[string]stored, want []spec) error {
	var faults []error
	wanted := make(map[string]bool, len(want))
	for _, s := range want {
		wanted[s.name] = true
		t, ok := have[s.name]
		switch {
		case !ok:
			faults = append(faults, fmt.Errorf("tensor %q is missing", s.name))
		case !slices.Equal(t.dims, s.dims):
			faults = append(faults, fmt.Errorf("%s: tensor %q has shape %v, want %v", t.where, s.name, t.dims, s.dims))
		}
	}
	for name, t := range have {
		if !wanted[name] {
			faults = append(faults, fmt.Errorf("%s: tensor %q is not one of this model's", t.where, name))
		}
	}
	return joinSorted(faults)
}

// joinSorted joins faults that were found in the order of a map, which has none. A
// wrong file has one for each tensor: the first few tell.
func joinSorted(faults []error) error {
	const enough = 20
	slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	if more := len(faults) - enough; more > 0 {
		faults = append(faults[:enough], fmt.Errorf("and %d more", more))
	}
	return errors.Join(faults...)
}

// load makes a network of a config and the tensors of files. Everything is checked
// before any data is read; one tensor at a time is on the host.
func load(b Backend, c Config, have map[string]stored) (*Net, error) {
	// Hostile numbers must not make a list of a billion tensors.
	if c.Layers > len(have) {
		return nil, fmt.Errorf("num_hidden_layers is %d, but the weights are %d tensors", c.Layers, len(have))
	}
	n := &Net{Config: c, backend: b, specs: c.specs()}
	if err := check(have, n.specs); err != nil {
		return nil, err
	}
	for _, s := range n.specs {
		t := have[s.name]
		data, err := t.read()
		if err != nil {
			n.Close()
			return nil, fmt.Errorf("%s: tensor %q: %w", t.where, s.name, err)
		}
		n.weights = append(n.weights, n.upload(data, s))
	}
	return n, nil
}
