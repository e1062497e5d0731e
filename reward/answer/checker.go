package answer

import "github.com/satori-go/satori/reward/answer/internal/ball"

// A checker carries the budget of one comparison.
type checker struct {
	ball.Budget
	large  bool // a value was out of range, which makes its pair unequal
	series int  // nesting of sums
}

func newChecker() *checker { return &checker{Budget: ball.Budget{Limit: MaxSteps}} }

// equal tells whether two scalar expressions are equal as functions.
func (c *checker) equal(g, p *node) bool {
	if same(g, p) {
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

// infinite is 1 for ∞, -1 for -∞, else 0.
func infinite(n *node) int {
	switch n.op {
	case opInf:
		return 1
	case opNeg:
		return -infinite(n.kids[0])
	}
	return 0
}

func (c *checker) matrixEqual(g, p *node) bool {
	a, b := c.matrices(g), c.matrices(p)
	if a == nil || b == nil || a.cols != b.cols || len(a.kids) != len(b.kids) {
		return false
	}
	for i := range a.kids {
		if !c.equal(a.kids[i], b.kids[i]) {
			return false
		}
	}
	return true
}

// integral tells whether a node has a value only, or also another meaning, where its
// variables are integers; only says that it has none elsewhere.
func integral(n *node) (also, only bool) {
	n.has(func(k *node) bool {
		switch {
		case k.op == opFact, k.op == opSum, k.op == opFunc && (k.text == "gcd" || k.text == "lcm" || k.text == "mod"):
			only = only || len(k.names(nil)) > 0
		case k.op == opFunc && k.text == "binom":
			only = only || len(k.kids[1].names(nil)) > 0
			also = true
		case k.op == opFunc && (k.text == "floor" || k.text == "ceil"):
			also = true
		case k.op == opPow && k.kids[0].op == opNeg && len(k.kids[1].names(nil)) > 0:
			also = true
		}
		return false
	})
	return also || only, only
}

// branches tells whether n has functions that are not the same function everywhere,
// such as |x| and √x.
func branches(n *node) bool {
	return n.has(func(k *node) bool {
		switch k.op {
		case opPow:
			return k.kids[1].op != opNum && k.kids[0].op != opE
		case opFunc:
			return k.text != "sin" && k.text != "cos"
		}
		return false
	})
}

// at is an evaluator at a point; its precision is set later.
func (c *checker) at(point int, integers bool, vars []string) *evaluator {
	return &evaluator{Arena: ball.Arena{Budget: &c.Budget}, c: c, point: point, integers: integers, vars: vars}
}

// numeric compares two expressions at random points, by accept or as equal. It
// accepts only what cannot be told apart at a precision that no term of either
// escapes.
func (c *checker) numeric(g, p *node, accept func(e *evaluator, x, y ball.Ball) bool) bool {
	if accept == nil {
		accept = (*evaluator).agree
	}
	vars := p.names(g.names(nil))
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

// What can become of two expressions at a point.
const (
	pointAgrees = iota
	pointDiffers
	pointUndefined
	pointTooLarge
)

// optional tells whether the point is one of large values, which may be out of range.
func (e *evaluator) optional() bool {
	return !e.integers && e.point >= branchPoints && e.point < largePoints
}

// compare compares g and p at one point, with more precision until it is enough.
func (e *evaluator) compare(g, p *node, accept func(e *evaluator, x, y ball.Ball) bool) int {
	need := 0
	for _, prec := range ball.Precisions {
		if int(prec) < need {
			continue
		}
		if e.optional() && need > 1000 {
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

// agree tells whether two balls cannot be told apart. Where they are too wide for
// that to mean anything the arena is vague, and more precision is tried.
func (e *evaluator) agree(x, y ball.Ball) bool {
	d := e.Sub(x, y)
	if !d.MayBeZero() {
		return false
	}
	scale := max(x.Top(), y.Top(), -40)
	e.vague = d.Err != ball.Exact && d.Err > scale-150
	return true
}
