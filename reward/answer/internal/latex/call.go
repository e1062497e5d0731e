package latex

import "strings"

// angles holds the functions of an angle.
var angles = set("sin cos tan cot sec csc")

// inverses gives the function that f^{-1} means.
var inverses = pairs(`sin arcsin cos arccos tan arctan cot arccot sec arcsec csc arccsc sinh arsinh cosh arcosh tanh artanh`)

// function reads the powers and the arguments of a known function.
func (p *parser) function(f string) *Node {
	if !p.enter() {
		return p.fail()
	}
	defer func() { p.depth-- }()
	var power, subscript *Node
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
	if power != nil && power.Op == OpNeg && power.Kids[0].Op == OpNum && power.Kids[0].Text == "1" {
		if f = inverses[f]; f == "" {
			return p.fail()
		}
		power = nil
	}
	var args []*Node
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
		args = []*Node{p.power()}
	case f == "exp" || f == "nchoosek" || variadic[f]:
		p.bad = true
	default:
		args = []*Node{p.implied()}
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
		n = p.node(OpDiv, n, p.named(OpFunc, "ln", subscript))
	}
	if power != nil {
		n = p.node(OpPow, n, power)
	}
	return n
}

// variadic holds the functions of several arguments.
var variadic = set("gcd lcm max min")

// known makes the call of a known function. It writes most functions by the few that
// package ball computes.
func (p *parser) known(f string, args []*Node) *Node {
	if variadic[f] {
		if len(args) == 1 && args[0].Op == OpSet {
			args = args[0].Kids
		}
		return p.named(OpFunc, f, args...)
	}
	if f == "nchoosek" {
		if len(args) != 2 {
			return p.fail()
		}
		return p.named(OpFunc, "binom", args...)
	}
	if len(args) != 1 {
		return p.fail()
	}
	x := args[0]
	one := Integer(1)
	switch f {
	case "log":
		return p.named(OpFunc, "ln", x)
	case "lg":
		return p.node(OpDiv, p.named(OpFunc, "ln", x), p.named(OpFunc, "ln", Integer(10)))
	case "exp":
		return p.node(OpPow, p.node(OpE), x)
	case "sqrt":
		return p.named(OpFunc, "root", x, Integer(2))
	case "cbrt":
		return p.named(OpFunc, "root", x, Integer(3))
	case "tan":
		return p.node(OpDiv, p.named(OpFunc, "sin", x), p.named(OpFunc, "cos", x))
	case "cot":
		return p.node(OpDiv, p.named(OpFunc, "cos", x), p.named(OpFunc, "sin", x))
	case "sec":
		return p.node(OpDiv, one, p.named(OpFunc, "cos", x))
	case "csc":
		return p.node(OpDiv, one, p.named(OpFunc, "sin", x))
	case "arccot":
		return p.node(OpAdd, p.node(OpDiv, p.node(OpPi), Integer(2)), p.node(OpNeg, p.named(OpFunc, "arctan", x)))
	case "arcsec":
		return p.named(OpFunc, "arccos", p.node(OpDiv, one, x))
	case "arccsc":
		return p.named(OpFunc, "arcsin", p.node(OpDiv, one, x))
	case "coth":
		return p.node(OpDiv, one, p.named(OpFunc, "tanh", x))
	case "sech":
		return p.node(OpDiv, one, p.named(OpFunc, "cosh", x))
	case "csch":
		return p.node(OpDiv, one, p.named(OpFunc, "sinh", x))
	case "det":
		if x.Op == OpMatrix {
			return p.determinant(x)
		}
		return p.named(OpCall, "det", x)
	}
	return p.named(OpFunc, f, x)
}

// implied reads an argument without brackets: the factors before the next operator or
// function.
func (p *parser) implied() *Node {
	if p.accept("-") {
		return p.node(OpNeg, p.implied())
	}
	n := p.power()
	if m := p.mixed(n); m != nil {
		return m
	}
	for !p.bad && p.juxtaposed() && p.peek().kind != tFunc && !p.is("(") && !p.is("[") && !p.is("|") {
		right := p.power()
		if right.Op == OpNum && right.Text != "" {
			return p.fail()
		}
		n = p.times(n, right)
	}
	return n
}

// command reads the arguments of \frac and similar commands.
func (p *parser) command(name string) *Node {
	if !p.enter() {
		return p.fail()
	}
	defer func() { p.depth-- }()
	switch name {
	case "frac":
		a := p.operand()
		return p.node(OpDiv, a, p.operand())
	case "binom":
		a := p.operand()
		return p.named(OpFunc, "binom", a, p.operand())
	case "sqrt":
		index := Integer(2)
		if p.accept("[") {
			index = p.sum()
			p.expect("]")
		}
		return p.named(OpFunc, "root", p.operand(), index)
	case "sum", "prod":
		return p.series(name)
	}
	if isBegin(name) {
		return p.matrix(strings.TrimPrefix(name, "begin "))
	}
	return p.fail()
}

// operand reads an argument of a command: a group, or a single digit or symbol.
func (p *parser) operand() *Node {
	t := p.peek()
	switch {
	case t.kind == tNum && IsInteger(t.text) && len(t.text) > 1:
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
		if !n.Scalar() {
			return p.fail()
		}
		return p.grouped(n)
	case t.kind == tNum, t.kind == tRun && len(t.text) == 1, t.kind == tName, t.kind == tCmd:
		return p.atom()
	}
	return p.fail()
}

// series reads \sum_{k=a}^{b} or \prod_{k=a}^{b} and the term that follows.
func (p *parser) series(name string) *Node {
	p.expect("_")
	p.expect("{")
	t := p.peek()
	if t.kind != tRun || len(t.text) != 1 {
		return p.fail()
	}
	p.pos++
	index := p.named(OpName, t.text)
	p.expect("=")
	from := p.sum()
	p.expect("}")
	p.expect("^")
	to := p.atom()
	if p.bad {
		return p.fail()
	}
	bound := p.bound
	p.bound += index.Text
	body := p.product()
	p.bound = bound
	text := ""
	if name == "prod" {
		text = "prod"
	}
	return p.named(OpSum, text, index, from, to, body)
}
