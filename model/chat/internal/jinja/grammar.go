package jinja

// tuple reads an expression, or several with commas between, which make a tuple.
// conditional says that they may contain an if.
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

// levels holds the binary operators. The ones that bind least come first.
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

// postfix reads the attributes, subscripts and calls after an expression.
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

// filtered reads the filters and tests after an expression.
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
