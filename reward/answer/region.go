package answer

import (
	"slices"

	"github.com/satori-go/satori/reward/answer/internal/ball"
	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// A span is an interval of the real line. A point is a closed interval of length zero.
type span struct {
	low, high         *latex.Node
	lowOpen, highOpen bool
}

// A region is a union of spans. If all ends are numbers, the spans are sorted and do not
// meet. If an end has a variable, they stay as written.
type region struct {
	spans    []span
	symbolic bool
}

// regions reports whether two answers are the same set of real numbers. At least one of
// them must be written as an interval, a union or a solved inequality.
func (c *checker) regions(g, p *latex.Node) bool {
	if !regional(g) && !regional(p) {
		return false
	}
	if g.Op == latex.OpTuple && p.Op == latex.OpTuple && g.Text == "()" && p.Text == "()" {
		return false // two tuples
	}
	if g.Op == latex.OpEmpty && p.Op == latex.OpEmpty {
		return true
	}
	if x, y := subject(g), subject(p); x != y && x != "" && y != "" {
		return false
	}
	a, ok := c.region(listed(g, p), "")
	if !ok {
		return false
	}
	b, ok := c.region(listed(p, g), "")
	if !ok || len(a.spans) != len(b.spans) {
		return false
	}
	used := make([]bool, len(b.spans))
	for i, x := range a.spans {
		found := false
		for j, y := range b.spans {
			if used[j] || !a.symbolic && !b.symbolic && i != j || c.Over {
				continue
			}
			if x.lowOpen == y.lowOpen && x.highOpen == y.highOpen && c.equal(x.low, y.low) && c.equal(x.high, y.high) {
				used[j], found = true, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// listed returns n as a set if n is a number or a list and other is an expression of sets.
func listed(n, other *latex.Node) *latex.Node {
	if other.Op != latex.OpCup && other.Op != latex.OpCap && other.Op != latex.OpMinus {
		return n
	}
	if n.Scalar() && n.Op != latex.OpUnit {
		return latex.Apply(latex.OpSet, n)
	}
	if n.Op == latex.OpList && n.Text == "," {
		return latex.Apply(latex.OpSet, n.Kids...)
	}
	return n
}

// regional reports whether a tree may stand for a set of real numbers that is not a list.
func regional(n *latex.Node) bool {
	switch n.Op {
	case latex.OpTuple:
		return len(n.Kids) == 2
	case latex.OpCup, latex.OpCap, latex.OpMinus, latex.OpEmpty, latex.OpBuilder:
		return true
	case latex.OpSpace:
		return n.Text == `\R`
	case latex.OpRel:
		return n.Rels[0] != "=" && n.Rels[0] != "~"
	case latex.OpList:
		return len(n.Kids) > 0 && n.Text != "," && n.Kids[0].Op == latex.OpRel && regional(n.Kids[0])
	}
	return false
}

// region returns the set of real numbers that n stands for. Conditions must be about the
// variable name; "" means any variable.
func (c *checker) region(n *latex.Node, name string) (region, bool) {
	if c.Step(1); c.Over {
		return region{}, false
	}
	switch n.Op {
	case latex.OpTuple:
		if len(n.Kids) != 2 || len(n.Text) != 2 {
			return region{}, false
		}
		return c.interval(n.Kids[0], n.Kids[1], n.Text[0] == '(', n.Text[1] == ')')
	case latex.OpSet:
		all := region{}
		for _, k := range n.Kids {
			for _, v := range signs(k) {
				if !v.Scalar() || v.Op == latex.OpInf {
					return region{}, false
				}
				r, ok := c.interval(v, v, false, false)
				if !ok {
					return region{}, false
				}
				all.spans, all.symbolic = append(all.spans, r.spans...), all.symbolic || r.symbolic
			}
		}
		return c.normal(all)
	case latex.OpEmpty:
		return region{}, true
	case latex.OpSpace:
		return everything(), n.Text == `\R`
	case latex.OpRel:
		return c.solved(n, name)
	case latex.OpBuilder:
		return c.region(n.Kids[1], n.Kids[0].Text)
	case latex.OpCup, latex.OpCap, latex.OpMinus, latex.OpList:
		if n.Op == latex.OpList && n.Text == "," && name == "" {
			return region{}, false
		}
		total, ok := c.region(n.Kids[0], name)
		for _, k := range n.Kids[1:] {
			var next region
			if !ok {
				break
			}
			if next, ok = c.region(k, name); !ok {
				break
			}
			switch {
			case n.Op == latex.OpCup || n.Op == latex.OpList && n.Text == "or":
				total.spans, total.symbolic = append(total.spans, next.spans...), total.symbolic || next.symbolic
				total, ok = c.normal(total)
			case total.symbolic || next.symbolic:
				ok = false
			case n.Op == latex.OpMinus:
				total, ok = c.intersect(total, c.complement(next))
			default:
				total, ok = c.intersect(total, next)
			}
		}
		return total, ok
	}
	return region{}, false
}

// everything returns the real line.
func everything() region {
	return region{spans: []span{{latex.Apply(latex.OpNeg, latex.Apply(latex.OpInf)), latex.Apply(latex.OpInf), true, true}}}
}

// interval returns the span from low to high.
func (c *checker) interval(low, high *latex.Node, lowOpen, highOpen bool) (region, bool) {
	if !low.Scalar() || !high.Scalar() || low.Op == latex.OpUnit || high.Op == latex.OpUnit || hasMatrix(low) || hasMatrix(high) {
		return region{}, false
	}
	if infinite(low) > 0 || infinite(high) < 0 || infinite(low) != 0 && !lowOpen || infinite(high) != 0 && !highOpen {
		return region{}, false
	}
	s := span{low, high, lowOpen, highOpen}
	if !low.Numeral() || !high.Numeral() {
		return region{spans: []span{s}, symbolic: true}, true
	}
	order, ok := c.order(low, high)
	if !ok || order > 0 || order == 0 && (lowOpen || highOpen) {
		return region{}, false
	}
	return region{spans: []span{s}}, true
}

// order compares two numbers: negative means x < y.
func (c *checker) order(x, y *latex.Node) (int, bool) {
	if a, b := infinite(x), infinite(y); a != 0 || b != 0 {
		return a - b, true
	}
	if a, st := c.rat(x); st == known {
		if b, st := c.rat(y); st == known {
			return a.Cmp(b), true
		}
	}
	if c.equal(x, y) {
		return 0, true
	}
	e := c.at(0, false, nil)
	e.Prec = ball.Precisions[0]
	d := e.Snap(e.Sub(e.eval(x, nil), e.eval(y, nil)))
	if e.Undefined || c.Over || d.Im != nil || d.MayBeZero() {
		return 0, false
	}
	return d.Re.Sign(), true
}

// normal sorts the spans of a region and merges those that meet.
func (c *checker) normal(r region) (region, bool) {
	if r.symbolic {
		return r, len(r.spans) < 64
	}
	ok := len(r.spans) < 500
	slices.SortStableFunc(r.spans, func(x, y span) int {
		o, fine := c.order(x.low, y.low)
		ok = ok && fine && !c.Over
		if o == 0 && x.lowOpen != y.lowOpen {
			if x.lowOpen {
				return 1
			}
			return -1
		}
		return o
	})
	var out []span
	for _, s := range r.spans {
		if !ok {
			return r, false
		}
		if len(out) == 0 {
			out = append(out, s)
			continue
		}
		last := &out[len(out)-1]
		o, fine := c.order(s.low, last.high)
		ok = ok && fine
		if o > 0 || o == 0 && s.lowOpen && last.highOpen {
			out = append(out, s)
			continue
		}
		if o, fine = c.order(s.high, last.high); o > 0 {
			last.high, last.highOpen = s.high, s.highOpen
		} else if o == 0 {
			last.highOpen = last.highOpen && s.highOpen
		}
		ok = ok && fine
	}
	return region{spans: out}, ok
}

// complement returns the part of the real line that is not in r.
func (c *checker) complement(r region) region {
	rest := everything()
	for _, s := range r.spans {
		last := &rest.spans[len(rest.spans)-1]
		tail := span{s.high, last.high, !s.highOpen, true}
		last.high, last.highOpen = s.low, !s.lowOpen
		rest.spans = append(rest.spans, tail)
	}
	return region{spans: slices.DeleteFunc(rest.spans, func(s span) bool {
		o, ok := c.order(s.low, s.high)
		return ok && (o > 0 || o == 0 && (s.lowOpen || s.highOpen))
	})}
}

// intersect returns the part that two regions share.
func (c *checker) intersect(a, b region) (region, bool) {
	u := c.complement(a)
	u.spans = append(u.spans, c.complement(b).spans...)
	u, ok := c.normal(u)
	return c.complement(u), ok
}
