package answer

import (
	"slices"

	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// subject returns the variable that an inequality is about, or "".
func subject(n *latex.Node) string {
	switch n.Op {
	case latex.OpRel:
		if len(n.Kids) == 3 && n.Kids[1].Op == latex.OpName {
			return n.Kids[1].Text
		}
		for _, k := range n.Kids {
			if name, ok := label(k); ok {
				return name
			}
		}
	case latex.OpList:
		return subject(n.Kids[0])
	}
	return ""
}

// solved returns the region of an inequality that is solved for one variable.
func (c *checker) solved(n *latex.Node, name string) (region, bool) {
	if n.Rels[0] == "in" && len(n.Rels) == 1 {
		if v, ok := label(n.Kids[0]); ok && (name == "" || v == name) {
			return c.region(n.Kids[1], "")
		}
		return region{}, false
	}
	free := func(k *latex.Node, v string) bool { return !slices.Contains(k.Names(nil), v) }
	up := func(r string) bool { return r == "<" || r == "<=" }
	if len(n.Rels) == 2 {
		v, a, b := n.Kids[1], n.Kids[0], n.Kids[2]
		r, s := n.Rels[0], n.Rels[1]
		if !up(r) {
			a, b, r, s = b, a, flip(s), flip(r)
		}
		if v.Op != latex.OpName || name != "" && v.Text != name || !up(r) || !up(s) || !free(a, v.Text) || !free(b, v.Text) {
			return region{}, false
		}
		return c.interval(a, b, r == "<", s == "<")
	}
	if len(n.Rels) != 1 {
		return region{}, false
	}
	v, b, r := n.Kids[0], n.Kids[1], n.Rels[0]
	if v.Op != latex.OpName || name != "" && v.Text != name {
		v, b, r = b, v, flip(r)
	}
	if v.Op != latex.OpName || name != "" && v.Text != name || !free(b, v.Text) {
		return region{}, false
	}
	inf := latex.Apply(latex.OpInf)
	switch r {
	case "<", "<=":
		return c.interval(latex.Apply(latex.OpNeg, inf), b, true, r == "<")
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

// flip returns the relation that holds when both sides change places.
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
