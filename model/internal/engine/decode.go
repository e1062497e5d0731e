package engine

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

// decodeGraph builds the graph that samples up to window tokens a row.
//
//	weights; token, position, left [batch] int32; temperature [batch]; noise [window, batch] in [0, 1);
//	limits [3, batch], only with filters (see filterMask); cache
//	→ tokens [window, batch] int32, log-probabilities [window, batch]; with filters, those
//	under the distribution that was drawn from [window, batch]; cache
//
// A row with left 0 is idle. A row ends with EOS or a stop of the config, or when left has run
// out.
func decodeGraph(c decoder.Config, window int, f filters) func(in []*Node) []*Node {
	return func(in []*Node) []*Node {
		d, in := c.Bind(in)
		s := step{token: in[0], position: in[1], left: in[2], cache: in[5:]}
		p := sampling{temperature: in[3], filters: f}
		noise := in[4]
		batch := s.token.Shape().Dim(0)
		for _, x := range []*Node{s.token, s.position, s.left, p.temperature} {
			x.AssertDims(batch)
		}
		noise.AssertDims(window, batch)
		if f != (filters{}) {
			p.limits, s.cache = s.cache[0], s.cache[1:]
			p.limits.AssertDims(3, batch)
		}
		if window > 1 {
			return decodeLoop(d, window, s, p, noise)
		}
		next, logp := s.sample(d, p, Reshape(noise, batch))
		out := []*Node{Reshape(next.token, 1, batch)}
		for _, l := range logp {
			out = append(out, Reshape(l, 1, batch))
		}
		return append(out, next.cache...)
	}
}

// A sampling says how the rows of a batch draw.
type sampling struct {
	temperature *Node // [batch]; 0 is greedy
	limits      *Node // [3, batch], see filterMask; nil: no row has filters
	filters     filters
}

// A step is where the rows of a batch are between two tokens.
type step struct {
	token, position, left *Node // [batch] int32: the last token, where it goes in the cache, tokens still to sample
	cache                 []*Node
}

// decodeLoop repeats step.sample on the device. A closure cannot read the nodes outside of it,
// so everything that it needs is loop state, the weights included.
func decodeLoop(d decoder.Decoder, window int, s step, p sampling, noise *Node) []*Node {
	g := s.token.Graph()
	batch := s.token.Shape().Dim(0)
	noise.AssertDims(window, batch)
	const (
		at, token, position, left, temperature, random, tokens, logProbs, filteredLogProbs, limits = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
	)
	state := []*Node{Const(g, int32(0)), s.token, s.position, s.left, p.temperature, noise,
		Zeros(g, device.I32(window, batch)), Zeros(g, device.F32(window, batch))}
	if p.limits != nil {
		state = append(state, Zeros(g, device.F32(window, batch)), p.limits)
	}
	cacheAt := len(state)
	state = append(state, s.cache...)
	weightsAt := len(state)
	specs := d.Specs()
	for _, s := range specs {
		state = append(state, d.Weights[s.Name])
	}
	params := func(g *Graph) []*Node {
		p := make([]*Node, len(state))
		for i, s := range state {
			p[i] = Parameter(g, fmt.Sprint("p", i), s.Shape())
		}
		return p
	}
	cond := NewClosure(g, func(g *Graph) []*Node {
		x := params(g)
		return []*Node{And(LessThan(x[at], Const(g, int32(window))), GreaterThan(ReduceAllMax(x[left]), Const(g, int32(0))))}
	})
	body := NewClosure(g, func(g *Graph) []*Node {
		x := params(g)
		d := decoder.Decoder{Config: d.Config, Weights: make(map[string]*Node, len(specs))}
		for k, s := range specs {
			d.Weights[s.Name] = x[weightsAt+k]
		}
		u := Reshape(Gather(x[random], Reshape(x[at], 1, 1)), batch) // [batch]
		now := sampling{temperature: x[temperature], filters: p.filters}
		if p.limits != nil {
			now.limits = x[limits]
		}
		next, logp := step{x[token], x[position], x[left], x[cacheAt:weightsAt]}.sample(d, now, u)
		write := func(into, row *Node) *Node { // [window, batch]
			return ScatterSum(into, Reshape(x[at], 1, 1), Reshape(row, 1, batch), true, true)
		}
		out := []*Node{AddScalar(x[at], 1), next.token, next.position, next.left, Identity(x[temperature]), Identity(x[random]),
			write(x[tokens], next.token), write(x[logProbs], logp[0])}
		if p.limits != nil {
			out = append(out, write(x[filteredLogProbs], logp[1]), Identity(x[limits]))
		}
		out = append(out, next.cache...)
		for _, weight := range x[weightsAt:] {
			out = append(out, Identity(weight))
		}
		return out
	})
	end := While(cond, body, state...)
	out := []*Node{end[tokens], end[logProbs]}
	if p.limits != nil {
		out = append(out, end[filteredLogProbs])
	}
	return append(out, end[cacheAt:weightsAt]...)
}

