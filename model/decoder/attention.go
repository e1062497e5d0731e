package decoder

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// attend computes causal attention of queries, scaled before, over keys and values.
//
//	q [batch, seq, heads, head], k and v [batch, seq, kv, head] → [batch, seq, heads·head]
func (c Config) attend(q, k, v *Node) *Node {
	q.AssertRank(4)
	batch, seq := q.Shape().Dim(0), q.Shape().Dim(1)
	q.AssertDims(batch, seq, c.Heads, c.HeadDim)
	k.AssertDims(batch, seq, c.KVHeads, c.HeadDim)
	v.AssertDims(batch, seq, c.KVHeads, c.HeadDim)
	if c.group() == 1 && !c.GradientCheckpointing && !device.IsXLA(q.Graph().Backend()) {
		return c.attendPlainly(q, k, v)
	}
	return attendInGroups(q, k, v)
}

// attendInGroups computes attend with products of batches of matrices, whose keys and values are
// transposed. This form is the fastest with XLA's kernels: of a product and its two gradients at
// most one has a form that they are slow at, and that one has few outputs.
//
//	q [batch, seq, heads, head], k and v [batch, seq, kv, head] → [batch, seq, heads·head]
func attendInGroups(q, k, v *Node) *Node {
	q.AssertRank(4)
	batch, seq, heads, head := q.Shape().Dim(0), q.Shape().Dim(1), q.Shape().Dim(2), q.Shape().Dim(3)
	kv := k.Shape().Dim(2)
	k.AssertDims(batch, seq, kv, head)
	v.AssertDims(batch, seq, kv, head)
	n, group := batch*kv, heads/kv

	q = TransposeAllAxes(Reshape(q, batch, seq, kv, group, head), 0, 2, 3, 1, 4) // [batch, kv, group, seq, head]
	q = Reshape(q, n, group*seq, head)                                           // [batch·kv, group·seq, head]
	k = Reshape(TransposeAllAxes(k, 0, 2, 3, 1), n, head, seq)                   // [batch·kv, head, seq]
	v = Reshape(TransposeAllAxes(v, 0, 2, 3, 1), n, head, seq)                   // [batch·kv, head, seq]

	scores := Reshape(Dot(q, k).General([]int{2}, []int{0}, []int{1}, []int{0}), n, group, seq, seq) // [batch·kv, group, seq, seq]
	p := Reshape(Softmax(Add(scores, causal(q.Graph(), seq)), -1), n, group*seq, seq)                // [batch·kv, group·seq, seq]
	o := Dot(p, v).General([]int{2}, []int{0}, []int{2}, []int{0})                                   // [batch·kv, group·seq, head]

	o = TransposeAllAxes(Reshape(o, batch, kv, group, seq, head), 0, 3, 1, 2, 4) // [batch, seq, kv, group, head]
	return Reshape(o, batch, seq, heads*head)                                    // [batch, seq, heads·head]
}

// attendPlainly computes attend for as many key heads as query heads, with our own gradient. It is
// for the Go backend, which is many times faster at a·b than at a·bᵀ, while the derived gradient
// of either product has an a·bᵀ. Here each of the six products is an a·b, of matrices that are
// transposed where they are small.
//
//	S = Q·Kᵀ + mask,  P = softmax S,  O = P·V
//	dVᵀ = dOᵀ·P,  dP = dO·Vᵀ,  dS = P∘(dP − Σ dO∘O),  dQ = dS·K,  dKᵀ = Qᵀ·dS
//
// All four are [batch·heads, seq, head]; Σ dO∘O is Σ dP∘P of a row.
//
//	q, k and v [batch, seq, heads, head] → [batch, seq, heads·head]
func (c Config) attendPlainly(q, k, v *Node) *Node {
	q.AssertRank(4)
	batch, seq, heads, head := q.Shape().Dim(0), q.Shape().Dim(1), q.Shape().Dim(2), q.Shape().Dim(3)
	k.AssertDims(batch, seq, heads, head)
	v.AssertDims(batch, seq, heads, head)
	// byHead and transposed lay x out head by head, [batch·heads, seq, head] and
	// [batch·heads, head, seq]; the other two undo that.
	byHead := func(x *Node) *Node { return Reshape(TransposeAllAxes(x, 0, 2, 1, 3), batch*heads, seq, head) }
	transposed := func(x *Node) *Node { return Reshape(TransposeAllAxes(x, 0, 2, 3, 1), batch*heads, head, seq) }
	fromHeads := func(x *Node) *Node { return TransposeAllAxes(Reshape(x, batch, heads, seq, head), 0, 2, 1, 3) }
	fromTransposed := func(x *Node) *Node { return TransposeAllAxes(Reshape(x, batch, heads, head, seq), 0, 3, 1, 2) }
	product := func(a, b *Node) *Node { return Dot(a, b).General([]int{2}, []int{0}, []int{1}, []int{0}) }

	var p, o *Node
	out := c.withGradient(func(in []*Node) *Node {
		q, k, v := in[0], in[1], in[2]
		p = Softmax(Add(product(byHead(q), transposed(k)), Reshape(causal(q.Graph(), seq), 1, seq, seq)), -1)
		o = product(p, byHead(v))
		return fromHeads(o)
	}, func(in []*Node, grad *Node) []*Node {
		q, k, v := in[0], in[1], in[2]
		dO := byHead(grad)
		dS := Mul(p, Sub(product(dO, transposed(v)), ReduceAndKeep(Mul(dO, o), ReduceSum, -1)))
		return []*Node{
			fromHeads(product(dS, byHead(k))),
			fromTransposed(product(transposed(q), dS)),
			fromTransposed(product(transposed(grad), p)),
		}
	}, q, k, v)
	return Reshape(out, batch, seq, heads*head) // [batch, seq, heads·head]
}

// causal makes the mask that is added to scores: 0 where a query may read a key, −∞ where not.
//
//	→ [1, 1, seq, seq]
func causal(g *Graph, seq int) *Node {
	shape := device.I32(1, 1, seq, seq)
	return Where(LessOrEqual(Iota(g, shape, 3), Iota(g, shape, 2)), Scalar(g, device.Float32, 0.0), Scalar(g, device.Float32, math.Inf(-1)))
}
