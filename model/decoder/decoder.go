package decoder

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// Weights are the nodes of a decoder's tensors in one graph, by Hugging Face name.
type Weights map[string]*Node

// bind names the first nodes of a graph's inputs and returns the rest.
func (c Config) Bind(in []*Node) (Weights, []*Node) {
	specs := c.Specs()
	w := make(Weights, len(specs))
	for i, s := range specs {
		in[i].AssertDims(s.Dims...)
		w[s.Name] = ConvertDType(in[i], device.Float32)
	}
	return w, in[len(specs):]
}

// Hidden is the decoder's last layer, after its final norm.
//
//	tokens [batch, seq] int32 → [batch, seq, dim]
//
// Rows begin at position 0 and are padded on the right.
func (c Config) Hidden(w Weights, tokens *Node) *Node {
	h, _ := c.trunk(w, tokens)
	return h
}

// A memory is what a layer keeps of the tokens it has seen.
type memory struct {
	k, v  *Node // [batch, seq, kv, head], keys with their rotary positions
	shift *Node // [batch, seq, dim/2], the channels that TokenShift hands on; nil without
}

// trunk is Hidden with the memory of every layer.
func (c Config) trunk(w Weights, tokens *Node) (*Node, []memory) {
	tokens.AssertRank(2)
	batch, seq := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	g := tokens.Graph()

	cos, sin := c.rotations(g, seq) // [seq, rotary/2]
	cos, sin = Reshape(cos, 1, seq, 1, -1), Reshape(sin, 1, seq, 1, -1)

	x := Gather(w[Embedding], ExpandAxes(tokens, -1)) // [batch, seq, dim]
	var memories []memory
	for i := range c.Layers {
		p := layer(i)
		if c.GradientCheckpointing {
			x = x.Checkpoint()
		}
		h := c.norm(x, w[p+"input_layernorm.weight"])
		var m memory
		if c.TokenShift {
			half := c.Dim / 2
			m.shift = Slice(h, AxisRange(), AxisRange(), AxisRange(0, half)) // [batch, seq, dim/2]
			before := Concatenate([]*Node{Zeros(g, device.F32(batch, 1, half)), Slice(m.shift, AxisRange(), AxisRange(0, seq-1))}, 1)
			h = Concatenate([]*Node{before, Slice(h, AxisRange(), AxisRange(), AxisRange(half))}, -1)
		}
		qkv := c.projectAll(w, h, p+"self_attn.q_proj", p+"self_attn.k_proj", p+"self_attn.v_proj")
		q := c.headNorm(w, p+"self_attn.q_norm", Reshape(qkv[0], batch, seq, c.Heads, c.HeadDim))
		k := c.headNorm(w, p+"self_attn.k_norm", Reshape(qkv[1], batch, seq, c.KVHeads, c.HeadDim))
		m.v = Reshape(qkv[2], batch, seq, c.KVHeads, c.HeadDim)
		q = MulScalar(c.rotate(q, cos, sin), 1/math.Sqrt(float64(c.HeadDim)))
		m.k = c.rotate(k, cos, sin)

		x = Add(x, c.project(w, p+"self_attn.o_proj", c.attend(q, m.k, m.v))) // [batch, seq, dim]
		x = Add(x, c.mlp(w, p, x))
		memories = append(memories, m)
	}
	if c.GradientCheckpointing {
		x = x.StopCheckpoint()
	}
	return c.norm(x, w["model.norm.weight"]), memories
}

// Logits is the language-model head.
//
//	hidden [..., dim] → [..., vocab]
func (c Config) Logits(w Weights, hidden *Node) *Node {
	if c.Tied {
		return c.dense(hidden, w[Embedding])
	}
	return c.dense(hidden, w[LMHead])
}

// Scores is the scalar head.
//
//	hidden [batch, seq, dim] → [batch, seq]
func (c Config) Scores(w Weights, hidden *Node) *Node {
	return Squeeze(c.dense(hidden, w[ScoreHead]), -1)
}

// Scalar is one of the scalar heads beside the language-model head.
//
//	hidden [batch, seq, dim] → [batch, seq]
func (c Config) Scalar(w Weights, name string, hidden *Node) *Node {
	return Squeeze(c.dense(hidden, w[ScalarHead(name)]), -1)
}

