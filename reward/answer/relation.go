package answer

import (
	"github.com/satori-go/satori/reward/answer/internal/ball"
	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// A link is one relation of a chain with everything on one side: diff = 0, diff > 0, diff ≥
// 0 or diff ≠ 0.
type link struct {
	sign string
	diff *latex.Node
}

// links returns the relations of a chain, or nil if a side is not a scalar.
func (c *checker) links(n *latex.Node) []link {
	var out []link
	for i, r := range n.Rels {
		a, b := n.Kids[i], n.Kids[i+1]
		if !a.Scalar() || !b.Scalar() || a.Op == latex.OpUnit || b.Op == latex.OpUnit ||
			a.Op == latex.OpInf || b.Op == latex.OpInf || hasMatrix(a) || hasMatrix(b) {
			return nil
		}
		switch r {
		case "<", "<=":
			a, b = b, a
			r = map[string]string{"<": ">", "<=": ">="}[r]
		case ">", ">=", "=", "!=":
		default:
			return nil
		}
		out = append(out, link{r, latex.Apply(latex.OpAdd, a, latex.Apply(latex.OpNeg, b))})
	}
	return out
}

// difference returns the left side of an equation minus the right side. It returns nil if
// the equation is always true or has no variable.
func (c *checker) difference(n *latex.Node) *latex.Node {
	l := c.links(n)
	if len(l) != 1 || c.degenerate(l[0].diff) {
		return nil
	}
	return l[0].diff
}

// degenerate reports whether a difference is constant, so that its relation is true or
// false whatever the values of its variables are.
func (c *checker) degenerate(d *latex.Node) bool {
	vars := d.Names(nil)
	calls := d.Has(func(k *latex.Node) bool { return k.Op == latex.OpCall })
	if len(vars) == 0 && !calls {
		return true
	}
	return c.equal(d, latex.Integer(0))
}

// relations reports whether two relations say the same: their links differ by constant
// factors, and by positive ones where the direction matters.
func (c *checker) relations(g, p *latex.Node) bool {
	a, b := c.links(g), c.links(p)
	if a == nil || b == nil {
		return latex.Same(g, p)
	}
	if len(a) != len(b) {
		return false
	}
	used := make([]bool, len(b))
	for _, x := range a {
		if c.degenerate(x.diff) {
			return false
		}
		found := false
		for i, y := range b {
			if !used[i] && x.sign == y.sign && c.proportional(x.diff, y.diff, x.sign[0] == '>') {
				used[i], found = true, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// proportional reports whether x = k·y with a constant k that is not zero, and that is
// positive if positive is set.
func (c *checker) proportional(x, y *latex.Node, positive bool) bool {
	ratio := latex.Apply(latex.OpDiv, x, y)
	if constant, ok := c.constantModulo(ratio); ok {
		if !constant {
			return false
		}
		if !positive {
			return true
		}
		var first *ball.Ball
		for point := range branchPoints {
			e := c.at(point, false, ratio.Names(nil))
			if e.compare(ratio, latex.Integer(0), func(e *evaluator, x, _ ball.Ball) bool {
				x = e.Snap(x)
				first = &x
				return true
			}) == pointAgrees {
				return first.Im == nil && !first.MayBeZero() && first.Re.Sign() > 0
			}
		}
		return false
	}
	var first *ball.Ball
	return c.numeric(ratio, latex.Integer(0), func(e *evaluator, v, _ ball.Ball) bool {
		v = e.Snap(v)
		if v.MayBeZero() || v.Im != nil || positive && v.Re.Sign() < 0 {
			return false
		}
		if first == nil {
			first = &v
			return true
		}
		return e.agree(*first, v)
	})
}

// constantModulo reports whether a rational function is constant and not zero. ok is false
// if n is not a rational function.
func (c *checker) constantModulo(n *latex.Node) (constant, ok bool) {
	f := field{c: c, p: prime(), point: 110}
	first := uint64(0)
	for ; f.point < 114; f.point++ {
		v, st := f.value(n)
		switch {
		case st == inexact:
			return false, false
		case st == undefined || v == 0:
			return false, true
		case f.point == 110:
			first = v
		case v != first:
			return false, true
		}
	}
	return true, true
}
