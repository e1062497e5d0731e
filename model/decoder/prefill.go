package decoder

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// PrefillGraph reads prompts. What it returns does not depend on the cache's shape: a trunk
// takes seconds to compile, and InsertGraph, which puts it there, takes none.
//
//	weights; tokens [admit, width] int32; count [admit] int32, tokens a prompt
//	→ a cache of admit rows and width positions, zero from count on, which Step relies on
func (c Config) PrefillGraph(in []*Node) (out []*Node) {
	w, in := c.Bind(in)
	tokens, count := in[0], in[1]
	g := tokens.Graph()
	rows, width := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	_, memories := c.trunk(w, tokens)

	valid := ConvertDType(LessThan(Iota(g, device.I32(rows, width), 1), BroadcastToDims(ExpandAxes(count, -1), rows, width)), device.Float32)
	last := Where(GreaterThan(count, ZerosLike(count)), Sub(count, OnesLike(count)), ZerosLike(count))
	headMajor := func(x *Node) *Node { // [rows, width, kv, head] → [rows·kv, width, head]
		x = TransposeAllAxes(Mul(x, Reshape(valid, rows, width, 1, 1)), 0, 2, 1, 3)
		return Reshape(x, rows*c.KVHeads, width, c.HeadDim)
	}
	for _, m := range memories {
		keys := headMajor(m.k)
		if KeysTransposed(g.Backend()) {
			keys = TransposeAllAxes(keys, 0, 2, 1)
		}
		out = append(out, keys, headMajor(m.v))
		if c.TokenShift {
			half := c.Dim / 2
			at := Add(MulScalar(Iota(g, device.I32(rows), 0), width), last) // the prompt's last token in the cache
			shift := Gather(Reshape(m.shift, rows*width, half), ExpandAxes(at, -1))
			none := ConvertDType(GreaterThan(count, ZerosLike(count)), device.Float32) // nothing before the first token
			out = append(out, Mul(shift, ExpandAxes(none, -1)))
		}
	}
	return out
}

