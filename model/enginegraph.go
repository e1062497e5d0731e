package model

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// decodeGraph samples up to window tokens a row.
//
//	weights; tok, pos, left [batch] int32; temperature [batch]; noise [window, batch] in [0, 1);
//	limits [3, batch], only with filters (see keep); cache
//	→ tokens [window, batch] int32, log-probabilities [window, batch]; with filters, those
//	under the distribution that was drawn from [window, batch]; cache
//
// A row with left 0 is idle; a row ends with EOS or a stop, or when left has run out.
func decodeGraph(c Config, window int, f filters) func(in []*Node) []*Node {
	return func(in []*Node) []*Node {
		w, in := c.Bind(in)
		a := drawing{temp: in[3], filters: f}
		tok, pos, left, noise, cache := in[0], in[1], in[2], in[4], in[5:]
		if f != (filters{}) {
			a.limits, cache = cache[0], cache[1:]
		}
		if window == 1 {
			next, logp, _, _, cache := sampleStep(c, w, tok, pos, left, a, Reshape(noise, -1), cache)
			out := []*Node{Reshape(next, 1, -1)}
			for _, l := range logp {
				out = append(out, Reshape(l, 1, -1))
			}
			return append(out, cache...)
		}
		return decodeLoop(c, w, window, tok, pos, left, a, noise, cache)
	}
}

// A drawing says how rows draw.
type drawing struct {
	temp    *Node // [batch]; 0 is greedy
	limits  *Node // [3, batch], see keep; nil: no row has filters
	filters filters
}

// decodeLoop repeats sampleStep on the device. A closure cannot see the nodes outside,
// so everything it needs is loop state, the weights included.
func decodeLoop(c Config, w Weights, window int, tok, pos, left *Node, a drawing, noise *Node, cache []*Node) []*Node {
	g := tok.Graph()
	batch := tok.Shape().Dim(0)
	state := []*Node{Const(g, int32(0)), tok, pos, left, a.temp, noise, Zeros(g, device.I32(window, batch)), Zeros(g, device.F32(window, batch))}
	if a.limits != nil {
		state = append(state, Zeros(g, device.F32(window, batch)), a.limits)
	}
	cacheAt := len(state)
	state = append(state, cache...)
	weightsAt := len(state)
	specs := c.Specs()
	for _, s := range specs {
		state = append(state, w[s.Name])
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
			w[s.Name] = p[weightsAt+k]
		}
		u := Reshape(Gather(p[5], Reshape(i, 1, 1)), batch)
		a := drawing{temp: p[4], filters: a.filters}
		if cacheAt > 8 {
			a.limits = p[9]
		}
		next, logp, pos, left, cache := sampleStep(c, w, p[1], p[2], p[3], a, u, p[cacheAt:weightsAt])
		write := func(into, row *Node) *Node {
			return ScatterSum(into, Reshape(i, 1, 1), Reshape(row, 1, batch), true, true)
		}
		out := []*Node{AddScalar(i, 1), next, pos, left, Identity(p[4]), Identity(p[5]), write(p[6], next), write(p[7], logp[0])}
		if a.limits != nil {
			out = append(out, write(p[8], logp[1]), Identity(a.limits))
		}
		out = append(out, cache...)
		for _, weight := range p[weightsAt:] {
			out = append(out, Identity(weight))
		}
		return out
	})
	end := While(cond, body, state...)
	out := []*Node{end[6], end[7]}
	if a.limits != nil {
		out = append(out, end[8])
	}
	return append(out, end[cacheAt:weightsAt]...)
}

// sampleStep runs the decoder on one token a row and draws the next.
//
//	tok, pos, left [batch] int32, u [batch] → next [batch] int32, log-probabilities [batch], pos, left, cache
//
// With filters there are two log-probabilities: of the whole distribution, and of the
// one that was drawn from.
func sampleStep(c Config, w Weights, tok, pos, left *Node, a drawing, u *Node, cache []*Node) (next *Node, logp []*Node, newPos, newLeft *Node, newCache []*Node) {
	g := tok.Graph()
	batch := tok.Shape().Dim(0)
	busy := MinScalar(left, 1) // [batch] int32, 1 or 0
	logits, newCache := c.Step(w, tok, pos, ConvertDType(busy, device.Float32), cache)

	greedy := LessOrEqual(a.temp, ScalarZero(g, device.Float32)) // [batch]
	temp := Where(greedy, OnesLike(a.temp), a.temp)
	all := LogSoftmax(Div(logits, ExpandAxes(temp, -1)), -1) // [batch, vocab]
	likeliest := ArgMax(logits, -1, tok.DType())
	var logMass *Node
	if a.limits != nil {
		next, logMass = drawKept(all, a, u, likeliest)
	} else {
		next = draw(all, u)
	}
	next = Where(greedy, likeliest, next)

	flat := Add(MulScalar(Iota(g, device.I32(batch), 0), c.VocabSize), next)
	logp = []*Node{Gather(Reshape(all, -1), ExpandAxes(flat, -1))} // [batch]
	if a.limits != nil {
		logp = append(logp, Sub(logp[0], logMass))
	}
	// An idle row yields zeros, and a row that is done becomes idle.
	next = Mul(next, busy)
	for i := range logp {
		logp[i] = Mul(logp[i], ConvertDType(busy, device.Float32))
	}
	ended := Equal(next, Const(g, int32(c.EOS)))
	for _, stop := range c.Stops {
		ended = Or(ended, Equal(next, Const(g, stop)))
	}
	newLeft = Where(ended, ZerosLike(left), Sub(left, busy))
	return next, logp, Add(pos, busy), newLeft, newCache
}

// draw is the token whose cumulative mass passes u; the total is 1 only up to rounding.
//
//	all [batch, vocab], log-probabilities; u [batch] in [0, 1) → [batch] int32
func draw(all, u *Node) *Node {
	vocab := all.Shape().Dim(1)
	cumulative := prefixSum(Exp(all))
	total := Slice(cumulative, AxisRange(), AxisRange(vocab-1))
	below := ConvertDType(LessOrEqual(cumulative, Mul(total, ExpandAxes(u, -1))), device.Float32)
	next := ConvertDType(ReduceSum(below, -1), dtypes.Int32)
	return Min(next, Const(all.Graph(), int32(vocab-1)))
}

// prefixSum is the running sum over the last axis, in log₂ steps.
//
//	x [batch, n] → [batch, n]
func prefixSum(x *Node) *Node {
	n := x.Shape().Dim(1)
	for d := 1; d < n; d *= 2 {
		x = Add(x, Concatenate([]*Node{
			Zeros(x.Graph(), device.F32(x.Shape().Dim(0), d)), Slice(x, AxisRange(), AxisRange(0, n-d))}, 1))
	}
	return x
}
