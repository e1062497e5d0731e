package decoder

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/gomlx/compute"

	"github.com/satori-go/satori/model/internal/device"
)

// KeysTransposed tells how keys lie in the cache. On the Go backend, which is slow at a·bᵀ,
// decoding with turned ones takes little over half the time; on XLA it takes a third more.
func KeysTransposed(b compute.Backend) bool { return !device.IsXLA(b) }

// keyAxis is the axis of the positions of keys in the cache. That of values is 1.
func keyAxis(b compute.Backend) int {
	if KeysTransposed(b) {
		return 2
	}
	return 1
}

// CacheDims lists the shapes of the cache of Step.
func (c Config) CacheDims(batch, length int, turned bool) (dims [][]int) {
	for range c.Layers {
		values := []int{batch * c.KVHeads, length, c.HeadDim}
		keys := values
		if turned {
			keys = []int{batch * c.KVHeads, c.HeadDim, length}
		}
		dims = append(dims, keys, values)
		if c.TokenShift {
			dims = append(dims, []int{batch, c.Dim / 2})
		}
	}
	return dims
}

// InsertGraph puts prompts into free rows.
//
//	source [batch] int32, the prompt that a row takes; taken [batch], 1 where it takes one;
//	what PrefillGraph returned; cache → cache
//
// A row that takes a prompt is overwritten whole, so nothing of its last sequence stays.
func (c Config) InsertGraph(in []*Node) (out []*Node) {
	source, taken, in := in[0], in[1], in[2:]
	read, cache := in[:len(in)/2], in[len(in)/2:]
	batch := source.Shape().Dim(0)
	pick := GreaterThan(taken, ScalarZero(source.Graph(), device.Float32))
	place := func(read, old *Node) *Node { // by rows of the cache, which are several of read and old
		all := old.Shape().Dimensions
		heads := all[0] / batch
		by := append([]int{batch, heads}, all[1:]...)
		rows := append([]int{read.Shape().Dim(0) / heads, heads}, read.Shape().Dimensions[1:]...)
		moved := Gather(Reshape(read, rows...), ExpandAxes(source, -1)) // [batch, heads, ...]
		ones := slices.Repeat([]int{1}, len(by))
		ones[0] = batch
		where := BroadcastToDims(Reshape(pick, ones...), by...)
		return Reshape(Where(where, moved, Reshape(old, by...)), all...)
	}
	keyAxis := keyAxis(source.Graph().Backend())
	for ; len(cache) > 0; read, cache = read[2:], cache[2:] {
		for i, axis := range []int{keyAxis, 1} {
			out = append(out, place(lengthened(read[i], axis, cache[i].Shape().Dim(axis)), cache[i]))
		}
		if c.TokenShift {
			out = append(out, place(read[2], cache[2]))
			read, cache = read[1:], cache[1:]
		}
	}
	return out
}

// lengthened gives x so many entries along an axis: zeros behind what it has, or fewer.
func lengthened(x *Node, axis, length int) *Node {
	dims := slices.Clone(x.Shape().Dimensions)
	if dims[axis] >= length {
		return SliceAxis(x, axis, AxisRange(0, length))
	}
	dims[axis] = length - dims[axis]
	return Concatenate([]*Node{x, Zeros(x.Graph(), device.F32(dims...))}, axis)
}

// KeepGraph takes rows out of a cache of so many.
//
//	which [rows] int32; cache → cache of these rows
func KeepGraph(slots int) func(in []*Node) []*Node {
	return func(in []*Node) (out []*Node) {
		which := in[0]
		rows := which.Shape().Dim(0)
		for _, x := range in[1:] { // [slots·n, ...]
			dims := slices.Clone(x.Shape().Dimensions)
			kept := Gather(Reshape(x, slots, -1), ExpandAxes(which, -1))
			dims[0] = dims[0] / slots * rows
			out = append(out, Reshape(kept, dims...))
		}
		return out
	}
}

// GrowGraph gives a cache more positions, which are zero.
//
//	cache → cache of so many positions
func (c Config) GrowGraph(length int) func(in []*Node) []*Node {
	return func(cache []*Node) (out []*Node) {
		keyAxis := keyAxis(cache[0].Graph().Backend())
		for ; len(cache) > 0; cache = cache[2:] {
			out = append(out, lengthened(cache[0], keyAxis, length), lengthened(cache[1], 1, length))
			if c.TokenShift {
				out, cache = append(out, Identity(cache[2])), cache[1:]
			}
		}
		return out
	}
}