// ExtendGraph reads the next part of prompts that are longer than one call takes.
//
//	weights; tokens [rows, width] int32; start [rows] int32, the position of a part's first token;
//	count [rows] int32, tokens of a part (0: the row is idle); slot [rows] int32, the row of the cache; cache → cache
//
// It attends to what the cache holds and to itself, so that a call's memory grows with
// the length of the prompt and not with its square.
func (c Config) ExtendGraph(in []*Node) []*Node {
	w, in := c.Bind(in)
	tokens, start, count, slot, cache := in[0], in[1], in[2], in[3], in[4:]
	g := tokens.Graph()
	rows, width := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	length := cache[1].Shape().Dim(1)
	column := func(x *Node) *Node { return BroadcastToDims(ExpandAxes(x, -1), rows, width) }

	i := Iota(g, device.I32(rows, width), 1)
	valid := ConvertDType(LessThan(i, column(count)), device.Float32) // [rows, width]
	pos := Min(Add(i, column(start)), Const(g, int32(length-1)))      // [rows, width]
	cos, sin := c.rotations(g, length)                                // [length, rotary/2]
	at := Reshape(pos, rows*width, 1)                                 // for Gather
	cos = Reshape(Gather(cos, at), rows, width, 1, -1)
	sin = Reshape(Gather(sin, at), rows, width, 1, -1)
	seen := LessOrEqual(Iota(g, device.I32(rows, width, length), 2), BroadcastToDims(ExpandAxes(pos, -1), rows, width, length))
	mask := Where(seen, Scalar(g, device.Float32, 0.0), Scalar(g, device.Float32, math.Inf(-1)))
	mask = Reshape(mask, rows, 1, width, 1, length)
	// Where keys and values go, and where they come from: cache row slot·kv+k.
	head := Iota(g, device.I32(rows, c.KVHeads), 1)
	own := Add(MulScalar(BroadcastToDims(ExpandAxes(slot, -1), rows, c.KVHeads), c.KVHeads), head) // [rows, kv]
	full := []int{rows, c.KVHeads, width}
	where := Concatenate([]*Node{
		Reshape(BroadcastToDims(ExpandAxes(own, -1), full...), -1, 1),
		Reshape(BroadcastToDims(ExpandAxes(pos, 1), full...), -1, 1),
	}, -1) // [rows·kv·width, 2]
	// put adds x [rows, width, kv, head] into the cache, whose places are zero, and
	// returns it with the rows concerned, [rows, kv, length, head].
	put := func(cache, x *Node) (*Node, *Node) {
		x = TransposeAllAxes(Mul(x, Reshape(valid, rows, width, 1, 1)), 0, 2, 1, 3)
		cache = ScatterSum(cache, where, Reshape(x, -1, c.HeadDim), false, false)
		return cache, Reshape(Gather(cache, Reshape(own, -1, 1)), rows, c.KVHeads, length, c.HeadDim)
	}
	putKeys := func(cache, x *Node) (*Node, *Node) {
		if !KeysTransposed(g.Backend()) {
			return put(cache, x)
		}
		cache, keys := put(TransposeAllAxes(cache, 0, 2, 1), x) // little beside the product
		return TransposeAllAxes(cache, 0, 2, 1), keys
	}

	x := Gather(w[Embedding], ExpandAxes(tokens, -1)) // [rows, width, dim]
	var out []*Node
	for l := range c.Layers {
		p := layer(l)
		h := c.norm(x, w[p+"input_layernorm.weight"])
		var shift *Node
		if c.TokenShift {
			half := c.Dim / 2
			now := Slice(h, AxisRange(), AxisRange(), AxisRange(0, half))  // [rows, width, dim/2]
			first := ExpandAxes(Gather(cache[2], ExpandAxes(slot, -1)), 1) // [rows, 1, dim/2]
			all := Concatenate([]*Node{first, now}, 1)                     // [rows, width+1, dim/2]
			h = Concatenate([]*Node{Slice(all, AxisRange(), AxisRange(0, width)), Slice(h, AxisRange(), AxisRange(), AxisRange(half))}, -1)
			// The part's last token is what the next one shifts in; of an idle row, what was there.
			last := Add(MulScalar(Iota(g, device.I32(rows), 0), width+1), count)
			change := Sub(Gather(Reshape(all, rows*(width+1), half), ExpandAxes(last, -1)), Reshape(first, rows, half))
			shift = ScatterSum(cache[2], ExpandAxes(slot, -1), change, false, false)
		}
		q := c.headNorm(w, p+"self_attn.q_norm", Reshape(c.project(w, p+"self_attn.q_proj", h), rows, width, c.Heads, c.HeadDim))
		k := c.headNorm(w, p+"self_attn.k_norm", Reshape(c.project(w, p+"self_attn.k_proj", h), rows, width, c.KVHeads, c.HeadDim))
		v := Reshape(c.project(w, p+"self_attn.v_proj", h), rows, width, c.KVHeads, c.HeadDim)
		q = MulScalar(c.rotate(q, cos, sin), 1/math.Sqrt(float64(c.HeadDim)))
		kc, keys := putKeys(cache[0], c.rotate(k, cos, sin))
		vc, vals := put(cache[1], v)
		cache = cache[2:]
		out = append(out, kc, vc)
		if c.TokenShift {
			out, cache = append(out, shift), cache[1:]
		}
		if l == c.Layers-1 {
			break // nothing reads what comes after the last keys and values
		}
		q = Reshape(q, rows, width, c.KVHeads, c.group(), c.HeadDim)
		scores := Dot(q, keys).General([]int{4}, []int{0, 2}, []int{3}, []int{0, 1})                         // [rows, kv, width, group, length]
		o := Dot(Softmax(Add(scores, mask), -1), vals).General([]int{4}, []int{0, 1}, []int{2}, []int{0, 1}) // [rows, kv, width, group, head]
		o = Reshape(TransposeAllAxes(o, 0, 2, 1, 3, 4), rows, width, c.Heads*c.HeadDim)
		x = Add(x, c.project(w, p+"self_attn.o_proj", o)) // [rows, width, dim]
		x = Add(x, c.mlp(w, p, x))
	}
	return out
}
