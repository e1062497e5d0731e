package chat

import (
	"fmt"
	"slices"
)

// A parser reads tokens by Jinja2's grammar (its parser.py), whose precedence differs
// from Python's: a power groups to the left and below a sign.
type parser struct {
	tokens []token
	depth  int // of expressions and blocks in one another
}

// maxDepth bounds nesting, since parsing and rendering use the stack.
const maxDepth = 200

// A syntaxError is what the parser panics with.
type syntaxError struct{ error }

func parse(source string) (body []statement, err error) {
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(syntaxError)
			if !ok {
				panic(r)
			}
			err = e.error
		}
	}()
	p := &parser{tokens: tokens}
	body = p.body()
	return body, nil
}

func (p *parser) fail(format string, args ...any) {
	panic(syntaxError{fmt.Errorf("line %d: %s", p.tokens[0].line, fmt.Sprintf(format, args...))})
}

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != endToken {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) at(kind tokenKind, texts ...string) bool {
	return p.tokens[0].kind == kind && slices.Contains(texts, p.tokens[0].text)
}

func (p *parser) skip(kind tokenKind, text string) bool {
	if p.at(kind, text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(kind tokenKind, text string) {
	if !p.skip(kind, text) {
		p.fail("%s where %q should stand", p.tokens[0], text)
	}
}

func (p *parser) name() string {
	if p.tokens[0].kind != nameToken {
		p.fail("%s where a name should stand", p.tokens[0])
	}
	return p.next().text
}

func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail("nested more than %d deep", maxDepth)
	}
	return func() { p.depth-- }
}

// body reads statements up to a tag that starts with one of the words, and that word;
// without words it reads all.
func (p *parser) body(until ...string) []statement {
	defer p.deeper()()
	var body []statement
	for {
		switch t := p.next(); {
		case t.kind == textToken:
			body = append(body, text(t.text))
		case t.kind == endToken:
			if until != nil {
				p.fail("the template ends where %q should stand", until)
			}
			return body
		case t.text == "{{":
			body = append(body, &output{t.line, p.tuple(true)})
			p.expect(closeToken, "}}")
		case p.tokens[0].kind == nameToken && slices.Contains(until, p.tokens[0].text):
			return body
		default:
			body = append(body, p.statement())
		}
	}
}

// end reads the rest of the tag that ends a block.
func (p *parser) end(word string) {
	p.expect(nameToken, word)
	p.expect(closeToken, "%}")
}

func (p *parser) statement() statement {
	line := p.tokens[0].line
	switch word := p.name(); word {
	case "if":
		return p.ifStatement(line)
	case "for":
		return p.forStatement(line)
	case "set":
		return p.setStatement(line)
	case "macro":
		return p.macroStatement(line)
	case "break", "continue":
		p.expect(closeToken, "%}")
		return jump(word)
	case "generation":
		p.expect(closeToken, "%}")
		body := p.body("endgeneration")
		p.end("endgeneration")
		return block(body)
	default:
		p.fail("the statement %q is not supported", word)
		return nil
	}
}

func (p *parser) ifStatement(line int) statement {
	s := &ifStatement{line: line, test: p.tuple(false)}
	p.expect(closeToken, "%}")
	s.then = p.body("elif", "else", "endif")
	switch next := p.tokens[0].line; {
	case p.skip(nameToken, "elif"):
		s.otherwise = []statement{p.ifStatement(next)}
		return s
	case p.skip(nameToken, "else"):
		p.expect(closeToken, "%}")
		s.otherwise = p.body("endif")
	}
	p.end("endif")
	return s
}

func (p *parser) forStatement(line int) statement {
	s := &forStatement{line: line, targets: p.names()}
	p.expect(nameToken, "in")
	s.list = p.tuple(false)
	if p.skip(nameToken, "if") {
		s.test = p.expression()
	}
	p.expect(closeToken, "%}")
	s.body = p.body("else", "endfor")
	if p.skip(nameToken, "else") {
		p.expect(closeToken, "%}")
		s.otherwise = p.body("endfor")
	}
	p.end("endfor")
	return s
}

// names reads one target of an assignment or more.
func (p *parser) names() []string {
	names := []string{p.name()}
	for p.skip(signToken, ",") {
		names = append(names, p.name())
	}
	return names
}