// Step is one token a row through the decoder with a cache.
//
//	tok, pos [batch] int32, act [batch] (1, or 0 for an idle row, whose cache stays as it is)
//	cache: a layer's keys [batch·kv, len, head], or [batch·kv, head, len] where they are
//	turned, its values [batch·kv, len, head], and shift [batch, dim/2] with TokenShift
//	→ logits [batch, vocab], the new cache
func (c Config) Step(w Weights, tok, pos, act *Node, cache []*Node) (*Node, []*Node) {
	batch := tok.Shape().Dim(0)
	rows, length := batch*c.KVHeads, cache[1].Shape().Dim(1)
	tok.AssertDims(batch)
	cache[1].AssertDims(rows, length, c.HeadDim)
	g := tok.Graph()

	// perKV repeats a row's value for its key and value heads: [batch] → [batch·kv].
	perKV := func(x *Node) *Node {
		return Reshape(BroadcastToDims(ExpandAxes(x, -1), batch, c.KVHeads), rows)
	}
	kvPos := perKV(pos)
	where := Concatenate([]*Node{Iota(g, device.I32(rows, 1), 0), Reshape(kvPos, rows, 1)}, -1) // [batch·kv, 2]

	// Where a key goes, and the axis of its channels.
	whereKey, inKey := where, 2
	if KeysTransposed(g.Backend()) {
		all := device.I32(rows, c.HeadDim, 1)
		whereKey, inKey = Concatenate([]*Node{Iota(g, all, 0), Iota(g, all, 1), BroadcastToDims(Reshape(kvPos, rows, 1, 1), all.Dimensions...)}, -1), 1
	}
	kvAct := Reshape(perKV(act), rows, 1)
	mask := Where(LessOrEqual(Iota(g, device.I32(rows, length), 1), BroadcastToDims(Reshape(kvPos, rows, 1), rows, length)),
		Scalar(g, device.Float32, 0.0), Scalar(g, device.Float32, math.Inf(-1))) // [batch·kv, len]
	mask = Reshape(mask, rows, 1, length)
	cos, sin := c.rotations(g, length)
	at := ExpandAxes(pos, -1)
	cos, sin = Reshape(Gather(cos, at), batch, 1, -1), Reshape(Gather(sin, at), batch, 1, -1)

	x := Gather(w[Embedding], ExpandAxes(tok, -1)) // [batch, dim]
	var out []*Node
	for i := range c.Layers {
		p := layer(i)
		kc, vc := cache[0], cache[1]
		cache = cache[2:]
		h := c.norm(x, w[p+"input_layernorm.weight"])
		var shift *Node
		if c.TokenShift {
			half := c.Dim / 2
			now := Slice(h, AxisRange(), AxisRange(0, half))
			h = Concatenate([]*Node{cache[0], Slice(h, AxisRange(), AxisRange(half))}, -1)
			busy := BroadcastToDims(GreaterThan(ExpandAxes(act, -1), Scalar(g, device.Float32, 0.0)), batch, half)
			shift = Where(busy, now, cache[0])
			cache = cache[1:]
		}
		q := c.headNorm(w, p+"self_attn.q_norm", Reshape(c.project(w, p+"self_attn.q_proj", h), batch, c.Heads, c.HeadDim))
		k := c.headNorm(w, p+"self_attn.k_norm", Reshape(c.project(w, p+"self_attn.k_proj", h), batch, c.KVHeads, c.HeadDim))
		v := Reshape(c.project(w, p+"self_attn.v_proj", h), rows, c.HeadDim)
		q = MulScalar(c.rotate(q, cos, sin), 1/math.Sqrt(float64(c.HeadDim)))
		q = Reshape(q, rows, c.group(), c.HeadDim)
		k = Reshape(c.rotate(k, cos, sin), rows, c.HeadDim)
		// The slot at pos is zero, so adding writes it; idle rows add nothing. This form is
		// the fastest on both backends (a scatter that overwrites is 2 to 3 times slower).
		kc = ScatterSum(kc, whereKey, Mul(k, kvAct), true, true)
		vc = ScatterSum(vc, where, Mul(v, kvAct), true, true)

		scores := cachedScores(q, kc, inKey) // [batch·kv, group, len]
		o := Dot(Softmax(Add(scores, mask), -1), vc).General([]int{2}, []int{0}, []int{1}, []int{0})
		x = Add(x, c.project(w, p+"self_attn.o_proj", Reshape(o, batch, c.Heads*c.HeadDim)))
		x = Add(x, c.mlp(w, p, x))
		out = append(out, kc, vc)
		if c.TokenShift {
			out = append(out, shift)
		}
	}
	return c.Logits(w, c.norm(x, w["model.norm.weight"])), out
}

// cachedScores are q·k of each key in a cache, whose channels lie on an axis.
//
//	q [rows, group, head] → [rows, group, len]
func cachedScores(q, k *Node, channels int) *Node {
	if q.Shape().Dim(1) < 3 || KeysTransposed(q.Graph().Backend()) {
		return Dot(q, k).General([]int{2}, []int{0}, []int{channels}, []int{0})
	}
	// Of many queries a key, XLA is a third faster with the long matrix on the left.
	return TransposeAllAxes(Dot(k, q).General([]int{channels}, []int{0}, []int{2}, []int{0}), 0, 2, 1)
}

