package decoder

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// mlp computes SwiGLU, down(silu(gate(x))·up(x)), of a norm of x.
//
//	x [..., dim] → [..., dim]
func (d Decoder) mlp(layer string, x *Node) *Node {
	h := d.norm(x, d.Weights[layer+"post_attention_layernorm.weight"])
	both := d.projectAll(h, layer+"mlp.gate_proj", layer+"mlp.up_proj") // [..., intermediate] each
	return d.project(layer+"mlp.down_proj", d.swiglu(both[0], both[1])) // [..., dim]
}

// swiglu computes silu(gate)·up, with silu(x) = x·σ(x). The gradient of silu is σ + silu·(1 − σ).
//
//	gate and up [..., intermediate] → [..., intermediate]
func (c Config) swiglu(gate, up *Node) *Node {
	up.AssertDims(gate.Shape().Dimensions...)
	var s, silu *Node
	return c.withGradient(func(in []*Node) *Node {
		s = sigmoid(in[0])
		silu = Mul(in[0], s)
		return Mul(silu, in[1])
	}, func(in []*Node, v *Node) []*Node {
		slope := Add(s, Mul(silu, OneMinus(s)))
		return []*Node{Mul(Mul(v, in[1]), slope), Mul(v, silu)}
	}, gate, up)
}

// sigmoid computes 1/(1 + e⁻ˣ). The exponent is bounded, so that nothing overflows; below −40 the
// value is under 1e-17.
func sigmoid(x *Node) *Node { return Inverse(AddScalar(Exp(MinScalar(Neg(x), 40.0)), 1.0)) }

// norm computes RMSNorm: y = x·r·scale with r = 1/√(mean x² + ε). With v the gradient of y and
// u = v·scale, the gradient of x is r·(u − x·r²·mean(u·x)), and that of the scale Σ v·x·r.
//
//	x [..., n], scale [n] → [..., n]
func (c Config) norm(x, scale *Node) *Node {
	scale.AssertDims(x.Shape().Dim(-1))
	mean := func(x *Node) *Node { return ReduceAndKeep(x, ReduceMean, -1) }
	scale = ExpandLeftToRank(scale, x.Rank())
	var r, normed *Node
	return c.withGradient(func(in []*Node) *Node {
		r = Inverse(Sqrt(AddScalar(mean(Square(in[0])), c.NormEps))) // [..., 1]
		normed = Mul(in[0], r)
		return Mul(normed, in[1])
	}, func(in []*Node, v *Node) []*Node {
		u := Mul(v, in[1])
		return []*Node{
			Mul(r, Sub(u, Mul(normed, mean(Mul(u, normed))))),
			ReduceAndKeep(Mul(v, normed), ReduceSum, leading(x)...),
		}
	}, x, scale)
}

// headNorm normalises the channels of each head, in families that have such norms.
//
//	x [..., heads, head] → [..., heads, head]
func (d Decoder) headNorm(name string, x *Node) *Node {
	x.AssertDims(append(rowDims(x), d.HeadDim)...)
	if scale, ok := d.Weights[name+".weight"]; ok {
		return d.norm(x, scale)
	}
	return x
}

// project multiplies by a matrix of the decoder, with a bias in families that have one and an
// adapter where there is one:
//
//	y = x·Wᵀ + (alpha/rank)·(x·Aᵀ)·Bᵀ + b
//	x [..., in] → [..., out]
func (d Decoder) project(name string, x *Node) *Node {
	return d.adapt(name, x, d.dense(x, d.Weights[name+".weight"]))
}

// projectAll projects one x by several matrices. Where there are many rows it multiplies by all
// matrices at once, which is faster; for the few rows of decoding, laying the matrices side by
// side would cost more than it saves.
//
//	x [..., in] → [..., out] each
func (d Decoder) projectAll(x *Node, names ...string) (list []*Node) {
	if x.Rank() == 2 {
		for _, name := range names {
			list = append(list, d.project(name, x))
		}
		return list
	}
	var all []*Node
	var sizes []int
	for _, name := range names {
		matrix := d.Weights[name+".weight"]
		all, sizes = append(all, matrix), append(sizes, matrix.Shape().Dim(0))
	}
	for i, y := range split(d.dense(x, Concatenate(all, 0)), sizes...) {
		list = append(list, d.adapt(names[i], x, y))
	}
	return list
}

// adapt adds to y = x·Wᵀ what else a projection has: an adapter and a bias.
//
//	x [..., in], y [..., out] → [..., out]
func (d Decoder) adapt(name string, x, y *Node) *Node {
	if a, ok := d.Weights[name+AdapterA]; ok {
		y = Add(y, MulScalar(d.dense(d.dense(x, a), d.Weights[name+AdapterB]), d.LoRA.Scale()))
	}
	if bias, ok := d.Weights[name+".bias"]; ok {
		y = Add(y, ExpandLeftToRank(bias, y.Rank()))
	}
	return y
}

// dense multiplies by a matrix as it is stored, x·wᵀ.
//
//	x [..., in], w [out, in] → [..., out]
//
// The Go backend has kernels that are many times faster than the one for small products of
// this form. One takes the transposed matrix: for the few rows of decoding, transposing it
// costs little. The other takes products of 2²² multiplications and more: with rows of zeros
// below the matrix, the products of training are large enough, and so are those of its gradient.
func (c Config) dense(x, w *Node) *Node {
	w.AssertRank(2)
	out, in := w.Shape().Dim(0), w.Shape().Dim(1)
	x.AssertDims(append(rowDims(x), in)...)
	rows := x.Shape().Size() / in
	switch {
	case device.IsXLA(x.Graph().Backend()):
		return Dot(x, w).General([]int{-1}, nil, []int{1}, nil)
	case x.Rank() == 2 && rows >= 4:
		return Dot(x, Transpose(w, 0, 1)).Product()
	}
	const large = 1 << 22
	if wide := (large + rows*in - 1) / (rows * in); out < wide && wide <= 4*out {
		y := c.product(x, Concatenate([]*Node{w, Zeros(w.Graph(), device.F32(wide-out, in))}, 0)) // [..., wide]
		return SliceAxis(y, -1, AxisRange(0, out))                                                // [..., out]
	}
	return c.product(x, w)
}

// product computes x·wᵀ. With v the gradient of the result, the gradient of x is v·w and that of
// w is vᵀ·x.
//
//	x [..., in], w [out, in] → [..., out]
func (c Config) product(x, w *Node) *Node {
	rows := leading(x)
	return c.withGradient(func(in []*Node) *Node {
		return Dot(in[0], in[1]).General([]int{-1}, nil, []int{1}, nil)
	}, func(in []*Node, v *Node) []*Node {
		return []*Node{
			Dot(v, in[1]).General([]int{-1}, nil, []int{0}, nil),
			Dot(v, in[0]).General(rows, nil, rows, nil),
		}
	}, x, w)
}

// leading lists all axes but the last.
func leading(x *Node) []int {
	axes := make([]int, x.Rank()-1)
	for i := range axes {
		axes[i] = i
	}
	return axes
}