func (p *parser) setStatement(line int) statement {
	s := &setStatement{line: line, targets: p.names()}
	if len(s.targets) == 1 && p.skip(signToken, ".") {
		s.attribute = p.name()
	}
	if p.skip(signToken, "=") {
		s.value = p.tuple(true)
		p.expect(closeToken, "%}")
		return s
	}
	p.expect(closeToken, "%}")
	if len(s.targets) > 1 {
		p.fail("a block cannot be set to more than one name")
	}
	s.body = p.body("endset")
	p.end("endset")
	return s
}

func (p *parser) macroStatement(line int) statement {
	s := &macroStatement{line: line, name: p.name()}
	p.expect(signToken, "(")
	for !p.skip(signToken, ")") {
		s.parameters = append(s.parameters, p.name())
		var value expression
		if p.skip(signToken, "=") {
			value = p.expression()
		} else if n := len(s.defaults); n > 0 && s.defaults[n-1] != nil {
			p.fail("a parameter without a default after one with")
		}
		s.defaults = append(s.defaults, value)
		if !p.at(signToken, ")") {
			p.expect(signToken, ",")
		}
	}
	p.expect(closeToken, "%}")
	s.body = p.body("endmacro")
	p.end("endmacro")
	return s
}

// tuple reads an expression, or some with commas between, which make a tuple. Only
// where it says so may these be conditional.
func (p *parser) tuple(conditional bool) expression {
	read := p.or
	if conditional {
		read = p.expression
	}
	first := read()
	if !p.at(signToken, ",") {
		return first
	}
	items := []expression{first}
	for p.skip(signToken, ",") {
		if p.tokens[0].kind == closeToken || p.at(signToken, ")") || p.at(nameToken, "in") {
			break
		}
		items = append(items, read())
	}
	return tupleLiteral(items)
}

func (p *parser) expression() expression {
	defer p.deeper()()
	e := p.or()
	for p.skip(nameToken, "if") {
		c := &conditional{then: e, test: p.or()}
		if p.skip(nameToken, "else") {
			c.otherwise = p.expression()
		}
		e = c
	}
	return e
}

func (p *parser) or() expression {
	e := p.and()
	for p.skip(nameToken, "or") {
		e = &logical{e, p.and(), true}
	}
	return e
}

func (p *parser) and() expression {
	e := p.not()
	for p.skip(nameToken, "and") {
		e = &logical{e, p.not(), false}
	}
	return e
}

func (p *parser) not() expression {
	if !p.skip(nameToken, "not") {
		return p.comparison()
	}
	defer p.deeper()()
	return &not{p.not()}
}

func (p *parser) comparison() expression {
	c := &comparison{first: p.binary(0)}
	for {
		switch {
		case p.at(signToken, "==", "!=", "<", "<=", ">", ">="):
			c.operators = append(c.operators, p.next().text)
		case p.skip(nameToken, "in"):
			c.operators = append(c.operators, "in")
		case p.at(nameToken, "not") && p.tokens[1].kind == nameToken && p.tokens[1].text == "in":
			p.next()
			p.next()
			c.operators = append(c.operators, "not in")
		case c.operators == nil:
			return c.first
		default:
			return c
		}
		c.others = append(c.others, p.binary(0))
	}
}

// levels are the binary operators, loosest first.
var levels = [][]string{{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}}

func (p *parser) binary(level int) expression {
	if level == len(levels) {
		return p.unary(true)
	}
	e := p.binary(level + 1)
	for p.at(signToken, levels[level]...) {
		e = &binary{p.next().text, e, p.binary(level + 1)}
	}
	return e
}

func (p *parser) unary(filters bool) expression {
	var e expression
	switch {
	case p.at(signToken, "-", "+"):
		defer p.deeper()()
		e = &sign{p.next().text, p.unary(false)}
	default:
		e = p.primary()
	}
	e = p.postfix(e)
	if filters {
		e = p.filtered(e)
	}
	return e
}

