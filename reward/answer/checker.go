package answer

import (
	"github.com/satori-go/satori/reward/answer/internal/ball"
	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// A checker compares two answers within one budget of steps.
type checker struct {
	ball.Budget
	large  bool // a value was out of range, which makes its pair unequal
	series int  // nesting of sums
}

// newChecker returns a checker with the full budget.
func newChecker() *checker { return &checker{Budget: ball.Budget{Limit: MaxSteps}} }

// equal reports whether two scalar expressions are equal as functions.
func (c *checker) equal(g, p *latex.Node) bool {
	if latex.Same(g, p) {
		return true
	}
	if infinite(g) != 0 || infinite(p) != 0 {
		return infinite(g) == infinite(p) && infinite(g) != 0
	}
	if hasMatrix(g) || hasMatrix(p) {
		return c.matrixEqual(g, p)
	}
	x, sx := c.rat(g)
	y, sy := c.rat(p)
	if sx == undefined || sy == undefined {
		return false
	}
	if sx == known && sy == known {
		return x.Cmp(y) == 0 || c.rounds(g, p) || c.rounds(p, g)
	}
	if c.Over {
		return false
	}
	if equal, ok := c.rational(g, p); ok {
		return equal
	}
	return c.numeric(g, p, nil) || c.rounds(g, p) || c.rounds(p, g)
}

// infinite returns 1 for ∞, -1 for -∞ and 0 for everything else.
func infinite(n *latex.Node) int {
	switch n.Op {
	case latex.OpInf:
		return 1
	case latex.OpNeg:
		return -infinite(n.Kids[0])
	}
	return 0
}

// matrixEqual reports whether two expressions with matrices are equal.
func (c *checker) matrixEqual(g, p *latex.Node) bool {
	a, b := c.matrices(g), c.matrices(p)
	if a == nil || b == nil || a.Cols != b.Cols || len(a.Kids) != len(b.Kids) {
		return false
	}
	for i := range a.Kids {
		if !c.equal(a.Kids[i], b.Kids[i]) {
			return false
		}
	}
	return true
}

// integral reports whether an expression must be compared at integers: also if it has a
// further meaning there, as (-1)ⁿ has, only if it has no value elsewhere, as n! has none.
func integral(n *latex.Node) (also, only bool) {
	n.Has(func(k *latex.Node) bool {
		switch {
		case k.Op == latex.OpFact, k.Op == latex.OpSum, k.Op == latex.OpFunc && (k.Text == "gcd" || k.Text == "lcm" || k.Text == "mod"):
			only = only || len(k.Names(nil)) > 0
		case k.Op == latex.OpFunc && k.Text == "binom":
			only = only || len(k.Kids[1].Names(nil)) > 0
			also = true
		case k.Op == latex.OpFunc && (k.Text == "floor" || k.Text == "ceil"):
			also = true
		case k.Op == latex.OpPow && k.Kids[0].Op == latex.OpNeg && len(k.Kids[1].Names(nil)) > 0:
			also = true
		}
		return false
	})
	return also || only, only
}

// branches reports whether n contains functions that are given by different formulas in
// different places, such as |x| and √x.
func branches(n *latex.Node) bool {
	return n.Has(func(k *latex.Node) bool {
		switch k.Op {
		case latex.OpPow:
			return k.Kids[1].Op != latex.OpNum && k.Kids[0].Op != latex.OpE
		case latex.OpFunc:
			return k.Text != "sin" && k.Text != "cos"
		}
		return false
	})
}

// at returns an evaluator at a point. The caller sets its precision.
func (c *checker) at(point int, integers bool, vars []string) *evaluator {
	return &evaluator{Arena: ball.Arena{Budget: &c.Budget}, c: c, point: point, integers: integers, vars: vars}
}

// numeric compares two expressions at random points. It calls accept with both values, or
// [evaluator.agree] if accept is nil. It returns true only if the precision was high enough
// for every term of both expressions.
func (c *checker) numeric(g, p *latex.Node, accept func(e *evaluator, x, y ball.Ball) bool) bool {
	if accept == nil {
		accept = (*evaluator).agree
	}
	vars := p.Names(g.Names(nil))
	also1, only1 := integral(g)
	also2, only2 := integral(p)
	points := plainPoints
	if len(vars) > 2 || branches(g) || branches(p) {
		points = largePoints
	}
	if len(vars) == 0 {
		points = 1
	}
	for _, integers := range []bool{false, true} {
		if integers && (len(vars) == 0 || !also1 && !also2) || !integers && len(vars) > 0 && (only1 || only2) {
			continue
		}
		total := points
		if integers {
			total = branchPoints
		}
		good := 0
		for point := 0; point < total || good < plainPoints && point < total+8 && len(vars) > 0; point++ {
			e := c.at(point, integers, vars)
			switch e.compare(g, p, accept) {
			case pointDiffers:
				return false
			case pointAgrees:
				good++
			case pointTooLarge:
				if !e.optional() {
					c.large = true
					return false
				}
			}
			if c.Over {
				return false
			}
		}
		if good < min(3, points) {
			return false
		}
	}
	return true
}

// The results of a comparison at one point.
const (
	pointAgrees = iota
	pointDiffers
	pointUndefined
	pointTooLarge
)

// optional reports whether the point has large values, which may be out of range.
func (e *evaluator) optional() bool {
	return !e.integers && e.point >= branchPoints && e.point < largePoints
}

// optionalPrecision is the highest precision of optional points, in bits. Without a limit two
// points of large values could use up the budget that the other points leave, and then
// the verdict on (-2)^n and (-1)^n 2^n would depend on the random numbers of the process.
const optionalPrecision = 768

// compare compares g and p at one point. It raises the precision until it is high enough.
func (e *evaluator) compare(g, p *latex.Node, accept func(e *evaluator, x, y ball.Ball) bool) int {
	need := 0
	for _, prec := range ball.Precisions {
		if int(prec) < need {
			continue
		}
		if e.optional() && prec > optionalPrecision {
			break
		}
		e.Prec, e.Low, e.High, e.vague = prec, 0, 0, false
		x := e.eval(g, nil)
		y := e.eval(p, nil)
		same := !e.Undefined && accept(e, x, y)
		switch {
		case e.Large || e.c.Over:
			return pointTooLarge
		case e.Undefined:
			return pointUndefined
		case !same:
			return pointDiffers
		}
		if need = max(e.High, 0) + 2*max(-e.Low, 0) + 200; !e.vague && need <= int(prec) {
			return pointAgrees
		}
	}
	return pointTooLarge
}

// agree reports whether two balls overlap. If they are too wide for that to mean anything,
// it sets vague, and the caller tries more precision.
func (e *evaluator) agree(x, y ball.Ball) bool {
	d := e.Sub(x, y)
	if !d.MayBeZero() {
		return false
	}
	scale := max(x.Top(), y.Top(), -40)
	e.vague = d.Err != ball.Exact && d.Err > scale-150
	return true
}
