package model

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// attend is causal attention of queries, scaled before, over keys and values.
//
//	q [batch, seq, heads, head], k and v [batch, seq, kv, head] → [batch, seq, heads·head]
//
// Both products are batches of plain matrices, and keys and values stand on their side.
// The backends' kernels are fastest so: of a product and its two gradients at most one
// has a form that they are slow at, and it is then one with few outputs.
func (c Config) attend(q, k, v *Node) *Node {
	batch, seq, group := q.Shape().Dim(0), q.Shape().Dim(1), c.group()
	rows := batch * c.KVHeads
	q.AssertDims(batch, seq, c.Heads, c.HeadDim)
	k.AssertDims(batch, seq, c.KVHeads, c.HeadDim)
	v.AssertDims(batch, seq, c.KVHeads, c.HeadDim)

	q = TransposeAllAxes(Reshape(q, batch, seq, c.KVHeads, group, c.HeadDim), 0, 2, 3, 1, 4)
	q = Reshape(q, rows, group*seq, c.HeadDim)
	k = Reshape(TransposeAllAxes(k, 0, 2, 3, 1), rows, c.HeadDim, seq)
	v = Reshape(TransposeAllAxes(v, 0, 2, 3, 1), rows, c.HeadDim, seq)

	scores := Reshape(Dot(q, k).General([]int{2}, []int{0}, []int{1}, []int{0}), rows, group, seq, seq)
	p := Reshape(Softmax(Add(scores, causal(q.Graph(), seq)), -1), rows, group*seq, seq)
	o := Dot(p, v).General([]int{2}, []int{0}, []int{2}, []int{0}) // [rows, group·seq, head]

	o = TransposeAllAxes(Reshape(o, batch, c.KVHeads, group, seq, c.HeadDim), 0, 3, 1, 2, 4)
	return Reshape(o, batch, seq, c.Heads*c.HeadDim)
}

// causal is what is added to scores: 0 where a query may look at a key, −∞ where not.
//
//	→ [1, 1, seq, seq]
func causal(g *Graph, seq int) *Node {
	shape := i32(1, 1, seq, seq)
	return Where(LessOrEqual(Iota(g, shape, 3), Iota(g, shape, 2)), Scalar(g, float32Type, 0.0), Scalar(g, float32Type, math.Inf(-1)))
}
