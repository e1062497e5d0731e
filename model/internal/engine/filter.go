package engine

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/sampler"
)

// filterLimits returns a request's filters as numbers for filterMask. A filter that is off lets
// everything pass.
func filterLimits(r sampler.Request) (topK, topP, minP float32) {
	topK, topP = float32(math.Inf(1)), float32(math.Inf(1))
	if !r.Filters() {
		return topK, topP, 0
	}
	if r.TopK > 0 {
		topK = float32(r.TopK)
	}
	if r.TopP > 0 && r.TopP < 1 {
		topP = float32(r.TopP)
	}
	return topK, topP, float32(r.MinP)
}

// filters says which filters any row of a batch has. Graphs are compiled for these alone.
type filters struct{ topK, topP, minP bool }

func (f *filters) add(r sampler.Request) {
	if r.Filters() {
		f.topK = f.topK || r.TopK > 0
		f.topP = f.topP || r.TopP > 0 && r.TopP < 1
		f.minP = f.minP || r.MinP > 0
	}
}

// filterMask says which tokens pass top-k, then top-p of what that leaves, and min-p: the order of
// transformers. Tokens that are equally likely stay or go together, so that nothing depends on
// the order of a sort.
//
//	all [batch, vocab], log-probabilities; limits [3, batch], see filterLimits → [batch, vocab] bool
//
// Limits of filters that no row has are not read.
//
// There is no sort: gomlx has none inside of a loop. Each limit becomes a distance in
// log-probability from the likeliest token, which is found bit by bit: the bits of floats that
// are not negative are in the order of the floats.
func filterMask(all, limits *Node, f filters) *Node {
	all.AssertRank(2)
	batch, vocab := all.Shape().Dim(0), all.Shape().Dim(1)
	limits.AssertDims(3, batch)
	// limit returns one of the limits, [batch, 1].
	limit := func(i int) *Node { return Reshape(Slice(limits, AxisRange(i, i+1), AxisRange()), batch, 1) }
	far := Sub(ReduceAndKeep(all, ReduceMax, -1), all) // [batch, vocab], 0 for the likeliest
	bits := Bitcast(far, dtypes.Int32)
	p := Exp(all)
	var within *Node
	also := func(x *Node) {
		if within != nil {
			x = And(within, x)
		}
		within = x
	}
	if f.topK {
		first := atMost(bits, nil, limit(0))
		also(first)
		p = Mul(p, ConvertDType(first, device.Float32))
	}
	if f.topP {
		total := ReduceAndKeep(p, ReduceSum, -1) // [batch, 1]
		also(atMost(bits, p, Mul(total, limit(1))))
	}
	if f.minP {
		also(GreaterOrEqual(Exp(Neg(far)), BroadcastToDims(limit(2), batch, vocab)))
	}
	return within
}

// atMost returns the smallest set {bits ≤ x} of each row whose weights sum to the target or more,
// and the whole row where no set does. Without weights it counts.
//
//	bits [batch, vocab] int32, weight [batch, vocab] or nil, target [batch, 1] → [batch, vocab] bool
//
// gomlx keeps the scalars of a graph for all its functions, and XLA adds and compares only
// what is of one function: so nothing here is made with Zeros, Ones or a Scalar.
func atMost(bits, weight, target *Node) *Node {
	bits.AssertRank(2)
	g := bits.Graph()
	batch, vocab := bits.Shape().Dim(0), bits.Shape().Dim(1)
	target.AssertDims(batch, 1)
	// x becomes the largest number below which there is too little.
	x := Const(g, backend.Ints(make([]int32, batch), batch, 1))
	for bit := 30; bit >= 0; bit-- {
		more := Add(x, Const(g, [][]int32{{1 << bit}}))
		below := LessThan(bits, BroadcastToDims(more, batch, vocab))
		mass := ConvertDType(below, device.Float32)
		if weight != nil {
			mass = Mul(mass, weight)
		}
		mass = ReduceAndKeep(mass, ReduceSum, -1) // [batch, 1]
		x = Where(LessThan(mass, target), more, x)
	}
	return LessOrEqual(bits, BroadcastToDims(x, batch, vocab))
}

// drawFiltered draws from the tokens that pass the filters.
//
//	all [batch, vocab], log-probabilities; u [batch] in [0, 1); likeliest [batch] int32
//	→ token [batch] int32, the log of the probability that passed the filters [batch]
func drawFiltered(all *Node, how sampling, u, likeliest *Node) (token, logMass *Node) {
	all.AssertRank(2)
	g := all.Graph()
	batch, vocab := all.Shape().Dim(0), all.Shape().Dim(1)
	u.AssertDims(batch)
	likeliest.AssertDims(batch)
	passes := filterMask(all, how.limits, how.filters) // [batch, vocab]
	p := Mul(Exp(all), ConvertDType(passes, device.Float32))
	cumulative := prefixSum(p)
	total := Slice(cumulative, AxisRange(), AxisRange(vocab-1)) // [batch, 1]
	// The first token that passes the filters and whose cumulative probability exceeds u. Sums of
	// the same numbers in another order differ in their last bit, so a token without probability
	// could exceed u, too.
	candidates := And(passes, GreaterThan(cumulative, BroadcastToDims(Mul(total, ExpandAxes(u, -1)), batch, vocab)))
	index := Iota(g, device.I32(batch, vocab), 1)
	token = ReduceMin(Where(candidates, index, BroadcastToDims(Const(g, int32(vocab)), batch, vocab)), -1)
	token = Where(LessThan(token, Const(g, int32(vocab))), token, likeliest)
	return token, Reshape(Log(total), batch)
}