// mlp is SwiGLU: down(silu(gate(x))·up(x)), after its norm.
func (c Config) mlp(w Weights, p string, x *Node) *Node {
	h := c.norm(x, w[p+"post_attention_layernorm.weight"])
	both := c.projectAll(w, h, p+"mlp.gate_proj", p+"mlp.up_proj")
	return c.project(w, p+"mlp.down_proj", c.swiglu(both[0], both[1]))
}

// swiglu is silu(gate)·up, with silu(x) = x·σ(x). The gradient of silu is σ + silu·(1 − σ).
func (c Config) swiglu(gate, up *Node) *Node {
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

// sigmoid is 1/(1 + e⁻ˣ). The exponent is bounded, so that nothing overflows; below −40 the
// value is under 1e-17.
func sigmoid(x *Node) *Node { return Inverse(AddScalar(Exp(MinScalar(Neg(x), 40.0)), 1.0)) }

// norm is RMSNorm: y = x·r·scale with r = 1/√(mean x² + ε). With v the gradient of y and
// u = v·scale, that of x is r·(u − x·r²·mean(u·x)), and that of the scale Σ v·x·r.
func (c Config) norm(x, scale *Node) *Node {
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

// headNorm is norm over the channels of each head, in families that have one.
//
//	x [..., heads, head] → [..., heads, head]
func (c Config) headNorm(w Weights, name string, x *Node) *Node {
	if scale, ok := w[name+".weight"]; ok {
		return c.norm(x, scale)
	}
	return x
}

// project is dense, with a bias in families that have one and an adapter where there is one:
//
//	y = x·Wᵀ + b + (alpha/rank)·(x·Aᵀ)·Bᵀ
//	x [..., in] → [..., out]
func (c Config) project(w Weights, name string, x *Node) *Node {
	return c.adapt(w, name, x, c.dense(x, w[name+".weight"]))
}

// projectAll is project of one x by several matrices. Where there are many rows they are
// multiplied as one, which is faster; for the few of decoding, laying them side by side
// would cost more than it saves.
func (c Config) projectAll(w Weights, x *Node, names ...string) (list []*Node) {
	if x.Rank() == 2 {
		for _, name := range names {
			list = append(list, c.project(w, name, x))
		}
		return list
	}
	var all []*Node
	var sizes []int
	for _, name := range names {
		matrix := w[name+".weight"]
		all, sizes = append(all, matrix), append(sizes, matrix.Shape().Dim(0))
	}
	for i, y := range split(c.dense(x, Concatenate(all, 0)), sizes...) {
		list = append(list, c.adapt(w, names[i], x, y))
	}
	return list
}

// adapt adds to y = x·Wᵀ what else a projection has.
func (c Config) adapt(w Weights, name string, x, y *Node) *Node {
	if a, ok := w[name+AdapterA]; ok {
		y = Add(y, MulScalar(c.dense(c.dense(x, a), w[name+AdapterB]), c.LoRA.Scale()))
	}
	return addBias(w, name, y)
}

func addBias(w Weights, name string, y *Node) *Node {
	if bias, ok := w[name+".bias"]; ok {
		y = Add(y, ExpandLeftToRank(bias, y.Rank()))
	}
	return y
}

// dense is x[..., in] · w[out, in]ᵀ → [..., out].
//
// The Go backend has kernels that are many times faster than those of small products of
// this form. One takes the weights the other way round: for the few rows of decoding,
// turning them costs little. The other takes products of 2²² multiplications and more:
// with rows of zeros below the weights, those of training are large enough, and so are
// those of its gradient.
func (c Config) dense(x, w *Node) *Node {
	out, in := w.Shape().Dim(0), w.Shape().Dim(1)
	rows := x.Shape().Size() / in
	switch {
	case device.IsXLA(x.Graph().Backend()):
		return Dot(x, w).General([]int{-1}, nil, []int{1}, nil)
	case x.Rank() == 2 && rows >= 4:
		return Dot(x, Transpose(w, 0, 1)).Product()
	}
	const large = 1 << 22
	if wide := (large + rows*in - 1) / (rows * in); out < wide && wide <= 4*out {
		y := c.product(x, Concatenate([]*Node{w, Zeros(w.Graph(), device.F32(wide-out, in))}, 0))
		return SliceAxis(y, -1, AxisRange(0, out))
	}
	return c.product(x, w)
}

// product is x[..., in] · w[out, in]ᵀ. With v the gradient of the result, that of x is v·w
// and that of w is vᵀ·x.
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