// sample runs the decoder on one token a row and draws the next one with the random numbers u.
//
//	u [batch] in [0, 1) → the next step, log-probabilities [batch]
//
// With filters there are two log-probabilities: of the whole distribution, and of the one that
// was drawn from.
func (s step) sample(d decoder.Decoder, p sampling, u *Node) (next step, logp []*Node) {
	s.token.AssertRank(1)
	g, batch := s.token.Graph(), s.token.Shape().Dim(0)
	u.AssertDims(batch)
	busy := MinScalar(s.left, 1) // [batch] int32, 1 or 0
	logits, cache := d.Step(s.token, s.position, ConvertDType(busy, device.Float32), s.cache)

	greedy := LessOrEqual(p.temperature, ScalarZero(g, device.Float32)) // [batch]
	temperature := Where(greedy, OnesLike(p.temperature), p.temperature)
	all := LogSoftmax(Div(logits, ExpandAxes(temperature, -1)), -1) // [batch, vocab]
	likeliest := ArgMax(logits, -1, s.token.DType())                // [batch]
	var token, logMass *Node
	if p.limits != nil {
		token, logMass = drawFiltered(all, p, u, likeliest)
	} else {
		token = draw(all, u)
	}
	token = Where(greedy, likeliest, token)

	flat := Add(MulScalar(Iota(g, device.I32(batch), 0), d.VocabSize), token) // [batch], for batch·vocab numbers
	logp = []*Node{Gather(Reshape(all, -1), ExpandAxes(flat, -1))}            // [batch]
	if p.limits != nil {
		logp = append(logp, Sub(logp[0], logMass))
	}
	// An idle row yields zeros, and a row that is done becomes idle.
	token = Mul(token, busy)
	for i := range logp {
		logp[i] = Mul(logp[i], ConvertDType(busy, device.Float32))
	}
	ended := Equal(token, Const(g, int32(d.EOS)))
	for _, stop := range d.Stops {
		ended = Or(ended, Equal(token, Const(g, stop)))
	}
	left := Where(ended, ZerosLike(s.left), Sub(s.left, busy))
	return step{token, Add(s.position, busy), left, cache}, logp
}

// draw finds the token whose cumulative probability passes u. The total is 1 only up to rounding.
//
//	all [batch, vocab], log-probabilities; u [batch] in [0, 1) → [batch] int32
func draw(all, u *Node) *Node {
	all.AssertRank(2)
	batch, vocab := all.Shape().Dim(0), all.Shape().Dim(1)
	u.AssertDims(batch)
	cumulative := prefixSum(Exp(all))                           // [batch, vocab]
	total := Slice(cumulative, AxisRange(), AxisRange(vocab-1)) // [batch, 1]
	below := ConvertDType(LessOrEqual(cumulative, Mul(total, ExpandAxes(u, -1))), device.Float32)
	next := ConvertDType(ReduceSum(below, -1), dtypes.Int32)
	return Min(next, Const(all.Graph(), int32(vocab-1)))
}

// prefixSum computes the running sum over the last axis, in log₂ vocab steps.
//
//	x [batch, vocab] → [batch, vocab]
func prefixSum(x *Node) *Node {
	x.AssertRank(2)
	n := x.Shape().Dim(1)
	for d := 1; d < n; d *= 2 {
		x = Add(x, Concatenate([]*Node{
			Zeros(x.Graph(), device.F32(x.Shape().Dim(0), d)), Slice(x, AxisRange(), AxisRange(0, n-d))}, 1))
	}
	return x
}
