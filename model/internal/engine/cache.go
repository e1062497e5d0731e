package engine

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// insertPrompts puts prompts that the decoder has read into rows of a cache. A row that takes a
// prompt is overwritten whole, so that nothing of its last sequence stays. axes are those of
// [decoder.Config.PositionAxes].
//
//	source [batch] int32, the prompt that a row takes; taken [batch], 1 where it takes one
//	prompts, what Prefill returned; cache → cache
func insertPrompts(source, taken *Node, prompts, cache []*Node, axes []int) (out []*Node) {
	source.AssertRank(1)
	taken.AssertDims(source.Shape().Dim(0))
	takes := GreaterThan(taken, ScalarZero(source.Graph(), device.Float32))
	for i, old := range cache {
		from := prompts[i]
		if axis := axes[i%len(axes)]; axis >= 0 {
			from = resized(from, axis, old.Shape().Dim(axis))
		}
		out = append(out, insert(source, takes, from, old))
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

// grow gives a cache so many positions. The new ones are zero, as the decoder needs them. axes are
// those of [decoder.Config.PositionAxes].
//
//	cache → cache of length positions
func grow(cache []*Node, length int, axes []int) (out []*Node) {
	for i, x := range cache {
		if axis := axes[i%len(axes)]; axis >= 0 {
			x = resized(x, axis, length)
		} else {
			x = Identity(x)
		}
		out = append(out, x)
	}
	return out
}

// gatherRows takes rows out of a cache of batch rows.
//
//	rows [n] int32; cache → cache of n rows
func gatherRows(rows *Node, batch int, cache []*Node) (out []*Node) {
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
