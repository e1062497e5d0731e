package jinja

import (
	"fmt"
	"slices"
	"strings"
)

type expression interface {
	eval(s *scope) any
}

type constant struct{ value any }

func (c constant) eval(*scope) any { return c.value }

type variable string

func (v variable) eval(s *scope) any {
	for at := s; at != nil; at = at.parent {
		if value, ok := at.names[string(v)]; ok {
			return value
		}
	}
	if g, ok := globals[string(v)]; ok {
		return function(func(a args) any { return g(s.run, a) })
	}
	return undefined(fmt.Sprintf("'%s' is undefined", string(v)))
}

type listLiteral []expression

func (l listLiteral) eval(s *scope) any { return list(evalAll(s, l)) }

type tupleLiteral []expression

func (t tupleLiteral) eval(s *scope) any { return tuple(evalAll(s, t)) }

func evalAll(s *scope, items []expression) []any {
	out := make([]any, len(items))
	for i, e := range items {
		out[i] = e.eval(s)
	}
	return out
}

type dictLiteral [][2]expression

func (d dictLiteral) eval(s *scope) any {
	out := &dict{}
	for _, item := range d {
		out.set(item[0].eval(s), item[1].eval(s))
	}
	return out
}

type conditional struct{ then, test, otherwise expression } // otherwise may be nil

func (c *conditional) eval(s *scope) any {
	switch {
	case truth(c.test.eval(s)):
		return c.then.eval(s)
	case c.otherwise == nil:
		return undefined("the condition is false, and there is no else")
	}
	return c.otherwise.eval(s)
}

// A logical is an "and" or an "or". Its value is that of the operand that decides it.
type logical struct {
	left, right expression
	or          bool
}

func (l *logical) eval(s *scope) any {
	if v := l.left.eval(s); truth(v) == l.or {
		return v
	}
	return l.right.eval(s)
}

type not struct{ e expression }

func (n *not) eval(s *scope) any { return !truth(n.e.eval(s)) }

// A comparison may be a chain, a < b < c. It is true if every pair is.
type comparison struct {
	first     expression
	operators []string
	others    []expression
}

func (c *comparison) eval(s *scope) any {
	left := c.first.eval(s)
	for i, operator := range c.operators {
		right := c.others[i].eval(s)
		if !compare(operator, left, right) {
			return false
		}
		left = right
	}
	return true
}

func compare(operator string, a, b any) bool {
	switch operator {
	case "==":
		return equal(a, b)
	case "!=":
		return !equal(a, b)
	case "<":
		return less(a, b)
	case "<=":
		return !less(b, a)
	case ">":
		return less(b, a)
	case ">=":
		return !less(a, b)
	case "not in":
		return !contains(b, a)
	}
	return contains(b, a)
}

func contains(container, item any) bool {
	switch c := container.(type) {
	case string:
		part, ok := item.(string)
		if !ok {
			fail("'in <string>' requires string as left operand, not %s", typeName(item))
		}
		return strings.Contains(c, part)
	case *dict:
		_, ok := c.get(item)
		return ok
	}
	return slices.ContainsFunc(iterate(container), func(v any) bool { return equal(v, item) })
}

type sign struct {
	operator string
	e        expression
}

func (n *sign) eval(s *scope) any {
	v := n.e.eval(s)
	if n.operator == "+" {
		return arithmetic("+", int64(0), v)
	}
	if f, ok := v.(float64); ok {
		return -f
	}
	return arithmetic("-", int64(0), v)
}

type binary struct {
	operator    string
	left, right expression
}

func (b *binary) eval(s *scope) any {
	left, right := b.left.eval(s), b.right.eval(s)
	if b.operator == "~" {
		return arithmetic("+", str(left), str(right))
	}
	return arithmetic(b.operator, left, right)
}

type attribute struct {
	of   expression
	name string
}

func (a *attribute) eval(s *scope) any { return getAttribute(a.of.eval(s), a.name) }

