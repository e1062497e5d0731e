package answer

import "strings"

// angles are functions of an angle.
var angles = set("sin cos tan cot sec csc")

// inverses are the functions that f^{-1} means.
var inverses = pairs(`sin arcsin cos arccos tan arctan cot arccot sec arcsec csc arccsc sinh arsinh cosh arcosh tanh artanh`)

// function reads the powers and arguments of a known function.
func (p *parser) function(f string) *node {
	if !p.enter() {
		return p.fail()
	}
	defer func() { p.depth-- }()
	var power, subscript *node
	for !p.bad && (p.is("^") || p.is("_")) {
		if p.accept("_") {
			subscript = p.atom()
			continue
		}
		p.pos++
		power = p.exponent()
	}
	if subscript != nil && f != "log" && f != "max" && f != "min" {
		return p.fail()
	}
	if power != nil && power.op == opNeg && power.kids[0].op == opNum && power.kids[0].text == "1" {
		if f = inverses[f]; f == "" {
			return p.fail()
		}
		power = nil
	}
	var args []*node
	trig := p.trig
	if angles[f] {
		p.trig++
	} else if strings.HasPrefix(f, "arc") {
		p.trig = 0
	}
	switch {
	case p.is("("), p.is(`\{`) && variadic[f], p.is("[") && f != "sqrt":
		args = p.arguments()
	case f == "sqrt" || f == "cbrt" || p.is("{"):
		args = []*node{p.power()}
	case f == "exp" || f == "nchoosek" || variadic[f]:
		p.bad = true
	default:
		args = []*node{p.implied()}
	}
	p.trig = trig
	if p.bad {
		return p.fail()
	}
	n := p.known(f, args)
	if subscript != nil {
		if f != "log" {
			return p.fail()
		}
		n = p.node(opDiv, n, p.named(opFunc, "ln", subscript))
	}
	if power != nil {
		n = p.node(opPow, n, power)
	}
	return n
}

// variadic are functions of several arguments.
var variadic = set("gcd lcm max min")

// known makes a call of a known function in the few that evaluation knows.
func (p *parser) known(f string, args []*node) *node {
	if variadic[f] {
		if len(args) == 1 && args[0].op == opSet {
			args = args[0].kids
		}
		return p.named(opFunc, f, args...)
	}
	if f == "nchoosek" {
		if len(args) != 2 {
			return p.fail()
		}
		return p.named(opFunc, "binom", args...)
	}
	if len(args) != 1 {
		return p.fail()
	}
	x := args[0]
	one := integer(1)
	switch f {
	case "log":
		return p.named(opFunc, "ln", x)
	case "lg":
		return p.node(opDiv, p.named(opFunc, "ln", x), p.named(opFunc, "ln", integer(10)))
	case "exp":
		return p.node(opPow, p.node(opE), x)
	case "sqrt":
		return p.named(opFunc, "root", x, integer(2))
	case "cbrt":
		return p.named(opFunc, "root", x, integer(3))
	case "tan":
		return p.node(opDiv, p.named(opFunc, "sin", x), p.named(opFunc, "cos", x))
	case "cot":
		return p.node(opDiv, p.named(opFunc, "cos", x), p.named(opFunc, "sin", x))
	case "sec":
		return p.node(opDiv, one, p.named(opFunc, "cos", x))
	case "csc":
		return p.node(opDiv, one, p.named(opFunc, "sin", x))
	case "arccot":
		return p.node(opAdd, p.node(opDiv, p.node(opPi), integer(2)), p.node(opNeg, p.named(opFunc, "arctan", x)))
	case "arcsec":
		return p.named(opFunc, "arccos", p.node(opDiv, one, x))
	case "arccsc":
		return p.named(opFunc, "arcsin", p.node(opDiv, one, x))
	case "coth":
		return p.node(opDiv, one, p.named(opFunc, "tanh", x))
	case "sech":
		return p.node(opDiv, one, p.named(opFunc, "cosh", x))
	case "csch":
		return p.node(opDiv, one, p.named(opFunc, "sinh", x))
	case "det":
		if x.op == opMatrix {
			return p.determinant(x)
		}
		return p.named(opCall, "det", x)
	}
	return p.named(opFunc, f, x)
}

// implied reads an argument without brackets: factors up to an operator or the next
// function.
func (p *parser) implied() *node {
	if p.accept("-") {
		return p.node(opNeg, p.implied())
	}
	n := p.power()
	if m := p.mixed(n); m != nil {
		return m
	}
	for !p.bad && p.juxtaposed() && p.peek().kind != tFunc && !p.is("(") && !p.is("[") && !p.is("|") {
		right := p.power()
		if right.op == opNum && right.text != "" {
			return p.fail()
		}
		n = p.times(n, right)
	}
	return n
}

// command reads the arguments of \frac and the like.
func (p *parser) command(name string) *node {
	if !p.enter() {
		return p.fail()
	}
	defer func() { p.depth-- }()
	switch name {
	case "frac":
		a := p.operand()
		return p.node(opDiv, a, p.operand())
	case "binom":
		a := p.operand()
		return p.named(opFunc, "binom", a, p.operand())
	case "sqrt":
		index := integer(2)
		if p.accept("[") {
			index = p.sum()
			p.expect("]")
		}
		return p.named(opFunc, "root", p.operand(), index)
	case "sum", "prod":
		return p.series(name)
	}
	if isBegin(name) {
		return p.matrix(strings.TrimPrefix(name, "begin "))
	}
	return p.fail()
}

// operand reads an argument of a command: a group, or a single digit or symbol.
func (p *parser) operand() *node {
	t := p.peek()
	switch {
	case t.kind == tNum && isInteger(t.text) && len(t.text) > 1:
		digit := t.text[:1]
		t.text, t.space = t.text[1:], false
		return p.number(digit)
	case t.kind == tRun && len(t.text) > 1 && !t.prose:
		letter := t.text[:1]
		t.text, t.space = t.text[1:], false
		return p.letter(letter)
	case t.kind == tSym && t.text == "{":
		p.pos++
		n := p.sum()
		if p.is("over") || p.is("choose") {
			n = p.stacked(n)
		}
		p.expect("}")
		if !n.scalar() {
			return p.fail()
		}
		return p.grouped(n)
	case t.kind == tNum, t.kind == tRun && len(t.text) == 1, t.kind == tName, t.kind == tCmd:
		return p.atom()
	}
	return p.fail()
}

// series reads \sum_{k=a}^{b} and the term behind it.
func (p *parser) series(name string) *node {
	p.expect("_")
	p.expect("{")
	t := p.peek()
	if t.kind != tRun || len(t.text) != 1 {
		return p.fail()
	}
	p.pos++
	index := p.named(opName, t.text)
	p.expect("=")
	from := p.sum()
	p.expect("}")
	p.expect("^")
	to := p.atom()
	if p.bad {
		return p.fail()
	}
	bound := p.bound
	p.bound += index.text
	body := p.product()
	p.bound = bound
	text := ""
	if name == "prod" {
		text = "prod"
	}
	return p.named(opSum, text, index, from, to, body)
}
