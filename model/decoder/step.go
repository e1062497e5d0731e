package decoder

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// Step runs one token a row, with a KV cache of the tokens before it.
//
//	token, position [batch] int32; active [batch], 1, or 0 for a row whose cache stays as it is
//	cache, as [Config.CacheDims] lists it, zero from the rows' positions on
//	→ logits [batch, vocab], the cache with the token
func (d Decoder) Step(token, position, active *Node, cache []*Node) (logits *Node, newCache []*Node) {
	token.AssertRank(1)
	batch := token.Shape().Dim(0)
	position.AssertDims(batch)
	active.AssertDims(batch)
	layers := d.layerCaches(cache)
	s := d.newOneToken(position, active, layers[0].values.Shape().Dim(1))

	x := Gather(d.Weights[Embedding], ExpandAxes(token, -1)) // [batch, dim]
	for i := range d.Layers {
		s.layerCache = layers[i]
		x = d.layer(i, x, s)
		newCache = append(newCache, s.nodes()...)
	}
	return d.Logits(d.norm(x, d.Weights[finalNorm])), newCache
}

// oneToken is the sequence of one token a row, behind the tokens of a KV cache. Each layer's
// cache goes in before the layer and comes out with the token.
type oneToken struct {
	Config
	layerCache
	batch, length int

	cos, sin  *Node // [batch, 1, rotary/2]
	active    *Node // [batch·kv, 1], 1 or 0
	busy      *Node // [batch, dim/2] bool; nil without TokenShift
	mask      *Node // [batch·kv, 1, len], 0 where a query reads a position, −∞ where not
	where     *Node // [batch·kv, 2], where a value goes
	whereKey  *Node // the same of a key: where, or [batch·kv, head, 1, 3]
	keyHeadAt int   // the axis of a key's channels in the cache
}

func (c Config) newOneToken(position, active *Node, length int) *oneToken {
	position.AssertRank(1)
	g, batch := position.Graph(), position.Shape().Dim(0)
	active.AssertDims(batch)
	n := batch * c.KVHeads
	s := &oneToken{Config: c, batch: batch, length: length}
	// perKV repeats a row's value for its key and value heads: [batch] → [batch·kv].
	perKV := func(x *Node) *Node {
		return Reshape(BroadcastToDims(ExpandAxes(x, -1), batch, c.KVHeads), n)
	}
	at := perKV(position) // [batch·kv]
	s.where = Concatenate([]*Node{Iota(g, device.I32(n, 1), 0), Reshape(at, n, 1)}, -1)
	s.whereKey, s.keyHeadAt = s.where, 2
	if keysTransposed(g.Backend()) {
		all := device.I32(n, c.HeadDim, 1)
		s.keyHeadAt = 1
		s.whereKey = Concatenate([]*Node{Iota(g, all, 0), Iota(g, all, 1),
			BroadcastToDims(Reshape(at, n, 1, 1), all.Dimensions...)}, -1) // [batch·kv, head, 3]
	}
	s.active = Reshape(perKV(active), n, 1)
	mask := Where(LessOrEqual(Iota(g, device.I32(n, length), 1), BroadcastToDims(Reshape(at, n, 1), n, length)),
		Scalar(g, device.Float32, 0.0), Scalar(g, device.Float32, math.Inf(-1))) // [batch·kv, len]
	s.mask = Reshape(mask, n, 1, length)
	cos, sin := c.rotations(g, length) // [len, rotary/2]
	row := ExpandAxes(position, -1)    // [batch, 1]
	s.cos, s.sin = Reshape(Gather(cos, row), batch, 1, -1), Reshape(Gather(sin, row), batch, 1, -1)
	if c.TokenShift {
		s.busy = BroadcastToDims(GreaterThan(ExpandAxes(active, -1), Scalar(g, device.Float32, 0.0)), batch, c.Dim/2)
	}
	return s
}

func (s *oneToken) rotate(x *Node) *Node { return s.Config.rotate(x, s.cos, s.sin) }

func (s *oneToken) previous(x *Node) *Node {
	x.AssertDims(s.batch, s.Dim/2)
	before := s.shift
	s.shift = Where(s.busy, x, before)
	return before
}

func (s *oneToken) attend(q, k, v *Node) *Node {
	q.AssertDims(s.batch, s.Heads, s.HeadDim)
	k.AssertDims(s.batch, s.KVHeads, s.HeadDim)
	v.AssertDims(s.batch, s.KVHeads, s.HeadDim)
	n := s.batch * s.KVHeads
	q = Reshape(q, n, s.group(), s.HeadDim) // [batch·kv, group, head]
	k = Reshape(k, n, s.HeadDim)            // [batch·kv, head]
	v = Reshape(v, n, s.HeadDim)            // [batch·kv, head]
	// The slot at the position is zero, so adding writes it; idle rows add nothing. This form is
	// the fastest on both backends (a scatter that overwrites is 2 to 3 times slower).
	s.keys = ScatterSum(s.keys, s.whereKey, Mul(k, s.active), true, true)
	s.values = ScatterSum(s.values, s.where, Mul(v, s.active), true, true)

	scores := cachedScores(q, s.keys, s.keyHeadAt) // [batch·kv, group, len]
	o := Dot(Softmax(Add(scores, s.mask), -1), s.values).General([]int{2}, []int{0}, []int{1}, []int{0})
	return Reshape(o, s.batch, s.Heads*s.HeadDim) // [batch, heads·head]
}

// cachedScores computes q·k of each key in a cache, whose channels lie on an axis.
//
//	q [batch·kv, group, head] → [batch·kv, group, len]
func cachedScores(q, k *Node, channels int) *Node {
	q.AssertRank(3)
	if q.Shape().Dim(1) < 3 || keysTransposed(q.Graph().Backend()) {
		return Dot(q, k).General([]int{2}, []int{0}, []int{channels}, []int{0})
	}
	// Of many queries a key, XLA is a third faster with the long matrix on the left.
	return TransposeAllAxes(Dot(k, q).General([]int{channels}, []int{0}, []int{2}, []int{0}), 0, 2, 1)
}
