package network

import (
	"fmt"
	"slices"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

// TakeWeights replaces the weights of n by those of another network with the same tensors, stored
// in the same type, and closes the other one. What holds n, such as a learner or a language
// model, then uses the new weights. Where there is an adapter it replaces the adapter alone.
func (n *Net) TakeWeights(other *Net) error {
	same := func(a, b decoder.Spec) bool { return a.Name == b.Name && slices.Equal(a.Dims, b.Dims) }
	if !slices.EqualFunc(n.specs, other.specs, same) || n.shared != other.shared || n.Config.BF16 != other.Config.BF16 {
		return fmt.Errorf("model: TakeWeights: the other network has other tensors: want those of %+v, found those of %+v",
			n.Config, other.Config)
	}
	device.Free(n.weights[n.shared:])
	copy(n.weights[n.shared:], other.weights[other.shared:])
	other.weights = nil
	return nil
}
