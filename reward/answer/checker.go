package answer

// maxSteps bounds the work of one comparison. A step is about a hundred nanoseconds.
const maxSteps = 12000

// A checker carries the budget of one comparison.
type checker struct {
	steps  int
	over   bool
	series int // nesting of sums
}

func (c *checker) step(n int) {
	if c.steps += max(n, 1); c.steps > maxSteps {
		c.over, c.steps = true, maxSteps // what is asked for is not done
	}
}

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
	if c.over {
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

// numeric compares two expressions, or their ratio to a given pair, at random
// points. It accepts only what cannot be told apart at a precision that no term of
// either escapes.
func (c *checker) numeric(g, p *node, accept func(a *arena, x, y ball) bool) bool {
	if accept == nil {
		accept = (*arena).agree
	}
	constant := len(g.names(nil)) == 0 && len(p.names(nil)) == 0
	also1, only1 := integral(g)
	also2, only2 := integral(p)
	want := 4
	if constant {
		want = 1
	}
	for _, integers := range []bool{false, true} {
		if integers && (constant || !also1 && !also2) || !integers && !constant && (only1 || only2) {
			continue
		}
		good, point := 0, 0
		for ; good < want && point < want+8; point++ {
			ok, undefined := c.at(g, p, point, integers, accept)
			if c.over || undefined && constant {
				return false
			}
			if undefined {
				continue
			}
			if !ok {
				return false
			}
			good++
		}
		if good < want {
			return false
		}
	}
	return true
}

// at compares g and p at one point, with more precision until it is enough.
func (c *checker) at(g, p *node, point int, integers bool, accept func(a *arena, x, y ball) bool) (ok, undefined bool) {
	for _, prec := range precisions {
		a := arena{c: c, prec: prec, point: point, integers: integers}
		x := a.eval(g, nil)
		y := a.eval(p, nil)
		if c.over || a.undefined {
			return false, true
		}
		if !accept(&a, x, y) {
			return false, false
		}
		if a.undefined {
			return false, true
		}
		if !a.vague && max(a.high, 0)+2*max(-a.low, 0)+200 <= int(prec) {
			return true, false
		}
	}
	c.over = true
	return false, false
}

// agree tells whether two balls cannot be told apart. Where they are too wide for
// that to mean anything the arena is vague, and more precision is tried.
func (a *arena) agree(x, y ball) bool {
	d := a.sub(x, y)
	if !d.mayBeZero() {
		return false
	}
	scale := max(x.top(), y.top(), -40)
	a.vague = d.err != exactly && d.err > scale-150
	return true
}
