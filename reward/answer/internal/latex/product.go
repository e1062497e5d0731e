package latex

// product reads factors joined by · and /, or by nothing.
func (p *parser) product() *Node {
	n := p.power()
	if !n.Scalar() {
		return n
	}
	if m := p.mixed(n); m != nil {
		n = m
	}
	for !p.bad {
		t := p.peek()
		switch {
		case t.kind == tSym && (t.text == "*" || t.text == "/" || t.text == "mod"):
			p.pos++
			right := p.signed()
			switch t.text {
			case "*":
				n = p.times(n, right)
			case "/":
				n = p.node(OpDiv, n, right)
			case "mod":
				n = p.named(OpFunc, "mod", n, right)
			}
		case p.scientific(n):
			p.pos++
			n = p.times(n, p.power())
		case p.juxtaposed():
			root := n.Op == OpFunc && n.Text == "root" && p.toks[p.pos-1].text == "}" // \sqrt{2}2
			right := p.power()
			if right.Op == OpNum && right.Text != "" && !root { // 2 3 and x2 have no meaning
				return p.fail()
			}
			n = p.times(n, right)
		default:
			return n
		}
	}
	return n
}

// scientific reports whether the x of 1.2 x 10^3 comes next. Spaces distinguish it from the
// variable in 3x10^8.
func (p *parser) scientific(n *Node) bool {
	if n.Op != OpNum || p.pos+2 >= len(p.toks) {
		return false
	}
	rest := p.toks[p.pos:]
	return rest[0].kind == tRun && rest[0].text == "x" && rest[0].space && rest[1].space && rest[1].text == "10" && rest[2].text == "^"
}

// times multiplies two factors. A product that is not in brackets takes the factor in.
func (p *parser) times(a, b *Node) *Node {
	if a.Op == OpMul && b.Scalar() && b.Op != OpUnit && a.Text == "" {
		a.Kids = append(a.Kids, b)
		return a
	}
	return p.node(OpMul, a, b)
}

// signed reads the factor after an operator, which may have a sign.
func (p *parser) signed() *Node {
	if p.accept("-") {
		return p.node(OpNeg, p.power())
	}
	return p.power()
}

// mixed reads the fraction of a mixed number, such as 3 1/2 or 3\frac{1}{2}, after its
// integer n. It returns nil if there is none.
func (p *parser) mixed(n *Node) *Node {
	if n.Op != OpNum || n.Rat == nil || !IsInteger(n.Text) {
		return nil
	}
	rest := p.toks[p.pos:]
	literal := func(i int) bool { return i < len(rest) && rest[i].kind == tNum && IsInteger(rest[i].text) }
	sym := func(i int, s string) bool { return i < len(rest) && rest[i].kind == tSym && rest[i].text == s }
	switch {
	case literal(0) && sym(1, "/") && literal(2) && (len(rest) < 4 || !sym(3, "/")):
		a, b := p.number(rest[0].text), p.number(rest[2].text)
		p.pos += 3
		return p.postfix(p.node(OpAdd, n, p.node(OpDiv, a, b)))
	case literalFraction(rest):
		return p.postfix(p.node(OpAdd, n, p.atom()))
	}
	return nil
}

// literalFraction reports whether a \frac of two literal integers comes first.
func literalFraction(toks []Token) bool {
	if len(toks) < 2 || toks[0].kind != tCmd || toks[0].text != "frac" {
		return false
	}
	at, digits := 1, 0
	for digits < 2 && at < len(toks) {
		t := toks[at]
		switch {
		case t.kind == tNum && IsInteger(t.text):
			digits += min(len(t.text), 2)
			at++
		case t.text == "{" && at+2 < len(toks) && toks[at+1].kind == tNum && IsInteger(toks[at+1].text) && toks[at+2].text == "}":
			digits++
			at += 3
		default:
			return false
		}
	}
	return digits >= 2 && (at >= len(toks) || toks[at].text != "^" || at+1 < len(toks) && toks[at+1].text == "deg")
}

// juxtaposed reports whether the next token begins a factor.
func (p *parser) juxtaposed() bool {
	t := p.peek()
	switch t.kind {
	case tNum, tFunc:
		return true
	case tName:
		return true
	case tRun:
		return !p.unitAhead()
	case tCmd:
		return t.text == "frac" || t.text == "sqrt" || t.text == "binom" || t.text == "sum" || t.text == "prod" || isBegin(t.text)
	case tSym:
		switch t.text {
		case "(", "[", "{", "inf", "lfloor", "lceil":
			return true
		case "|":
			return p.bars == 0
		}
	}
	return false
}

// power reads an atom and what follows it: exponents, !, % and °.
func (p *parser) power() *Node {
	if !p.enter() {
		return p.fail()
	}
	defer func() { p.depth-- }()
	return p.postfix(p.atom())
}

// postfix reads what follows n.
func (p *parser) postfix(n *Node) *Node {
	for !p.bad {
		t := p.peek()
		if t.kind != tSym {
			return n
		}
		switch t.text {
		case "^":
			p.pos++
			switch {
			case p.degree():
				n = p.angle(n)
			case !n.Scalar():
				return p.fail()
			default:
				n = p.node(OpPow, n, p.exponent())
			}
		case "!":
			p.pos++
			o := "!"
			for p.accept("!") {
				o += "!"
			}
			if len(o) > 2 {
				return p.fail()
			}
			n = p.named(OpFact, o, n)
		case "%":
			p.pos++
			n = p.node(OpPercent, n)
		case "deg":
			p.pos++
			n = p.angle(n)
		default:
			return n
		}
	}
	return n
}

// degree skips a degree sign after ^ and reports whether there was one.
func (p *parser) degree() bool {
	if p.accept("deg") {
		return true
	}
	if p.is("{") && p.pos+2 < len(p.toks) && p.toks[p.pos+1].text == "deg" && p.toks[p.pos+2].text == "}" {
		p.pos += 3
		return true
	}
	return false
}

// angle reads n degrees. In the argument of a trigonometric function the degree is a factor
// π/180, elsewhere a unit.
func (p *parser) angle(n *Node) *Node {
	if p.trig > 0 {
		return p.node(OpMul, n, p.node(OpDiv, p.node(OpPi), Integer(180)))
	}
	if !n.Scalar() {
		return p.fail()
	}
	p.degrees = true
	return n
}

// exponent reads what follows ^.
func (p *parser) exponent() *Node {
	if p.accept("-") {
		return p.node(OpNeg, p.exponent())
	}
	if p.accept("+") {
		return p.exponent()
	}
	n := p.atom()
	if !p.bad && p.accept("^") { // a tower written without braces
		if !p.enter() {
			return p.fail()
		}
		n = p.node(OpPow, n, p.exponent())
		p.depth--
	}
	return n
}