func (p *parser) primary() expression {
	t := p.next()
	switch {
	case t.kind == nameToken:
		switch t.text {
		case "true", "True":
			return constant{true}
		case "false", "False":
			return constant{false}
		case "none", "None":
			return constant{nil}
		}
		return variable(t.text)
	case t.kind == stringToken:
		s := t.text
		for p.tokens[0].kind == stringToken {
			s += p.next().text
		}
		return constant{s}
	case t.kind == numberToken:
		return constant{t.value}
	case t.kind == signToken && t.text == "(":
		if p.skip(signToken, ")") {
			return tupleLiteral(nil)
		}
		e := p.tuple(true)
		p.expect(signToken, ")")
		return e
	case t.kind == signToken && t.text == "[":
		var items listLiteral
		for !p.skip(signToken, "]") {
			items = append(items, p.expression())
			if !p.at(signToken, "]") {
				p.expect(signToken, ",")
			}
		}
		return items
	case t.kind == signToken && t.text == "{":
		var items dictLiteral
		for !p.skip(signToken, "}") {
			key := p.expression()
			p.expect(signToken, ":")
			items = append(items, [2]expression{key, p.expression()})
			if !p.at(signToken, "}") {
				p.expect(signToken, ",")
			}
		}
		return items
	}
	p.fail("%s where an expression should stand", t)
	return nil
}

// postfix reads the attributes, subscripts and calls behind an expression.
func (p *parser) postfix(e expression) expression {
	for {
		switch {
		case p.skip(signToken, "."):
			if p.tokens[0].kind == numberToken {
				e = &subscript{e, constant{p.next().value}}
			} else {
				e = &attribute{e, p.name()}
			}
		case p.skip(signToken, "["):
			e = p.subscript(e)
		case p.at(signToken, "("):
			c := &call{callee: e}
			c.arguments = p.arguments()
			e = c
		default:
			return e
		}
	}
}

// subscript reads an index, or the two or three parts of a slice.
func (p *parser) subscript(e expression) expression {
	var parts [3]expression
	n := 0
	for {
		if !p.at(signToken, ":", "]") {
			parts[n] = p.expression()
		}
		if p.skip(signToken, "]") {
			break
		}
		if p.expect(signToken, ":"); n == 2 {
			p.fail("a slice has three parts at most")
		}
		n++
	}
	switch {
	case n > 0:
		return &slice{e, parts}
	case parts[0] == nil:
		p.fail("a subscript is missing")
	}
	return &subscript{e, parts[0]}
}

func (p *parser) arguments() (a arguments) {
	p.expect(signToken, "(")
	for !p.skip(signToken, ")") {
		if p.tokens[0].kind == nameToken && p.tokens[1].kind == signToken && p.tokens[1].text == "=" {
			a.names = append(a.names, p.name())
			p.next()
		} else if a.names != nil {
			p.fail("an argument without a name after one with")
		}
		a.values = append(a.values, p.expression())
		if !p.at(signToken, ")") {
			p.expect(signToken, ",")
		}
	}
	return a
}

// filtered reads the filters and tests behind an expression.
func (p *parser) filtered(e expression) expression {
	for {
		switch {
		case p.skip(signToken, "|"):
			f := &filter{of: e, name: p.name()}
			if filters[f.name] == nil {
				p.fail("the filter %q is not supported", f.name)
			}
			if p.at(signToken, "(") {
				f.arguments = p.arguments()
			}
			e = f
		case p.skip(nameToken, "is"):
			e = p.test(e)
		case p.at(signToken, "("):
			e = &call{e, p.arguments()}
		default:
			return e
		}
	}
}

func (p *parser) test(e expression) expression {
	negated := p.skip(nameToken, "not")
	var name string
	if p.at(signToken, "==", "!=") {
		p.fail("a test is missing")
	}
	name = p.name()
	f := &test{of: e, name: name}
	if tests[name] == nil {
		p.fail("the test %q is not supported", name)
	}
	switch t := p.tokens[0]; {
	case p.at(signToken, "("):
		f.arguments = p.arguments()
	case p.at(nameToken, "else", "or", "and"):
	case p.at(nameToken, "is"):
		p.fail("a test of a test")
	case t.kind == nameToken || t.kind == stringToken || t.kind == numberToken || p.at(signToken, "[", "{"):
		f.arguments.values = []expression{p.postfix(p.primary())}
	}
	if negated {
		return &not{f}
	}
	return f
}
