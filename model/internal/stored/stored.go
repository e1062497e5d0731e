// Package stored makes networks of tensors in files: it compares what the files have with what
// the network needs before it reads any data. Packages hf and convert read the files.
package stored

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/network"
)

// A Tensor is a tensor of a file, whose data is not read yet.
type Tensor struct {
	Where string // the file, for messages
	Dims  []int
	Read  func() ([]float32, error)
}

// Check returns all that is wrong with the tensors of one or more files: those that are
// missing, those that the network does not have, and those of another shape.
func Check(have map[string]Tensor, want []decoder.Spec) error {
	var faults []error
	wanted := make(map[string]bool, len(want))
	for _, s := range want {
		wanted[s.Name] = true
		t, ok := have[s.Name]
		switch {
		case !ok:
			faults = append(faults, fmt.Errorf("tensor %q is missing", s.Name))
		case !slices.Equal(t.Dims, s.Dims):
			faults = append(faults, fmt.Errorf("%s: tensor %q has shape %v, want %v", t.Where, s.Name, t.Dims, s.Dims))
		}
	}
	for name, t := range have {
		if !wanted[name] {
			faults = append(faults, fmt.Errorf("%s: tensor %q is not one of this model's", t.Where, name))
		}
	}
	return Join(faults)
}

// Join joins faults that were found in the order of a map, which is random, and sorts them. A
// wrong file has a fault for each tensor, so Join keeps the first 20.
func Join(faults []error) error {
	const enough = 20
	slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	if more := len(faults) - enough; more > 0 {
		faults = append(faults[:enough], fmt.Errorf("and %d more", more))
	}
	return errors.Join(faults...)
}

// Load makes a network of a configuration and the tensors of files, by their names in a Hugging
// Face directory. It checks everything before it reads any data, and has one tensor at a time
// in memory beside the network.
func Load(b backend.Backend, c decoder.Config, have map[string]Tensor) (*network.Net, error) {
	if c.Layers > len(have) { // a hostile number must not make a list of a billion tensors
		return nil, fmt.Errorf("num_hidden_layers is %d, but the weights are %d tensors", c.Layers, len(have))
	}
	if err := Check(have, c.Specs()); err != nil {
		return nil, err
	}
	return network.Load(b, c, func(s decoder.Spec) ([]float32, error) {
		data, err := have[s.Name].Read()
		if err != nil {
			err = fmt.Errorf("%s: %w", have[s.Name].Where, err)
		}
		return data, err
	})
}
