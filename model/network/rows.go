package network

import (
	"errors"
	"fmt"
	"slices"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

// A row of the embedding, and of an untied language-model head, belongs to a token. What
// changes them comes before a second network shares the weights.
var errShared = errors.New("the network has an adapter over another's weights; change its tokens before that")

// CopyToken gives a token the rows of another.
func (n *Net) CopyToken(to, from int32) error {
	if n.shared > 0 {
		return errShared
	}
	dim := n.Config.Dim
	for _, name := range []string{decoder.Embedding, decoder.LMHeadTensor} {
		i := n.find(name)
		if i < 0 {
			continue
		}
		data := device.Values(n.weights[i])
		copy(data[int(to)*dim:int(to+1)*dim], data[int(from)*dim:int(from+1)*dim])
		n.replace(i, n.upload(data, n.specs[i]))
	}
	return nil
}

// AddTokens gives the tokens from old on, up to count, the mean of the rows before them
// (arXiv:2112.03252 and transformers start new tokens so). The vocabulary grows to count
// tokens where it has fewer.
func (n *Net) AddTokens(old, count int) error {
	switch {
	case n.shared > 0:
		return errShared
	case old <= 0 || old > n.Config.VocabSize:
		return fmt.Errorf("there are %d rows to take the mean of, in a vocabulary of %d", old, n.Config.VocabSize)
	}
	config, dim := n.Config, n.Config.Dim
	config.VocabSize = max(config.VocabSize, count)
	specs := config.Specs()
	for i, s := range n.specs {
		if s.Name != decoder.Embedding && s.Name != decoder.LMHeadTensor {
			continue
		}
		data := device.Values(n.weights[i])
		sums := make([]float64, dim)
		for k, x := range data[:old*dim] {
			sums[k%dim] += float64(x)
		}
		grown := make([]float32, config.VocabSize*dim)
		copy(grown, data)
		for row := old; row < count; row++ {
			for k := range dim {
				grown[row*dim+k] = float32(sums[k] / float64(old))
			}
		}
		n.replace(i, n.upload(grown, specs[i]))
	}
	n.Config, n.specs = config, specs
	return nil
}

// replace takes over a tensor in place of the i-th, which it frees. The list is replaced, too.
func (n *Net) replace(i int, t *backend.Tensor) {
	list := slices.Clone(n.weights)
	device.Free(list[i : i+1])
	list[i] = t
	n.weights = list
}
