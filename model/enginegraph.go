package model

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

// decodeGraph samples up to window tokens a row.
//
//	weights; tok, pos, left [batch] int32; temperature [batch]; noise [window, batch] in [0, 1); cache
//	→ tokens [window, batch] int32, log-probabilities [window, batch], cache
//
// A row with left 0 is idle; a row ends with EOS or a stop, or when left has run out.
func (c Config) decodeGraph(window int) func(in []*Node) []*Node {
	return func(in []*Node) []*Node {
		w, in := c.bind(in)
		tok, pos, left, temp, noise, cache := in[0], in[1], in[2], in[3], in[4], in[5:]
		if window == 1 {
			next, logp, _, _, cache := c.sampleStep(w, tok, pos, left, temp, Reshape(noise, -1), cache)
			return append([]*Node{Reshape(next, 1, -1), Reshape(logp, 1, -1)}, cache...)
		}
		return c.decodeLoop(w, window, tok, pos, left, temp, noise, cache)
	}
}

// decodeLoop repeats sampleStep on the device. A closure cannot see the nodes outside,
// so everything it needs is loop state, the weights included.
func (c Config) decodeLoop(w Weights, window int, tok, pos, left, temp, noise *Node, cache []*Node) []*Node {
	g := tok.Graph()
	batch := tok.Shape().Dim(0)
	state := []*Node{Const(g, int32(0)), tok, pos, left, temp, noise, Zeros(g, i32(window, batch)), Zeros(g, f32(window, batch))}
	cacheAt := len(state)
	state = append(state, cache...)
	weightsAt := len(state)
	specs := c.specs()
	for _, s := range specs {
		state = append(state, w[s.name])
	}
	params := func(g *Graph) []*Node {
		p := make([]*Node, len(state))
		for i, s := range state {
			p[i] = Parameter(g, fmt.Sprint("p", i), s.Shape())
		}
		return p
	}
	cond := NewClosure(g, func(g *Graph) []*Node {
		p := params(g)
		return []*Node{And(LessThan(p[0], Const(g, int32(window))), GreaterThan(ReduceAllMax(p[3]), Const(g, int32(0))))}
	})
	body := NewClosure(g, func(g *Graph) []*Node {
		p := params(g)
		i := p[0]
		w := make(Weights, len(specs))
		for k, s := range specs {
			w[s.name] = p[weightsAt+k]
		}
		u := Reshape(Gather(p[5], Reshape(i, 1, 1)), batch)
		next, logp, pos, left, cache := c.sampleStep(w, p[1], p[2], p[3], p[4], u, p[cacheAt:weightsAt])
		at := Reshape(i, 1, 1)
		out := []*Node{
			AddScalar(i, 1), next, pos, left, Identity(p[4]), Identity(p[5]),
			ScatterSum(p[6], at, Reshape(next, 1, batch), true, true), ScatterSum(p[7], at, Reshape(logp, 1, batch), true, true),
		}
		out = append(out, cache...)
		for _, weight := range p[weightsAt:] {
			out = append(out, Identity(weight))
		}
		return out
	})
	end := While(cond, body, state...)
	return append([]*Node{end[6], end[7]}, end[cacheAt:weightsAt]...)
}

// sampleStep runs the decoder on one token a row and draws the next.
//
//	tok, pos, left [batch] int32, temp and u [batch] → next [batch] int32, logp [batch], pos, left, cache
func (c Config) sampleStep(w Weights, tok, pos, left, temp, u *Node, cache []*Node) (next, logp, newPos, newLeft *Node, newCache []*Node) {
	g := tok.Graph()
	batch := tok.Shape().Dim(0)
	busy := MinScalar(left, 1) // [batch] int32, 1 or 0
	logits, newCache := c.step(w, tok, pos, ConvertDType(busy, float32Type), cache)

	greedy := LessOrEqual(temp, ScalarZero(g, float32Type)) // [batch]
	temp = Where(greedy, OnesLike(temp), temp)
	all := LogSoftmax(Div(logits, ExpandAxes(temp, -1)), -1) // [batch, vocab]
	// The token whose cumulative mass passes u; the total is 1 only up to rounding.
	cumulative := prefixSum(Exp(all))
	total := Slice(cumulative, AxisRange(), AxisRange(c.VocabSize-1))
	below := ConvertDType(LessOrEqual(cumulative, Mul(total, ExpandAxes(u, -1))), float32Type)
	next = ConvertDType(ReduceSum(below, -1), tok.DType())
	next = Min(next, Const(g, int32(c.VocabSize-1)))
	next = Where(greedy, ArgMax(logits, -1, tok.DType()), next)

	flat := Add(MulScalar(Iota(g, i32(batch), 0), c.VocabSize), next)
	logp = Gather(Reshape(all, -1), ExpandAxes(flat, -1)) // [batch]
	// An idle row yields zeros, and a row that is done becomes idle.
	next = Mul(next, busy)
	logp = Mul(logp, ConvertDType(busy, float32Type))
	ended := Equal(next, Const(g, int32(c.EOS)))
	for _, stop := range c.Stops {
		ended = Or(ended, Equal(next, Const(g, stop)))
	}
	newLeft = Where(ended, ZerosLike(left), Sub(left, busy))
	return next, logp, Add(pos, busy), newLeft, newCache
}

