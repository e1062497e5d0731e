package decoder

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// attend is causal attention of queries, scaled before, over keys and values.
//
//	q [batch, seq, heads, head], k and v [batch, seq, kv, head] → [batch, seq, heads·head]
func (c Config) attend(q, k, v *Node) *Node {
	batch, seq := q.Shape().Dim(0), q.Shape().Dim(1)
	q.AssertDims(batch, seq, c.Heads, c.HeadDim)
	k.AssertDims(batch, seq, c.KVHeads, c.HeadDim)
	v.AssertDims(batch, seq, c.KVHeads, c.HeadDim)
	if c.group() == 1 && !c.GradientCheckpointing && !device.IsXLA(q.Graph().Backend()) {
		return c.attendPlainly(q, k, v)
	}
	return attendInGroups(q, k, v)
}

// attendInGroups is attend. Both products are batches of plain matrices, and keys and values
// stand on their side. XLA's kernels are fastest so: of a product and its two gradients at
// most one has a form that they are slow at, and it is then one with few outputs.
func attendInGroups(q, k, v *Node) *Node {
	batch, seq, heads, head := q.Shape().Dim(0), q.Shape().Dim(1), q.Shape().Dim(2), q.Shape().Dim(3)
	kv := k.Shape().Dim(2)
	rows, group := batch*kv, heads/kv

	q = TransposeAllAxes(Reshape(q, batch, seq, kv, group, head), 0, 2, 3, 1, 4)
	q = Reshape(q, rows, group*seq, head)
	k = Reshape(TransposeAllAxes(k, 0, 2, 3, 1), rows, head, seq)
	v = Reshape(TransposeAllAxes(v, 0, 2, 3, 1), rows, head, seq)

	scores := Reshape(Dot(q, k).General([]int{2}, []int{0}, []int{1}, []int{0}), rows, group, seq, seq)
	p := Reshape(Softmax(Add(scores, causal(q.Graph(), seq)), -1), rows, group*seq, seq)
	o := Dot(p, v).General([]int{2}, []int{0}, []int{2}, []int{0}) // [rows, group·seq, head]

	o = TransposeAllAxes(Reshape(o, batch, kv, group, seq, head), 0, 3, 1, 2, 4)
	return Reshape(o, batch, seq, heads*head)
}

// attendPlainly is attend with as many heads of keys as of queries, and a gradient of our
// own, for the Go backend: it is many times faster at a·b than at a·bᵀ, and the derived
// gradient of either product has one of those. Here each of the six products is an a·b, of
// matrices that are turned where they are small.
//
//	S = Q·Kᵀ + mask,  P = softmax S,  O = P·V
//	dVᵀ = dOᵀ·P,  dP = dO·Vᵀ,  dS = P∘(dP − Σ dO∘O),  dQ = dS·K,  dKᵀ = Qᵀ·dS
//
// All four are [batch·heads, seq, head]; Σ dO∘O is Σ dP∘P of a row.
func (c Config) attendPlainly(q, k, v *Node) *Node {
	batch, seq, heads, head := q.Shape().Dim(0), q.Shape().Dim(1), q.Shape().Dim(2), q.Shape().Dim(3)
	rows := func(x *Node) *Node { return Reshape(TransposeAllAxes(x, 0, 2, 1, 3), batch*heads, seq, head) }
	turned := func(x *Node) *Node { return Reshape(TransposeAllAxes(x, 0, 2, 3, 1), batch*heads, head, seq) }
	fromRows := func(x *Node) *Node { return TransposeAllAxes(Reshape(x, batch, heads, seq, head), 0, 2, 1, 3) }
	fromTurned := func(x *Node) *Node { return TransposeAllAxes(Reshape(x, batch, heads, head, seq), 0, 3, 1, 2) }
	product := func(a, b *Node) *Node { return Dot(a, b).General([]int{2}, []int{0}, []int{1}, []int{0}) }

	var p, o *Node
	out := c.withGradient(func(in []*Node) *Node {
		q, k, v := in[0], in[1], in[2]
		p = Softmax(Add(product(rows(q), turned(k)), Reshape(causal(q.Graph(), seq), 1, seq, seq)), -1)
		o = product(p, rows(v))
		return fromRows(o)
	}, func(in []*Node, grad *Node) []*Node {
		q, k, v := in[0], in[1], in[2]
		dO := rows(grad)
		dS := Mul(p, Sub(product(dO, turned(v)), ReduceAndKeep(Mul(dO, o), ReduceSum, -1)))
		return []*Node{
			fromRows(product(dS, rows(k))),
			fromTurned(product(turned(q), dS)),
			fromTurned(product(turned(grad), p)),
		}
	}, q, k, v)
	return Reshape(out, batch, seq, heads*head)
}

// causal is what is added to scores: 0 where a query may look at a key, −∞ where not.
//
//	→ [1, 1, seq, seq]
func causal(g *Graph, seq int) *Node {
	shape := device.I32(1, 1, seq, seq)
	return Where(LessOrEqual(Iota(g, shape, 3), Iota(g, shape, 2)), Scalar(g, device.Float32, 0.0), Scalar(g, device.Float32, math.Inf(-1)))
}
