package latex

import "strings"

// number makes the node of a number.
func (p *parser) number(text string) *Node {
	n := p.named(OpNum, text)
	if !p.bad {
		n.Rat = parseRat(text)
	}
	return n
}

// atom reads a number, a name, a call, a command or a bracket.
func (p *parser) atom() *Node {
	t := p.peek()
	switch t.kind {
	case tNum:
		if digits := p.digits(); digits != "" {
			return p.base(digits)
		}
		p.pos++
		if p.is("_") {
			return p.base(t.text)
		}
		return p.number(t.text)
	case tRun:
		if digits := p.digits(); digits != "" {
			return p.base(digits)
		}
		return p.run(t)
	case tName:
		p.pos++
		switch t.text {
		case "pi":
			if !p.is("_") {
				return p.node(OpPi)
			}
		case "angle", "triangle", "measuredangle": // \angle ABC
			if r := p.peek(); r.kind == tRun {
				p.pos++
				return p.named(OpName, t.text+" "+r.text)
			}
			return p.fail()
		}
		if strings.HasPrefix(t.text, `\`) {
			return p.space(t.text)
		}
		return p.name(t.text)
	case tFunc:
		p.pos++
		return p.function(t.text)
	case tCmd:
		p.pos++
		return p.command(t.text)
	case tSym:
		p.pos++
		return p.bracket(t.text)
	}
	return p.fail()
}

// digits reads the digits of a number in another base if there are letters among them:
// A3_{12}. Otherwise it returns "" and reads nothing.
func (p *parser) digits() string {
	i, numbers, letters := p.pos, 0, 0
	var b strings.Builder
	for ; i < len(p.toks) && i < p.pos+20 && (i == p.pos || !p.toks[i].space); i++ {
		switch t := p.toks[i]; {
		case t.kind == tNum && IsInteger(t.text):
			numbers++
		case t.kind == tRun && !t.prose:
			letters++
		default:
			if numbers == 0 || letters == 0 || t.text != "_" {
				return ""
			}
			p.pos = i
			return b.String()
		}
		b.WriteString(p.toks[i].text)
	}
	return ""
}

// run reads the first letter of a run of letters as a name. The other letters stay in the
// token.
func (p *parser) run(t *Token) *Node {
	segment := !t.prose && len(t.text) == 2 && strings.ToUpper(t.text) == t.text // \frac{NO}{BO}
	if len(t.text) > 4 || t.prose && len(t.text) > 1 || len(t.text) > 1 && banned[lower(t.text)] && !segment {
		return p.fail()
	}
	letter := t.text[:1]
	if len(t.text) > 1 {
		t.text, t.space = t.text[1:], false
		return p.letter(letter)
	}
	p.pos++
	return p.name(letter)
}

// letter makes the node of a single letter.
func (p *parser) letter(s string) *Node {
	if strings.Contains(p.bound, s) {
		return p.named(OpName, s)
	}
	switch s {
	case "e":
		return p.node(OpE)
	case "i":
		return p.node(OpI)
	}
	return p.named(OpName, s)
}

// name reads the subscript and the primes of a name and, if it is a function, its
// arguments.
func (p *parser) name(s string) *Node {
	bare := s
	if p.accept("_") {
		s += "_" + p.script()
	}
	for p.is("'") || p.is("^") && p.primeAhead() {
		if !p.accept("'") {
			p.pos++
			braced := p.accept("{")
			for p.accept("'") {
				s += "'"
			}
			if braced {
				p.expect("}")
			}
			continue
		}
		s += "'"
	}
	if strings.IndexByte("fghFGH", bare[0]) >= 0 && len(bare) == 1 {
		if p.is("^") && p.callAfterPower() {
			p.pos++
			s += "^" + p.script()
		}
		if p.is("(") {
			args := p.arguments()
			return p.named(OpCall, s, args...)
		}
	}
	if p.is("(") && p.pos+2 < len(p.toks) && p.toks[p.pos+1].text == "0" && p.toks[p.pos+2].text == ")" { // I(0) is a value of I
		return p.named(OpCall, s, p.arguments()...)
	}
	if p.is("(") && p.severalArguments() {
		args := p.arguments()
		if s == "C" && len(args) == 2 {
			return p.named(OpFunc, "binom", args...)
		}
		if s == "P" && len(args) == 2 && args[0].Numeral() && args[1].Numeral() { // permutations
			rest := p.node(OpAdd, args[0], p.node(OpNeg, args[1]))
			return p.node(OpDiv, p.named(OpFact, "!", args[0]), p.named(OpFact, "!", rest))
		}
		return p.named(OpCall, s, args...)
	}
	if len(s) == 1 {
		return p.letter(s)
	}
	return p.named(OpName, s)
}

// severalArguments reports whether the next token opens a bracket that contains a comma.
func (p *parser) severalArguments() bool {
	depth := 0
	for i := p.pos; i < len(p.toks) && i < p.pos+60; i++ {
		switch p.toks[i].text {
		case "(", "[", "{", `\{`:
			depth++
		case ")", "]", "}", `\}`:
			if depth--; depth == 0 {
				return false
			}
		case ",":
			if depth == 1 {
				return true
			}
		}
	}
	return false
}

// primeAhead reports whether ^' or ^{' comes next.
func (p *parser) primeAhead() bool {
	next := func(i int) string {
		if p.pos+i < len(p.toks) {
			return p.toks[p.pos+i].text
		}
		return ""
	}
	return next(1) == "'" || next(1) == "{" && next(2) == "'"
}

// callAfterPower reports whether a power and then a bracket come next, as in f^{-1}(x).
func (p *parser) callAfterPower() bool {
	i := p.pos + 1
	if i >= len(p.toks) || p.toks[i].text != "{" {
		return i+1 < len(p.toks) && p.toks[i+1].text == "("
	}
	for i < len(p.toks) && p.toks[i].text != "}" {
		i++
	}
	return i+1 < len(p.toks) && p.toks[i+1].text == "("
}

// script reads a subscript as text.
func (p *parser) script() string {
	if !p.accept("{") {
		t := p.peek()
		p.pos++
		switch t.kind {
		case tNum, tName:
			return t.text
		case tRun:
			if len(t.text) > 1 && !t.prose { // x_ab is x_a b
				p.pos--
				s := t.text[:1]
				t.text, t.space = t.text[1:], false
				return s
			}
			return t.text
		}
		p.bad = true
		return ""
	}
	var b strings.Builder
	for !p.bad && !p.is("}") {
		t := p.peek()
		if t.kind == tEnd || t.kind == tBad || t.text == "{" || b.Len() > 100 {
			p.bad = true
			break
		}
		if b.Len() > 0 && t.space {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
		p.pos++
	}
	p.expect("}")
	if b.Len() == 0 {
		p.bad = true
	}
	return b.String()
}

// base reads the subscript that gives the base of a number.
func (p *parser) base(digits string) *Node {
	p.expect("_")
	s := p.script()
	b := 0
	for i := 0; i < len(s) && IsDigit(s[i]) && b < 1000; i++ {
		b = b*10 + int(s[i]-'0')
	}
	if !IsInteger(s) || b < 2 || b > 36 {
		return p.fail()
	}
	digits = strings.ToUpper(digits)
	for i := 0; i < len(digits); i++ {
		d := int(digits[i] - '0')
		if IsLetter(digits[i]) {
			d = int(digits[i]-'A') + 10
		}
		if d < 0 || d >= b {
			return p.fail()
		}
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		digits = "0"
	}
	if b == 10 {
		return p.number(digits)
	}
	n := p.named(OpBase, digits)
	if !p.bad {
		n.Cols = b
	}
	return n
}

// space reads what belongs to a set such as ℝ or ℤ.
func (p *parser) space(text string) *Node {
	if p.accept("^") {
		text += "^" + p.script()
	}
	if p.accept("_") {
		text += "_" + p.script()
	}
	if p.accept("^") {
		text += "^" + p.script()
	}
	return p.named(OpSpace, text)
}
