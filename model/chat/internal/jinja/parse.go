package jinja

import (
	"fmt"
	"slices"
)

// A parser reads tokens by the grammar of Jinja2 (its parser.py). Its precedence differs
// from Python's: ** groups to the left and binds more than a sign.
type parser struct {
	tokens []token
	depth  int // of expressions and blocks in one another
}

// maxDepth bounds nesting, because parsing and rendering use the stack.
const maxDepth = 200

// A syntaxError is what the parser panics with. parse returns it as an error.
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

// body reads statements up to a tag that begins with one of the words, and reads that mark.
// Without words it reads everything.
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

// names reads the targets of an assignment.
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
