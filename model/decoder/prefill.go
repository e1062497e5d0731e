package decoder

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// Prefill reads prompts, or their first parts. What it returns does not depend on the shape of
// the cache that it is put into: the layers take seconds to compile, and copying takes none.
//
//	tokens [prompts, seq] int32; count [prompts] int32, tokens of each prompt
//	→ a cache of so many rows and seq positions, zero from count on, as [Decoder.Step] needs it
func (d Decoder) Prefill(tokens, count *Node) (cache []*Node) {
	tokens.AssertRank(2)
	prompts, seq := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	count.AssertDims(prompts)
	g := tokens.Graph()
	_, layers := d.hidden(tokens)

	counts := BroadcastToDims(ExpandAxes(count, -1), prompts, seq)                                // [prompts, seq]
	valid := ConvertDType(LessThan(Iota(g, device.I32(prompts, seq), 1), counts), device.Float32) // [prompts, seq]
	some := GreaterThan(count, ZerosLike(count))                                                  // [prompts]
	last := Where(some, Sub(count, OnesLike(count)), ZerosLike(count))                            // [prompts]
	// headMajor lays keys or values out head by head:
	//	[prompts, seq, kv, head] → [prompts·kv, seq, head]
	headMajor := func(x *Node) *Node {
		x = TransposeAllAxes(Mul(x, Reshape(valid, prompts, seq, 1, 1)), 0, 2, 1, 3)
		return Reshape(x, prompts*d.KVHeads, seq, d.HeadDim)
	}
	for _, l := range layers {
		l.keys, l.values = headMajor(l.keys), headMajor(l.values)
		if keysTransposed(g.Backend()) {
			l.keys = TransposeAllAxes(l.keys, 0, 2, 1) // [prompts·kv, head, seq]
		}
		if d.TokenShift {
			at := Add(MulScalar(Iota(g, device.I32(prompts), 0), seq), last)            // [prompts], the last token of each
			shift := Gather(Reshape(l.shift, prompts*seq, d.Dim/2), ExpandAxes(at, -1)) // [prompts, dim/2]
			// Nothing comes before the first token.
			l.shift = Mul(shift, ExpandAxes(ConvertDType(some, device.Float32), -1))
		}
		cache = append(cache, l.nodes()...)
	}
	return cache
}

// Extend reads the next parts of prompts that are longer than one call takes. A part attends to
// the cache and to itself, so the memory of a call grows with the length of the prompt and not
// with its square.
//
//	tokens [parts, seq] int32; start [parts] int32, the position of a part's first token;
//	count [parts] int32, tokens of a part (0: the part is empty); row [parts] int32, its row of the cache
//	cache → cache
func (d Decoder) Extend(tokens, start, count, row *Node, cache []*Node) (out []*Node) {
	tokens.AssertRank(2)
	parts := tokens.Shape().Dim(0)
	for _, x := range []*Node{start, count, row} {
		x.AssertDims(parts)
	}
	layers := d.layerCaches(cache)
	p := d.newParts(tokens, start, count, row, layers[0].values.Shape().Dim(1))
	x := Gather(d.Weights[Embedding], ExpandAxes(tokens, -1)) // [parts, seq, dim]
	for i := range d.Layers {
		p.layerCache = layers[i]
		x = d.layer(i, x, p) // of the last layer nothing but keys and values is computed
		out = append(out, p.nodes()...)
	}
	return out
}

// parts is the sequence of further parts of prompts, behind the tokens of a KV cache. Each
// layer's cache goes in before the layer and comes out with the parts' tokens.
type parts struct {
	Config
	layerCache
	parts, seq, length int

	cos, sin *Node // [parts, seq, 1, rotary/2]
	valid    *Node // [parts, seq, 1, 1], 1 for a token of a part, 0 for padding
	count    *Node // [parts] int32
	row      *Node // [parts, 1] int32, the part's row of the cache
	own      *Node // [parts·kv, 1] int32, the part's key and value heads in the cache
	where    *Node // [parts·kv·seq, 2], where keys and values go
	mask     *Node // [parts, 1, seq, 1, len], 0 where a query reads a position, −∞ where not
}