// getAttribute returns the method of v with that name, or else the item. x['name'] looks
// for items first.
func getAttribute(v any, name string) any {
	switch v := v.(type) {
	case undefined:
		fail("%s", string(v))
	case *loop:
		return v.attribute(name)
	case *namespace:
		if item, ok := v.get(name); ok {
			return item
		}
	case *dict:
		if m, ok := dictMethods[name]; ok {
			return function(func(a args) any { return m(v, a) })
		}
		if item, ok := v.get(name); ok {
			return item
		}
	case string:
		if m, ok := stringMethods[name]; ok {
			return function(func(a args) any { return m(v, a) })
		}
	}
	return undefined(fmt.Sprintf("'%s object' has no attribute '%s'", typeName(v), name))
}

type subscript struct{ of, index expression }

func (i *subscript) eval(s *scope) any { return getItem(i.of.eval(s), i.index.eval(s)) }

func getItem(v, index any) any {
	if d, ok := v.(*dict); ok {
		if item, ok := d.get(index); ok {
			return item
		}
	}
	if name, ok := index.(string); ok {
		return getAttribute(v, name)
	}
	switch v := v.(type) {
	case undefined:
		fail("%s", string(v))
	case list, tuple, string:
		items := iterate(v)
		if i, ok := integer(index); ok {
			if i < 0 {
				i += int64(len(items))
			}
			if 0 <= i && i < int64(len(items)) {
				return items[i]
			}
		}
	}
	return undefined(fmt.Sprintf("%s object has no element %s", typeName(v), repr(index)))
}

type slice struct {
	of    expression
	parts [3]expression // from, to, step; nil for none
}

func (sl *slice) eval(s *scope) any {
	v := sl.of.eval(s)
	var items []any
	switch v := v.(type) {
	case list, tuple, string:
		items = iterate(v)
	case undefined:
		fail("%s", string(v))
	default:
		fail("'%s' object is not subscriptable", typeName(v))
	}
	n := int64(len(items))
	step := sl.part(s, 2, 1)
	if step == 0 {
		fail("slice step cannot be zero")
	}
	low, high := int64(0), n // the range that the ends are brought into
	from, to := int64(0), n
	if step < 0 {
		low, high = -1, n-1
		from, to = n-1, -1
	}
	end := func(i int, none int64) int64 {
		if sl.parts[i] == nil || sl.parts[i].eval(s) == nil {
			return none
		}
		x := sl.part(s, i, 0)
		if x < 0 {
			x += n
		}
		return min(max(x, low), high)
	}
	from, to = end(0, from), end(1, to)
	out := list{}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		out = append(out, items[i])
		if step > n || step < -n {
			break // the next is outside, and the sum might not fit
		}
	}
	switch v.(type) {
	case string:
		return joined(out, "")
	case tuple:
		return tuple(out)
	}
	return out
}

func (sl *slice) part(s *scope, i int, none int64) int64 {
	if sl.parts[i] == nil {
		return none
	}
	v := sl.parts[i].eval(s)
	if v == nil {
		return none
	}
	x, ok := integer(v)
	if !ok {
		fail("slice indices must be integers or None, not %s", typeName(v))
	}
	return x
}

type arguments struct {
	values []expression
	names  []string // of the last values
}

func (a arguments) eval(s *scope) args {
	return args{evalAll(s, a.values), a.names}
}

type call struct {
	callee expression
	arguments
}

func (c *call) eval(s *scope) any {
	switch f := c.callee.eval(s).(type) {
	case function:
		return f(c.arguments.eval(s))
	case undefined:
		fail("%s", string(f))
	default:
		fail("'%s' object is not callable", typeName(f))
	}
	return nil
}

type filter struct {
	of   expression
	name string
	arguments
}

func (f *filter) eval(s *scope) any { return filters[f.name](f.of.eval(s), f.arguments.eval(s)) }

type test struct {
	of   expression
	name string
	arguments
}

func (t *test) eval(s *scope) any { return tests[t.name](t.of.eval(s), t.arguments.eval(s)) }
