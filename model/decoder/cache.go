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

// keyAxis returns the axis of the positions of keys in the cache. That of values is 1.
func keyAxis(b compute.Backend) int {
	if keysTransposed(b) {
		return 2
	}
	return 1
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

// InsertPrompts puts prompts that [Decoder.Prefill] has read into rows of a cache. A row that
// takes a prompt is overwritten whole, so that nothing of its last sequence stays.
//
//	source [batch] int32, the prompt that a row takes; taken [batch], 1 where it takes one
//	prompts, what Prefill returned; cache → cache
func (c Config) InsertPrompts(source, taken *Node, prompts, cache []*Node) (out []*Node) {
	source.AssertRank(1)
	batch := source.Shape().Dim(0)
	taken.AssertDims(batch)
	takes := GreaterThan(taken, ScalarZero(source.Graph(), device.Float32))
	keyAxis := keyAxis(source.Graph().Backend())
	into := c.layerCaches(cache)
	for i, from := range c.layerCaches(prompts) {
		old := into[i]
		old.keys = insert(source, takes, resized(from.keys, keyAxis, old.keys.Shape().Dim(keyAxis)), old.keys)
		old.values = insert(source, takes, resized(from.values, 1, old.values.Shape().Dim(1)), old.values)
		if c.TokenShift {
			old.shift = insert(source, takes, from.shift, old.shift)
		}
		out = append(out, old.nodes()...)
	}
	return out
}

// insert takes for each row of a cache's tensor a prompt's entries or the old ones. A row has n
// entries of the first axis: its key and value heads, or one.
//
//	source [batch] int32, takes [batch] bool, from [prompts·n, ...], old [batch·n, ...] → [batch·n, ...]
func insert(source, takes, from, old *Node) *Node {
	source.AssertRank(1)
	dims, batch := old.Shape().Dimensions, source.Shape().Dim(0)
	n := dims[0] / batch
	from.AssertDims(append([]int{from.Shape().Dim(0)}, dims[1:]...)...)
	byRow := append([]int{batch, n}, dims[1:]...)
	byPrompt := append([]int{from.Shape().Dim(0) / n, n}, dims[1:]...)
	moved := Gather(Reshape(from, byPrompt...), ExpandAxes(source, -1)) // [batch, n, ...]
	ones := slices.Repeat([]int{1}, len(byRow))
	ones[0] = batch
	where := BroadcastToDims(Reshape(takes, ones...), byRow...)          // [batch, n, ...]
	return Reshape(Where(where, moved, Reshape(old, byRow...)), dims...) // [batch·n, ...]
}

// resized gives x so many entries along an axis: zeros behind those that it has, or fewer.
func resized(x *Node, axis, length int) *Node {
	dims := slices.Clone(x.Shape().Dimensions)
	if dims[axis] >= length {
		return SliceAxis(x, axis, AxisRange(0, length))
	}
	dims[axis] = length - dims[axis]
	return Concatenate([]*Node{x, Zeros(x.Graph(), device.F32(dims...))}, axis)
}

// GrowCache gives a cache so many positions. The new ones are zero, as [Decoder.Step] needs them.
//
//	cache → cache of length positions
func (c Config) GrowCache(cache []*Node, length int) (out []*Node) {
	keyAxis := keyAxis(cache[0].Graph().Backend())
	for _, l := range c.layerCaches(cache) {
		l.keys, l.values = resized(l.keys, keyAxis, length), resized(l.values, 1, length)
		if c.TokenShift {
			l.shift = Identity(l.shift)
		}
		out = append(out, l.nodes()...)
	}
	return out
}

// GatherRows takes rows out of a cache of batch rows.
//
//	rows [n] int32; cache → cache of n rows
func GatherRows(rows *Node, batch int, cache []*Node) (out []*Node) {
	rows.AssertRank(1)
	n := rows.Shape().Dim(0)
	for _, x := range cache { // [batch·kv, ...] or [batch, ...]
		dims := slices.Clone(x.Shape().Dimensions)
		taken := Gather(Reshape(x, batch, -1), ExpandAxes(rows, -1)) // [n, ...]
		dims[0] = dims[0] / batch * n
		out = append(out, Reshape(taken, dims...)) // [n·kv, ...] or [n, ...]
	}
	return out
}
