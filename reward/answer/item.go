package answer

import (
	"strings"

	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// An item is one member of an answer: a value with its names and unit, or a relation.
type item struct {
	names []string
	val   *latex.Node // nil for a relation that is no assignment
	unit  string
	rel   *latex.Node
	dead  bool // false or empty: equal to nothing
}

// items returns the members of an answer. An answer with ± gives one member for each sign.
func (c *checker) items(n *latex.Node) []item {
	kids := []*latex.Node{n}
	if n.Op == latex.OpList {
		kids = n.Kids
	}
	out := make([]item, 0, len(kids))
	for _, k := range kids {
		for _, v := range signs(k) {
			out = append(out, c.item(v))
		}
	}
	return out
}

// item returns the member that a tree stands for.
func (c *checker) item(n *latex.Node) item {
	switch n.Op {
	case latex.OpUnit:
		return item{val: n.Kids[0], unit: n.Text}
	case latex.OpRel:
		return c.chain(n)
	}
	return item{val: n}
}

// chain reads a chain of relations as an assignment if it is one.
func (c *checker) chain(n *latex.Node) item {
	it := item{rel: n}
	if n.Rels[0] == "in" {
		if name, ok := label(n.Kids[0]); ok && len(n.Rels) == 1 {
			return item{names: []string{name}, val: n.Kids[1]}
		}
		return it
	}
	var values []*latex.Node
	for i, k := range n.Kids {
		if i > 0 && n.Rels[i-1] == "~" {
			continue
		}
		if i > 0 && n.Rels[i-1] != "=" {
			return it
		}
		if k.Op == latex.OpUnit {
			if it.unit != "" && it.unit != k.Text {
				it.dead = true
			}
			it.unit, k = k.Text, k.Kids[0]
		}
		if name, ok := label(k); ok {
			it.names = append(it.names, name)
		} else {
			values = append(values, k)
		}
	}
	for _, k := range n.Kids { // an equation in its own name assigns nothing
		if len(values) > 0 && k.Op == latex.OpName && len(it.names) > 0 && len(n.Kids) == 2 {
			for _, v := range values[0].Names(nil) {
				if v == k.Text {
					it.names = nil
				}
			}
			if it.names == nil {
				if c.difference(n) == nil {
					it.dead = true
				}
				return it
			}
		}
	}
	switch {
	case len(it.names) == len(n.Kids): // x = y
		if len(it.names) != 2 || it.names[0] == it.names[1] {
			it.dead = true
			return it
		}
		it.val = n.Kids[1]
		it.names = it.names[:1]
		return it
	case len(values) == 0:
		it.dead = true
		return it
	case len(it.names) > 0:
	default:
		for _, v := range values {
			if v.Has(func(k *latex.Node) bool { return k.Op == latex.OpName || k.Op == latex.OpCall }) {
				it.names = nil
				if len(n.Kids) == 2 && c.difference(n) == nil {
					it.dead = true
				}
				return it
			}
		}
	}
	identical := len(values) > 1 || len(it.names) == 0 && len(n.Kids) < 2
	for _, v := range values[1:] {
		if !c.itemEqual(item{val: values[0]}, item{val: v}) {
			it.dead = true
		}
		identical = identical && latex.Same(values[0], v)
	}
	if len(it.names) == 0 && identical {
		it.dead = true
	}
	it.val = values[0]
	return it
}

// label returns the name that a tree stands for: x, x_1, f(x), |AB|, AB:CD, (x, y), B^{-1},
// or words.
func label(n *latex.Node) (string, bool) {
	switch n.Op {
	case latex.OpLabel, latex.OpName:
		return n.Text, true
	case latex.OpCall:
		s := n.Text + "("
		for _, k := range n.Kids {
			if t, ok := label(k); ok {
				s += t + ","
			} else if k.Op == latex.OpNum {
				s += k.Text + ","
			} else if k.Op == latex.OpNeg && k.Kids[0].Op == latex.OpNum {
				s += "-" + k.Kids[0].Text + ","
			} else {
				return "", false
			}
		}
		return s, true
	case latex.OpMul:
		return product(n)
	case latex.OpPow:
		b, e := n.Kids[0], n.Kids[1]
		if b.Op == latex.OpName && len(b.Text) == 1 && b.Text[0] < 'a' &&
			e.Op == latex.OpNeg && e.Kids[0].Op == latex.OpNum && e.Kids[0].Text == "1" {
			return b.Text + "^-1", true
		}
	case latex.OpFunc:
		if s, ok := label(n.Kids[0]); n.Text == "abs" && ok && capital(s) {
			return "|" + s + "|", true
		}
	case latex.OpDiv:
		return joined(n.Kids, "/", capital)
	case latex.OpRatio:
		return joined(n.Kids, ":", func(string) bool { return true })
	case latex.OpTuple:
		return joined(n.Kids, ",", func(string) bool { return true })
	}
	return "", false
}

// joined returns the labels of all kids, separated by sep, if ok accepts each one.
func joined(kids []*latex.Node, sep string, ok func(string) bool) (string, bool) {
	var all []string
	for _, k := range kids {
		s, named := label(k)
		if !named || !ok(s) {
			return "", false
		}
		all = append(all, s)
	}
	return strings.Join(all, sep), true
}

// capital reports whether a name stands for a thing such as a segment or an event.
func capital(s string) bool {
	return s != "" && strings.ToUpper(s) == s && latex.IsLetter(s[0]) ||
		strings.HasPrefix(s, "over") || strings.HasPrefix(s, "angle") || s == "z"
}

// product reads capitals as the name of a segment, AB, and P(x) as a call.
func product(n *latex.Node) (string, bool) {
	s := ""
	if len(n.Kids) == 2 && n.Kids[0].Text == "m" && strings.HasPrefix(n.Kids[1].Text, "angle") {
		return n.Kids[1].Text, true // m\angle ABC
	}
	for i, k := range n.Kids {
		if k.Op != latex.OpName {
			return "", false
		}
		if len(n.Kids) == 2 && i == 1 && n.Kids[0].Text != k.Text && capital(s) && !capital(k.Text) {
			return s + "(" + k.Text + ",", true
		}
		if len(k.Text) != 1 || k.Text[0] >= 'a' {
			return "", false
		}
		s += k.Text
	}
	return s, true
}

// signs returns the trees that a tree with ± stands for: one for each choice of signs, or
// two if it also contains ∓, whose signs go together. Sets keep their signs.
func signs(n *latex.Node) []*latex.Node {
	count, tied := 0, false
	var find func(n *latex.Node)
	find = func(n *latex.Node) {
		if n.Op == latex.OpPM {
			count++
			tied = tied || n.Text == "mp"
		}
		if n.Op != latex.OpSet {
			for _, k := range n.Kids {
				find(k)
			}
		}
	}
	find(n)
	if count == 0 {
		return []*latex.Node{n}
	}
	if tied {
		count = 1
	}
	if count > 4 {
		return []*latex.Node{{Op: latex.OpCall, Text: "too many signs"}}
	}
	var out []*latex.Node
	for choice := range 1 << count {
		at := 0
		var build func(n *latex.Node) *latex.Node
		build = func(n *latex.Node) *latex.Node {
			if n.Op == latex.OpSet {
				return n
			}
			m := *n
			m.Kids = make([]*latex.Node, len(n.Kids))
			bit := choice
			if n.Op == latex.OpPM && !tied {
				bit = choice >> at
				at++
			}
			for i, k := range n.Kids {
				m.Kids[i] = build(k)
			}
			if n.Op == latex.OpPM {
				minus := bit&1 == 1
				if minus != (n.Text == "mp") {
					m.Op, m.Text = latex.OpNeg, ""
				} else {
					return m.Kids[0]
				}
			}
			return &m
		}
		out = append(out, build(n))
	}
	return out
}
