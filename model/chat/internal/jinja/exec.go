package jinja

import (
	"fmt"
	"strings"
	"time"
)

// A statement is a tag with its body, or the text between tags.
type statement interface {
	exec(s *scope) jump
}

// A jump says how to go on after a statement: "" with the next one, "continue" with the
// next turn of the loop, "break" behind the loop.
type jump string

// A scope holds the variables that are set in one turn of a loop, in one call of a macro,
// or in the template outside of both. An if has no scope.
type scope struct {
	parent *scope
	names  map[string]any
	run    *run
}

// A run is the state of one rendering.
type run struct {
	out   *strings.Builder
	line  int
	depth int // of calls of macros
	now   time.Time
}

// write appends to the output.
func (r *run) write(text string) {
	if r.out.Len()+len(text) > maxSize {
		fail("the text has more than %d characters", maxSize)
	}
	r.out.WriteString(text)
}

func (s *scope) child() *scope { return &scope{s, map[string]any{}, s.run} }

// capture executes a body and returns what it writes.
func (s *scope) capture(body []statement) string {
	outer := s.run.out
	s.run.out = &strings.Builder{}
	execAll(s, body)
	text := s.run.out.String()
	s.run.out = outer
	return text
}

// execAll executes statements up to the first jump.
func execAll(s *scope, body []statement) jump {
	for _, st := range body {
		if j := st.exec(s); j != "" {
			return j
		}
	}
	return ""
}

type text string

func (t text) exec(s *scope) jump {
	s.run.write(string(t))
	return ""
}

type output struct {
	line int
	e    expression
}

func (o *output) exec(s *scope) jump {
	s.run.line = o.line
	s.run.write(str(o.e.eval(s)))
	return ""
}

func (j jump) exec(*scope) jump { return j }

// A block is the text between {% generation %} and its end. The tag marks what a model
// wrote; it does not change the text.
type block []statement

func (b block) exec(s *scope) jump {
	s.run.write(s.child().capture(b))
	return ""
}

type ifStatement struct {
	line            int
	test            expression
	then, otherwise []statement
}

func (i *ifStatement) exec(s *scope) jump {
	s.run.line = i.line
	if truth(i.test.eval(s)) {
		return execAll(s, i.then)
	}
	return execAll(s, i.otherwise)
}

type forStatement struct {
	line            int
	targets         []string
	list            expression
	test            expression // nil for none
	body, otherwise []statement
}

func (f *forStatement) exec(s *scope) jump {
	s.run.line = f.line
	items := iterate(f.list.eval(s))
	if f.test != nil {
		var kept []any
		for _, item := range items {
			turn := s.child()
			turn.assign(f.targets, item)
			if truth(f.test.eval(turn)) {
				kept = append(kept, item)
			}
		}
		items = kept
	}
	for i, item := range items {
		turn := s.child()
		turn.names["loop"] = &loop{items, i}
		turn.assign(f.targets, item)
		if execAll(turn, f.body) == "break" {
			break
		}
	}
	if len(items) == 0 {
		execAll(s.child(), f.otherwise)
	}
	return ""
}

// A loop is the variable "loop" in the body of a for.
type loop struct {
	items []any
	i     int
}

func (l *loop) attribute(name string) any {
	n := len(l.items)
	at := func(i int) any {
		if i < 0 || i >= n {
			return undefined("there is no such item")
		}
		return l.items[i]
	}
	switch name {
	case "index":
		return int64(l.i + 1)
	case "index0":
		return int64(l.i)
	case "revindex":
		return int64(n - l.i)
	case "revindex0":
		return int64(n - l.i - 1)
	case "first":
		return l.i == 0
	case "last":
		return l.i == n-1
	case "length":
		return int64(n)
	case "previtem":
		return at(l.i - 1)
	case "nextitem":
		return at(l.i + 1)
	}
	fail("loop.%s is not supported", name)
	return nil
}

type setStatement struct {
	line      int
	targets   []string
	attribute string     // of the only target, a namespace; "" for none
	value     expression // nil for a block
	body      []statement
}

func (st *setStatement) exec(s *scope) jump {
	s.run.line = st.line
	var v any
	if st.value != nil {
		v = st.value.eval(s)
	} else {
		v = s.child().capture(st.body)
	}
	if st.attribute == "" {
		s.assign(st.targets, v)
		return ""
	}
	ns, ok := variable(st.targets[0]).eval(s).(*namespace)
	if !ok {
		fail("%s is not a namespace, so %[1]s.%s cannot be set", st.targets[0], st.attribute)
	}
	ns.set(st.attribute, v)
	return ""
}

// assign sets one name to v, or several names to the items of v.
func (s *scope) assign(targets []string, v any) {
	if len(targets) == 1 {
		s.names[targets[0]] = v
		return
	}
	items := iterate(v)
	if len(items) != len(targets) {
		fail("%d values for %d names", len(items), len(targets))
	}
	for i, name := range targets {
		s.names[name] = items[i]
	}
}

type macroStatement struct {
	line       int
	name       string
	parameters []string
	defaults   []expression // one a parameter, nil for none
	body       []statement
}

func (m *macroStatement) exec(s *scope) jump {
	s.names[m.name] = function(func(a args) any {
		if s.run.depth++; s.run.depth > maxDepth {
			fail("macro %s: called more than %d deep", m.name, maxDepth)
		}
		line := s.run.line
		given := a.bind(m.name, m.parameters...)
		inner := s.child()
		for i, name := range m.parameters {
			switch {
			case given[i] != absent:
				inner.names[name] = given[i]
			case m.defaults[i] != nil:
				inner.names[name] = m.defaults[i].eval(inner)
			default:
				inner.names[name] = undefined(fmt.Sprintf("parameter '%s' was not provided", name))
			}
		}
		out := inner.capture(m.body)
		s.run.depth--
		s.run.line = line
		return out
	})
	return ""
}
