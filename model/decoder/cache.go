package decoder

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// A layerCache holds what a layer keeps of the tokens that a row has had: its part of the KV
// cache.
type layerCache struct {
	keys   *Node // [batch·kv, head, len] where keys are transposed, else [batch·kv, len, head]; positions are rotated
	values *Node // [batch·kv, len, head]
	shift  *Node // [batch, dim/2], what TokenShift reads of the last token; nil without it
}

// layerCaches takes a list of nodes apart, layer by layer: keys, values and, with TokenShift,
// shift.
func (c Config) layerCaches(nodes []*Node) []layerCache {
	each := len(nodes) / c.Layers
	if want := c.cacheTensors(); each != want || each*c.Layers != len(nodes) {
		panic(fmt.Errorf("decoder: a cache of %d tensors, want %d for each of %d layers", len(nodes), want, c.Layers))
	}
	var list []layerCache
	for part := range slices.Chunk(nodes, each) {
		l := layerCache{keys: part[0], values: part[1]}
		if c.TokenShift {
			l.shift = part[2]
		}
		list = append(list, l)
	}
	return list
}

// nodes lists the tensors of a layer, in the order of layerCaches.
func (l layerCache) nodes() []*Node {
	if l.shift == nil {
		return []*Node{l.keys, l.values}
	}
	return []*Node{l.keys, l.values, l.shift}
}

// cacheTensors counts the tensors of a layer's cache.
func (c Config) cacheTensors() int {
	if c.TokenShift {
		return 3
	}
	return 2
}

// keysTransposed reports how keys lie in the KV cache of a backend. The Go backend is slow at
// a·bᵀ: decoding with transposed keys takes little over half the time there. On XLA it takes a
// third more.
func keysTransposed(b compute.Backend) bool { return !device.IsXLA(b) }

// PositionAxes lists for each tensor of a layer's cache the axis of its positions, −1 where it has
// none.
func (c Config) PositionAxes(b compute.Backend) []int {
	axes := []int{1, 1, -1}[:c.cacheTensors()]
	if keysTransposed(b) {
		axes[0] = 2
	}
	return axes
}

// CacheDims lists the shapes of a KV cache on a backend, layer by layer: keys and values, and with
// TokenShift the last token's channels.
func (c Config) CacheDims(b compute.Backend, batch, length int) (dims [][]int) {
	for range c.Layers {
		values := []int{batch * c.KVHeads, length, c.HeadDim}
		keys := values
		if keysTransposed(b) {
			keys = []int{batch * c.KVHeads, c.HeadDim, length}
		}
		dims = append(dims, keys, values)
		if c.TokenShift {
			dims = append(dims, []int{batch, c.Dim / 2})
		}
	}
	return dims
}

// CacheRowBytes counts the bytes of a row of a KV cache.
func (c Config) CacheRowBytes(length int) int {
	numbers := 2 * c.KVHeads * length * c.HeadDim
	if c.TokenShift {
		numbers += c.Dim / 2
	}
	return 4 * c.Layers * numbers
}