func (c Config) newParts(tokens, start, count, row *Node, length int) *parts {
	tokens.AssertRank(2)
	g, n, seq := tokens.Graph(), tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	count.AssertDims(n)
	column := func(x *Node) *Node { return BroadcastToDims(ExpandAxes(x, -1), n, seq) } // [parts, seq]
	i := Iota(g, device.I32(n, seq), 1)                                                 // [parts, seq]
	valid := ConvertDType(LessThan(i, column(count)), device.Float32)                   // [parts, seq]
	position := Min(Add(i, column(start)), Const(g, int32(length-1)))                   // [parts, seq]
	cos, sin := c.rotations(g, length)                                                  // [len, rotary/2]
	at := Reshape(position, n*seq, 1)                                                   // [parts·seq, 1]
	visible := LessOrEqual(Iota(g, device.I32(n, seq, length), 2), BroadcastToDims(ExpandAxes(position, -1), n, seq, length))
	mask := Where(visible, Scalar(g, device.Float32, 0.0), Scalar(g, device.Float32, math.Inf(-1))) // [parts, seq, len]
	head := Iota(g, device.I32(n, c.KVHeads), 1)                                                    // [parts, kv]
	own := Add(MulScalar(BroadcastToDims(ExpandAxes(row, -1), n, c.KVHeads), c.KVHeads), head)      // [parts, kv]
	all := []int{n, c.KVHeads, seq}
	where := Concatenate([]*Node{
		Reshape(BroadcastToDims(ExpandAxes(own, -1), all...), -1, 1),
		Reshape(BroadcastToDims(ExpandAxes(position, 1), all...), -1, 1),
	}, -1) // [parts·kv·seq, 2]
	return &parts{Config: c, parts: n, seq: seq, length: length,
		cos: Reshape(Gather(cos, at), n, seq, 1, -1), sin: Reshape(Gather(sin, at), n, seq, 1, -1),
		valid: Reshape(valid, n, seq, 1, 1), count: count, row: ExpandAxes(row, -1), own: Reshape(own, -1, 1), where: where,
		mask: Reshape(mask, n, 1, seq, 1, length)}
}

func (p *parts) rotate(x *Node) *Node { return p.Config.rotate(x, p.cos, p.sin) }

func (p *parts) previous(x *Node) *Node {
	half := p.Dim / 2
	x.AssertDims(p.parts, p.seq, half)
	first := ExpandAxes(Gather(p.shift, p.row), 1) // [parts, 1, dim/2]
	all := Concatenate([]*Node{first, x}, 1)       // [parts, 1+seq, dim/2]
	// The next part reads the last token of this one; of an empty part, what was there.
	last := Add(MulScalar(Iota(x.Graph(), device.I32(p.parts), 0), p.seq+1), p.count)                                 // [parts]
	change := Sub(Gather(Reshape(all, p.parts*(p.seq+1), half), ExpandAxes(last, -1)), Reshape(first, p.parts, half)) // [parts, dim/2]
	p.shift = ScatterSum(p.shift, p.row, change, false, false)
	return Slice(all, AxisRange(), AxisRange(0, p.seq)) // [parts, seq, dim/2]
}

func (p *parts) attend(q, k, v *Node) *Node {
	q.AssertDims(p.parts, p.seq, p.Heads, p.HeadDim)
	k.AssertDims(p.parts, p.seq, p.KVHeads, p.HeadDim)
	v.AssertDims(p.parts, p.seq, p.KVHeads, p.HeadDim)
	var keys, values *Node // [parts, kv, len, head]
	if keysTransposed(q.Graph().Backend()) {
		p.keys, keys = p.put(TransposeAllAxes(p.keys, 0, 2, 1), k) // little beside the product
		p.keys = TransposeAllAxes(p.keys, 0, 2, 1)                 // [batch·kv, head, len]
	} else {
		p.keys, keys = p.put(p.keys, k)
	}
	p.values, values = p.put(p.values, v)
	q = Reshape(q, p.parts, p.seq, p.KVHeads, p.group(), p.HeadDim)                                          // [parts, seq, kv, group, head]
	scores := Dot(q, keys).General([]int{4}, []int{0, 2}, []int{3}, []int{0, 1})                             // [parts, kv, seq, group, len]
	o := Dot(Softmax(Add(scores, p.mask), -1), values).General([]int{4}, []int{0, 1}, []int{2}, []int{0, 1}) // [parts, kv, seq, group, head]
	return Reshape(TransposeAllAxes(o, 0, 2, 1, 3, 4), p.parts, p.seq, p.Heads*p.HeadDim)                    // [parts, seq, heads·head]
}

// put adds keys or values to a cache, whose places are zero, and returns with it the entries of
// the parts' rows.
//
//	cache [batch·kv, len, head], x [parts, seq, kv, head] → cache, [parts, kv, len, head]
func (p *parts) put(cache, x *Node) (*Node, *Node) {
	x.AssertDims(p.parts, p.seq, p.KVHeads, p.HeadDim)
	x = TransposeAllAxes(Mul(x, p.valid), 0, 2, 1, 3) // [parts, kv, seq, head]
	cache = ScatterSum(cache, p.where, Reshape(x, -1, p.HeadDim), false, false)
	return cache, Reshape(Gather(cache, p.own), p.parts, p.KVHeads, p.length, p.HeadDim)
}
