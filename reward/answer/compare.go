package answer

import (
	"strings"

	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// answers reports whether two whole answers are equal.
func (c *checker) answers(g, p *latex.Node) bool {
	if c.regions(g, p) {
		return true
	}
	gi, pi := c.spread(c.items(g)), c.spread(c.items(p))
	if distinct(gi) > 1 {
		pi = c.pairs(pi)
	} else if distinct(pi) > 1 {
		gi = c.pairs(gi)
	}
	for _, side := range [2][]item{gi, pi} {
		for _, it := range side {
			if it.dead {
				return false
			}
		}
	}
	if len(gi) == 1 || len(pi) == 1 {
		if len(gi) == 1 && len(pi) > 1 {
			return false
		}
		if len(gi) == 1 {
			return c.itemEqual(gi[0], pi[0])
		}
	}
	if distinct(gi) > 1 {
		return c.named(gi, pi)
	}
	if distinct(pi) > 1 && distinct(gi) == 0 {
		for i := range pi {
			pi[i].names = nil
		}
	}
	return c.matched(gi, pi)
}

// spread turns an answer that is one set into the list of its members.
func (c *checker) spread(it []item) []item {
	if len(it) != 1 || it[0].val == nil || it[0].val.Op != latex.OpSet || setOfSet(it[0].val) {
		return it
	}
	var out []item
	for _, k := range it[0].val.Kids {
		for _, v := range signs(k) {
			m := c.item(v)
			if m.names == nil {
				m.names = it[0].names
			}
			if m.unit == "" {
				m.unit = it[0].unit
			}
			out = append(out, m)
		}
	}
	return out
}

// setOfSet reports whether n is {S} for a set S, which is not S.
func setOfSet(n *latex.Node) bool {
	return len(n.Kids) == 1 && (n.Kids[0].Op == latex.OpEmpty || n.Kids[0].Op == latex.OpSet || n.Kids[0].Op == latex.OpSpace)
}

// pairs turns (x, y) = (1, 2) into x = 1, y = 2.
func (c *checker) pairs(it []item) []item {
	if len(it) != 1 || it[0].val == nil || it[0].val.Op != latex.OpTuple || len(it[0].names) == 0 {
		return it
	}
	names, kids := strings.Split(it[0].names[0], ","), it[0].val.Kids
	if len(names) != len(kids) {
		return it
	}
	out := make([]item, len(kids))
	for i, k := range kids {
		out[i] = c.item(k)
		out[i].names = names[i : i+1]
	}
	return out
}

// distinct counts the different names in a list.
func distinct(list []item) int {
	seen := map[string]bool{}
	for _, it := range list {
		if it.val != nil && len(it.names) > 0 {
			seen[it.names[0]] = true
		}
	}
	return len(seen)
}

// named compares values with different names. Each must pair with the value of its own
// name, or p has no names and the same order as g.
func (c *checker) named(g, p []item) bool {
	if distinct(p) > 0 {
		return c.matched(g, p)
	}
	if len(g) != len(p) {
		return false
	}
	for i := range g {
		if !c.itemEqual(g[i], p[i]) {
			return false
		}
	}
	return true
}

// matched compares two lists as sets.
func (c *checker) matched(g, p []item) bool {
	covered := make([]bool, len(p))
	for _, x := range g {
		found := false
		for i, y := range p {
			if covered[i] && found {
				continue
			}
			if c.Step(1); c.Over {
				return false
			}
			if c.listed(x, y) {
				found, covered[i] = true, true
			}
		}
		if !found {
			return false
		}
	}
	for _, ok := range covered {
		if !ok {
			return false
		}
	}
	return true
}

// listed compares two members of lists. A number with a word that is no known unit is
// prose, and equals only a number with the same word.
func (c *checker) listed(g, p item) bool {
	if g.unit != p.unit && (!latex.KnownUnit(g.unit) || !latex.KnownUnit(p.unit)) {
		return false
	}
	if g.val != nil && p.val != nil && (g.val.Op == latex.OpSet) != (p.val.Op == latex.OpSet) {
		return false // {1}, {2} are not 1, 2
	}
	return c.itemEqual(g, p)
}

// itemEqual reports whether two members are equal.
func (c *checker) itemEqual(g, p item) bool {
	if c.Step(1); c.Over || g.dead || p.dead {
		return false
	}
	if g.val != nil && p.val != nil {
		if len(g.names) > 0 && len(p.names) > 0 && !common(g.names, p.names) {
			if g.rel != nil && p.rel != nil && g.val.Op == latex.OpName && p.val.Op == latex.OpName {
				return c.relations(g.rel, p.rel) // x = y, y = x
			}
			return false
		}
		if g.unit != "" && p.unit != "" && g.unit != p.unit {
			return false
		}
		if g.unit != p.unit {
			if _, percent := unpercent(g.val); percent {
				return false
			}
			if _, percent := unpercent(p.val); percent {
				return false
			}
		}
		return c.values(g.val, p.val)
	}
	if g.rel != nil && p.rel != nil {
		return c.relations(g.rel, p.rel)
	}
	return false
}

// common reports whether a and b share a name.
func common(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

// values reports whether two values are equal.
func (c *checker) values(g, p *latex.Node) bool {
	if g.Scalar() && p.Scalar() {
		return c.percent(g, p)
	}
	switch {
	case g.Op == latex.OpTuple && p.Op == latex.OpTuple:
		if len(g.Kids) != len(p.Kids) || g.Text != p.Text {
			return false
		}
		for i := range g.Kids {
			if !c.answers(g.Kids[i], p.Kids[i]) {
				return false
			}
		}
		return true
	case g.Op == latex.OpSet && p.Op == latex.OpSet && setOfSet(g) && setOfSet(p):
		return c.values(g.Kids[0], p.Kids[0])
	case g.Op == latex.OpSet && p.Op == latex.OpSet:
		return c.matched(c.spread([]item{{val: g}}), c.spread([]item{{val: p}}))
	case g.Op == latex.OpSet && len(g.Kids) == 1 && !setOfSet(g):
		return c.values(g.Kids[0], p)
	case p.Op == latex.OpSet && len(p.Kids) == 1 && !setOfSet(p):
		return c.values(g, p.Kids[0])
	case g.Op == latex.OpRatio && p.Op == latex.OpRatio:
		if len(g.Kids) != len(p.Kids) {
			return false
		}
		for i := range g.Kids {
			if !c.equal(g.Kids[i], p.Kids[i]) {
				return false
			}
		}
		return true
	case g.Op == latex.OpUnit || p.Op == latex.OpUnit:
		return c.itemEqual(c.item(g), c.item(p))
	case g.Op == latex.OpRel && p.Op == latex.OpRel:
		return c.relations(g, p)
	case c.regions(g, p):
		return true
	case g.Op == latex.OpTuple || g.Op == latex.OpSet:
		return false
	}
	return latex.Same(g, p)
}

// percent compares two scalars, either of which may have a percent sign. p% equals p/100.
// It also equals p if the reference answer has the sign or is a bare number above 1.
func (c *checker) percent(g, p *latex.Node) bool {
	gold, signed := unpercent(g)
	pred, psigned := unpercent(p)
	switch {
	case signed == psigned:
		return c.equal(gold, pred)
	case signed:
		return c.equal(gold, pred) || c.equal(g, pred)
	}
	if c.equal(gold, p) {
		return true
	}
	r, st := c.rat(gold)
	return st == known && r.Num().CmpAbs(r.Denom()) > 0 && c.equal(gold, pred)
}

// unpercent removes a percent sign, and reports whether there was one.
func unpercent(n *latex.Node) (*latex.Node, bool) {
	switch n.Op {
	case latex.OpPercent:
		return n.Kids[0], true
	case latex.OpNeg:
		if k, ok := unpercent(n.Kids[0]); ok {
			return latex.Apply(latex.OpNeg, k), true
		}
	}
	return n, false
}
