package answer

import (
	"slices"

	"github.com/satori-go/satori/reward/answer/internal/ball"
)

// A span is an interval of the real line; a point is a closed one of no length.
type span struct {
	low, high         *node
	lowOpen, highOpen bool
}

// A region is a union of spans. Where all ends are numbers they are in order and
// apart; symbolic ones stay as written.
type region struct {
	spans    []span
	symbolic bool
}

// regions tells whether two answers are the same set of real numbers, at least one
// of them being written as an interval, a union or a solved inequality.
func (c *checker) regions(g, p *node) bool {
	if !regional(g) && !regional(p) {
		return false
	}
	if g.op == opTuple && p.op == opTuple && g.text == "()" && p.text == "()" {
		return false // two tuples
	}
	if g.op == opEmpty && p.op == opEmpty {
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

// listed is n as a set where it is a number or a list and other is made of sets.
func listed(n, other *node) *node {
	if other.op != opCup && other.op != opCap && other.op != opMinus {
		return n
	}
	if n.scalar() && n.op != opUnit {
		return apply(opSet, n)
	}
	if n.op == opList && n.text == "," {
		return apply(opSet, n.kids...)
	}
	return n
}

// regional tells whether a node may stand for a set of real numbers that is no list.
func regional(n *node) bool {
	switch n.op {
	case opTuple:
		return len(n.kids) == 2
	case opCup, opCap, opMinus, opEmpty, opBuilder:
		return true
	case opSpace:
		return n.text == `\R`
	case opRel:
		return n.rels[0] != "=" && n.rels[0] != "~"
	case opList:
		return len(n.kids) > 0 && n.text != "," && n.kids[0].op == opRel && regional(n.kids[0])
	}
	return false
}

// region is the set of real numbers that n stands for. name is the variable in whose
// terms conditions are read, "" for whichever they are solved for.
func (c *checker) region(n *node, name string) (region, bool) {
	if c.Step(1); c.Over {
		return region{}, false
	}
	switch n.op {
	case opTuple:
		if len(n.kids) != 2 || len(n.text) != 2 {
			return region{}, false
		}
		return c.interval(n.kids[0], n.kids[1], n.text[0] == '(', n.text[1] == ')')
	case opSet:
		all := region{}
		for _, k := range n.kids {
			for _, v := range signs(k) {
				if !v.scalar() || v.op == opInf {
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
	case opEmpty:
		return region{}, true
	case opSpace:
		return everything(), n.text == `\R`
	case opRel:
		return c.solved(n, name)
	case opBuilder:
		return c.region(n.kids[1], n.kids[0].text)
	case opCup, opCap, opMinus, opList:
		if n.op == opList && n.text == "," && name == "" {
			return region{}, false
		}
		total, ok := c.region(n.kids[0], name)
		for _, k := range n.kids[1:] {
			var next region
			if !ok {
				break
			}
			if next, ok = c.region(k, name); !ok {
				break
			}
			switch {
			case n.op == opCup || n.op == opList && n.text == "or":
				total.spans, total.symbolic = append(total.spans, next.spans...), total.symbolic || next.symbolic
				total, ok = c.normal(total)
			case total.symbolic || next.symbolic:
				ok = false
			case n.op == opMinus:
				total, ok = c.intersect(total, c.complement(next))
			default:
				total, ok = c.intersect(total, next)
			}
		}
		return total, ok
	}
	return region{}, false
}

func everything() region {
	return region{spans: []span{{apply(opNeg, apply(opInf)), apply(opInf), true, true}}}
}

// interval is the span from low to high.
func (c *checker) interval(low, high *node, lowOpen, highOpen bool) (region, bool) {
	if !low.scalar() || !high.scalar() || low.op == opUnit || high.op == opUnit || hasMatrix(low) || hasMatrix(high) {
		return region{}, false
	}
	if infinite(low) > 0 || infinite(high) < 0 || infinite(low) != 0 && !lowOpen || infinite(high) != 0 && !highOpen {
		return region{}, false
	}
	s := span{low, high, lowOpen, highOpen}
	if !low.numeral() || !high.numeral() {
		return region{spans: []span{s}, symbolic: true}, true
	}
	order, ok := c.order(low, high)
	if !ok || order > 0 || order == 0 && (lowOpen || highOpen) {
		return region{}, false
	}
	return region{spans: []span{s}}, true
}

// order compares two numbers.
func (c *checker) order(x, y *node) (int, bool) {
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

// complement is what a region leaves of the real line.
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

func (c *checker) intersect(a, b region) (region, bool) {
	u := c.complement(a)
	u.spans = append(u.spans, c.complement(b).spans...)
	u, ok := c.normal(u)
	return c.complement(u), ok
}
