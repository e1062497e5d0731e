package answer

import "slices"

// subject is the variable that an inequality is about.
func subject(n *node) string {
	switch n.op {
	case opRel:
		if len(n.kids) == 3 && n.kids[1].op == opName {
			return n.kids[1].text
		}
		for _, k := range n.kids {
			if name, ok := label(k); ok {
				return name
			}
		}
	case opList:
		return subject(n.kids[0])
	}
	return ""
}

// solved is the region of an inequality that is solved for one variable.
func (c *checker) solved(n *node, name string) (region, bool) {
	if n.rels[0] == "in" && len(n.rels) == 1 {
		if v, ok := label(n.kids[0]); ok && (name == "" || v == name) {
			return c.region(n.kids[1], "")
		}
		return region{}, false
	}
	free := func(k *node, v string) bool { return !slices.Contains(k.names(nil), v) }
	up := func(r string) bool { return r == "<" || r == "<=" }
	if len(n.rels) == 2 {
		v, a, b := n.kids[1], n.kids[0], n.kids[2]
		r, s := n.rels[0], n.rels[1]
		if !up(r) {
			a, b, r, s = b, a, flip(s), flip(r)
		}
		if v.op != opName || name != "" && v.text != name || !up(r) || !up(s) || !free(a, v.text) || !free(b, v.text) {
			return region{}, false
		}
		return c.interval(a, b, r == "<", s == "<")
	}
	if len(n.rels) != 1 {
		return region{}, false
	}
	v, b, r := n.kids[0], n.kids[1], n.rels[0]
	if v.op != opName || name != "" && v.text != name {
		v, b, r = b, v, flip(r)
	}
	if v.op != opName || name != "" && v.text != name || !free(b, v.text) {
		return region{}, false
	}
	inf := apply(opInf)
	switch r {
	case "<", "<=":
		return c.interval(apply(opNeg, inf), b, true, r == "<")
	case ">", ">=":
		return c.interval(b, inf, r == ">", true)
	case "!=":
		point, ok := c.interval(b, b, false, false)
		if !ok || point.symbolic {
			return region{}, false
		}
		return c.complement(point), true
	case "=":
		return c.interval(b, b, false, false)
	}
	return region{}, false
}

// flip is a relation read from its other side.
func flip(r string) string {
	switch r {
	case "<":
		return ">"
	case "<=":
		return ">="
	case ">":
		return "<"
	case ">=":
		return "<="
	}
	return r
}
