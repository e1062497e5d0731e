package answer

import "strings"

// An item is one member of an answer: a value with what it is called and measured
// in, or a relation.
type item struct {
	names []string
	val   *node // nil for a relation that is no assignment
	unit  string
	rel   *node
	dead  bool // false or empty: equal to nothing
}

// items are the members of an answer, ± written out.
func (c *checker) items(n *node) []item {
	kids := []*node{n}
	if n.op == opList {
		kids = n.kids
	}
	out := make([]item, 0, len(kids))
	for _, k := range kids {
		for _, v := range signs(k) {
			out = append(out, c.item(v))
		}
	}
	return out
}

func (c *checker) item(n *node) item {
	switch n.op {
	case opUnit:
		return item{val: n.kids[0], unit: n.text}
	case opRel:
		return c.chain(n)
	}
	return item{val: n}
}

// chain reads a chain of relations as an assignment where it is one.
func (c *checker) chain(n *node) item {
	it := item{rel: n}
	if n.rels[0] == "in" {
		if name, ok := label(n.kids[0]); ok && len(n.rels) == 1 {
			return item{names: []string{name}, val: n.kids[1]}
		}
		return it
	}
	var values []*node
	for i, k := range n.kids {
		if i > 0 && n.rels[i-1] == "~" {
			continue
		}
		if i > 0 && n.rels[i-1] != "=" {
			return it
		}
		if k.op == opUnit {
			if it.unit != "" && it.unit != k.text {
				it.dead = true
			}
			it.unit, k = k.text, k.kids[0]
		}
		if name, ok := label(k); ok {
			it.names = append(it.names, name)
		} else {
			values = append(values, k)
		}
	}
	for _, k := range n.kids { // an equation in its own name assigns nothing
		if len(values) > 0 && k.op == opName && len(it.names) > 0 && len(n.kids) == 2 {
			for _, v := range values[0].names(nil) {
				if v == k.text {
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
	case len(it.names) == len(n.kids): // x = y
		if len(it.names) != 2 || it.names[0] == it.names[1] {
			it.dead = true
			return it
		}
		it.val = n.kids[1]
		it.names = it.names[:1]
		return it
	case len(values) == 0:
		it.dead = true
		return it
	case len(it.names) > 0:
	default:
		for _, v := range values {
			if v.has(func(k *node) bool { return k.op == opName || k.op == opCall }) {
				it.names = nil
				if len(n.kids) == 2 && c.difference(n) == nil {
					it.dead = true
				}
				return it
			}
		}
	}
	identical := len(values) > 1 || len(it.names) == 0 && len(n.kids) < 2
	for _, v := range values[1:] {
		if !c.itemEqual(item{val: values[0]}, item{val: v}) {
			it.dead = true
		}
		identical = identical && same(values[0], v)
	}
	if len(it.names) == 0 && identical {
		it.dead = true
	}
	it.val = values[0]
	return it
}

// label is the name that n is: x, x_1, f(x), |AB|, AB:CD, (x, y), B^{-1}, or words.
func label(n *node) (string, bool) {
	switch n.op {
	case opLabel, opName:
		return n.text, true
	case opCall:
		s := n.text + "("
		for _, k := range n.kids {
			if t, ok := label(k); ok {
				s += t + ","
			} else if k.op == opNum {
				s += k.text + ","
			} else if k.op == opNeg && k.kids[0].op == opNum {
				s += "-" + k.kids[0].text + ","
			} else {
				return "", false
			}
		}
		return s, true
	case opMul:
		return product(n)
	case opPow:
		b, e := n.kids[0], n.kids[1]
		if b.op == opName && len(b.text) == 1 && b.text[0] < 'a' && e.op == opNeg && e.kids[0].op == opNum && e.kids[0].text == "1" {
			return b.text + "^-1", true
		}
	case opFunc:
		if s, ok := label(n.kids[0]); n.text == "abs" && ok && capital(s) {
			return "|" + s + "|", true
		}
	case opDiv:
		return joined(n.kids, "/", capital)
	case opRatio:
		return joined(n.kids, ":", func(string) bool { return true })
	case opTuple:
		return joined(n.kids, ",", func(string) bool { return true })
	}
	return "", false
}

func joined(kids []*node, sep string, ok func(string) bool) (string, bool) {
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

func capital(s string) bool {
	return s != "" && strings.ToUpper(s) == s && isLetter(s[0]) || strings.HasPrefix(s, "over") || strings.HasPrefix(s, "angle") || s == "z"
}

// product reads capitals as the label of a segment, AB, and P(x) as a call.
func product(n *node) (string, bool) {
	s := ""
	if len(n.kids) == 2 && n.kids[0].text == "m" && strings.HasPrefix(n.kids[1].text, "angle") {
		return n.kids[1].text, true // m\angle ABC
	}
	for i, k := range n.kids {
		if k.op != opName {
			return "", false
		}
		if len(n.kids) == 2 && i == 1 && n.kids[0].text != k.text && capital(s) && !capital(k.text) {
			return s + "(" + k.text + ",", true
		}
		if len(k.text) != 1 || k.text[0] >= 'a' {
			return "", false
		}
		s += k.text
	}
	return s, true
}

// signs are the trees that ± in n makes: each sign on its own, or both together
// where there is ∓ as well. Sets keep theirs.
func signs(n *node) []*node {
	count, tied := 0, false
	var find func(n *node)
	find = func(n *node) {
		if n.op == opPM {
			count++
			tied = tied || n.text == "mp"
		}
		if n.op != opSet {
			for _, k := range n.kids {
				find(k)
			}
		}
	}
	find(n)
	if count == 0 {
		return []*node{n}
	}
	if tied {
		count = 1
	}
	if count > 4 {
		return []*node{{op: opCall, text: "too many signs"}}
	}
	var out []*node
	for choice := range 1 << count {
		at := 0
		var build func(n *node) *node
		build = func(n *node) *node {
			if n.op == opSet {
				return n
			}
			m := *n
			m.kids = make([]*node, len(n.kids))
			bit := choice
			if n.op == opPM && !tied {
				bit = choice >> at
				at++
			}
			for i, k := range n.kids {
				m.kids[i] = build(k)
			}
			if n.op == opPM {
				minus := bit&1 == 1
				if minus != (n.text == "mp") {
					m.op, m.text = opNeg, ""
				} else {
					return m.kids[0]
				}
			}
			return &m
		}
		out = append(out, build(n))
	}
	return out
}