// prefixSum is the running sum over the last axis, in log₂ steps.
//
//	x [batch, n] → [batch, n]
func prefixSum(x *Node) *Node {
	n := x.Shape().Dim(1)
	for d := 1; d < n; d *= 2 {
		x = Add(x, Concatenate([]*Node{
			Zeros(x.Graph(), f32(x.Shape().Dim(0), d)), Slice(x, AxisRange(), AxisRange(0, n-d))}, 1))
	}
	return x
}

// insertGraph reads prompts into the cache and puts them into free rows.
//
//	weights; tokens [admit, width] int32; count [admit] int32, tokens a prompt; source [batch] int32, the prompt
//	that a row takes; taken [batch], 1 where it takes one; cache → cache
//
// A row that takes a prompt is overwritten whole, so nothing of its last sequence
// stays; positions from count on are zero, which step relies on.
func (c Config) insertGraph(in []*Node) []*Node {
	w, in := c.bind(in)
	tokens, count, source, taken, cache := in[0], in[1], in[2], in[3], in[4:]
	g := tokens.Graph()
	rows, width := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	batch, length := source.Shape().Dim(0), cache[0].Shape().Dim(1)
	_, memories := c.trunk(w, tokens)

	valid := ConvertDType(LessThan(Iota(g, i32(rows, width), 1), BroadcastToDims(ExpandAxes(count, -1), rows, width)), float32Type)
	last := Where(GreaterThan(count, ZerosLike(count)), Sub(count, OnesLike(count)), ZerosLike(count))
	place := func(fresh, old *Node) *Node { // fresh [rows, ...] into old [batch, ...]
		moved := Gather(fresh, ExpandAxes(source, -1)) // [batch, ...]
		pick := GreaterThan(taken, ScalarZero(g, float32Type))
		dims := make([]int, moved.Rank())
		for i := range dims {
			dims[i] = 1
		}
		dims[0] = batch
		return Where(BroadcastToDims(Reshape(pick, dims...), moved.Shape().Dimensions...), moved, old)
	}
	headMajor := func(x *Node) *Node { // [rows, width, kv, head] → [rows, kv, length, head], zero from count on
		x = Mul(x, Reshape(valid, rows, width, 1, 1))
		x = TransposeAllAxes(x, 0, 2, 1, 3)
		if width < length {
			x = Concatenate([]*Node{x, Zeros(g, f32(rows, c.KVHeads, length-width, c.HeadDim))}, 2)
		}
		return x
	}
	var out []*Node
	for _, m := range memories {
		for _, kv := range []*Node{m.k, m.v} {
			old := Reshape(cache[0], batch, c.KVHeads, length, c.HeadDim)
			out = append(out, Reshape(place(headMajor(kv), old), batch*c.KVHeads, length, c.HeadDim))
			cache = cache[1:]
		}
		if c.TimeShift {
			half := c.Dim / 2
			at := Add(MulScalar(Iota(g, i32(rows), 0), width), last) // the prompt's last token in the cache
			shift := Gather(Reshape(m.shift, rows*width, half), ExpandAxes(at, -1))
			none := ConvertDType(GreaterThan(count, ZerosLike(count)), float32Type) // nothing before the first token
			out = append(out, place(Mul(shift, ExpandAxes(none, -1)), cache[0]))
			cache = cache[1:]
		}
	}
	return out
}
