package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/network"
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
		wanted[s.Name] = true
		t, ok := have[s.Name]
		switch {
		case !ok:
			faults = append(faults, fmt.Errorf("tensor %q is missing", s.Name))
		case !slices.Equal(t.dims, s.Dims):
			faults = append(faults, fmt.Errorf("%s: tensor %q has shape %v, want %v", t.where, s.Name, t.dims, s.Dims))
		}
	}
	for name, t := range have {
		if !wanted[name] {
			faults = append(faults, fmt.Errorf("%s: tensor %q is not one of this model's", t.where, name))
		}
	}
	return joinSorted(faults)
}

// dropDerived takes out what some published files hold beside the weights, and what follows
// from the rest: the frequencies of the rotary embedding, as transformers kept them in its
// first year of Llama, and a head that is tied to the embedding, which has to be equal to it.
func dropDerived(c Config, have map[string]stored) error {
	for name := range have {
		if strings.HasSuffix(name, ".self_attn.rotary_emb.inv_freq") {
			delete(have, name)
		}
	}
	head, ok := have[decoder.LMHead]
	embed, known := have[decoder.Embedding]
	if !c.Tied || c.Score || !ok || !known {
		return nil
	}
	delete(have, decoder.LMHead)
	differ := fmt.Errorf("%s: tensor %q is not equal to %q, although tie_word_embeddings is true; set it to false in config.json, or remove the tensor", head.where, decoder.LMHead, decoder.Embedding)
	if !slices.Equal(head.dims, embed.dims) {
		return differ
	}
	one, err := head.read()
	if err != nil {
		return fmt.Errorf("%s: tensor %q: %w", head.where, decoder.LMHead, err)
	}
	other, err := embed.read()
	if err != nil {
		return fmt.Errorf("%s: tensor %q: %w", embed.where, decoder.Embedding, err)
	}
	if !slices.Equal(one, other) {
		return differ
	}
	return nil
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
// before any data is read, and one tensor at a time is on the host, but for a tied head that
// is in the file, too.
func load(b Backend, c Config, have map[string]stored) (*Net, error) {
	// Hostile numbers must not make a list of a billion tensors.
	if c.Layers > len(have) {
		return nil, fmt.Errorf("num_hidden_layers is %d, but the weights are %d tensors", c.Layers, len(have))
	}
	if err := dropDerived(c, have); err != nil {
		return nil, err
	}
	if err := check(have, c.Specs()); err != nil {
		return nil, err
	}
	return network.Load(b, c, func(s spec) ([]float32, error) {
		data, err := have[s.Name].read()
		if err != nil {
			err = fmt.Errorf("%s: %w", have[s.Name].where, err)
		}
		return data, err
	})
}
