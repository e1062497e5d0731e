package answer

import "strings"

// bracket reads what follows an opening symbol.
func (p *parser) bracket(open string) *node {
	switch open {
	case "inf":
		return p.node(opInf)
	case "empty":
		return p.node(opEmpty)
	case "_", "^":
		return p.chosen()
	case "{":
		n := p.list()
		if p.is("over") || p.is("choose") {
			n = p.stacked(n)
		}
		p.expect("}")
		if n.op == opList {
			n.op, n.text = opSet, ""
			return n
		}
		if n.op == opRel {
			return p.fail()
		}
		return p.grouped(n)
	case `\{`:
		return p.set()
	case "(", "[", "<<":
		return p.round(open)
	case "lfloor", "lceil":
		return p.floors(open)
	case "|":
		p.bars++
		n := p.sum()
		p.bars--
		p.expect("|")
		if n.op == opMatrix {
			return p.determinant(n)
		}
		return p.named(opFunc, "abs", n)
	case "||":
		n := p.sum()
		p.expect("||")
		return p.named(opCall, "norm", n)
	}
	return p.fail()
}

// stacked reads the rest of {a \over b} and {n \choose k}.
func (p *parser) stacked(n *node) *node {
	if p.accept("over") {
		return p.node(opDiv, n, p.sum())
	}
	p.expect("choose")
	return p.named(opFunc, "binom", n, p.sum())
}

// chosen reads what follows the mark of _nC_k and ^nC_k.
func (p *parser) chosen() *node {
	var n *node
	if t := p.peek(); t.kind == tNum {
		p.pos++
		n = p.number(t.text)
	} else {
		n = p.operand()
	}
	if t := p.peek(); t.kind != tRun || t.text != "C" {
		return p.fail()
	}
	p.pos++
	p.expect("_")
	if p.bad {
		return p.fail()
	}
	return p.named(opFunc, "binom", n, p.operand())
}

// grouped marks a bracketed product so that what follows is no part of it, and a
// bracketed number as no literal.
func (p *parser) grouped(n *node) *node {
	if n.op == opMul {
		n.text = "("
	}
	return n
}

// floors reads ⌊x⌋ and ⌈x⌉.
func (p *parser) floors(open string) *node {
	bars := p.bars
	p.bars = 0
	n := p.sum()
	p.bars = bars
	if open == "lfloor" {
		p.expect("rfloor")
		return p.named(opFunc, "floor", n)
	}
	p.expect("rceil")
	return p.named(opFunc, "ceil", n)
}

// round reads (…), […], (…] and ⟨…⟩: a group, a tuple or an interval.
func (p *parser) round(open string) *node {
	bars, builder, degrees := p.bars, p.builder, p.degrees
	p.bars, p.builder, p.degrees = 0, false, false
	n := p.list()
	p.bars, p.builder, p.degrees = bars, builder, degrees || p.degrees
	end := p.peek().text
	if p.peek().kind != tSym {
		return p.fail()
	}
	switch {
	case open == "<<" && end == ">>":
		open, end = "(", ")"
	case open == "<<" || end != ")" && end != "]":
		return p.fail()
	}
	p.pos++
	if n.op == opList {
		if n.text != "," {
			return p.fail()
		}
		n.op, n.text = opTuple, open+end
		return n
	}
	if (open == "(") != (end == ")") || n.op == opRel {
		return p.fail()
	}
	if n.op == opNum && open == "(" && isInteger(n.text) && p.is("_") {
		return p.base(n.text)
	}
	if open == "[" && n.op == opNum && n.text != "" && p.pos >= len(p.toks) && p.depth <= 4 {
		return p.named(opTuple, "[]", n) // [5] is a list, not 5
	}
	if n.op == opNum || n.op == opMul {
		c := *n // (3) 4 is a product
		c.text = "("
		if n.op == opNum {
			c.text = ""
		}
		return &c
	}
	return n
}

// set reads {a, b} and {x | condition}.
func (p *parser) set() *node {
	bars, builder, degrees := p.bars, p.builder, p.degrees
	p.bars, p.builder = 1, true
	defer func() { p.bars, p.builder, p.degrees = bars, builder, degrees }()
	if p.accept(`\}`) {
		return p.node(opEmpty)
	}
	n := p.list()
	if p.is("|") || p.is(":") {
		p.pos++
		p.builder = false
		name := n
		if n.op == opRel && len(n.rels) == 1 && n.rels[0] == "in" && n.kids[1].op == opSpace && n.kids[1].text == `\R` {
			name = n.kids[0]
		}
		if name.op != opName {
			return p.fail()
		}
		p.bars = 0
		condition := p.list()
		p.expect(`\}`)
		return p.node(opBuilder, name, condition)
	}
	p.expect(`\}`)
	if n.op == opList {
		if n.text != "," {
			return p.fail()
		}
		n.op, n.text = opSet, ""
		return n
	}
	return p.node(opSet, n)
}

func isBegin(text string) bool { return strings.HasPrefix(text, "begin ") }

// arguments reads (a, b), or the braces of \max\{a, b\}.
func (p *parser) arguments() []*node {
	end := ")"
	switch {
	case p.accept("("):
	case p.accept(`\{`):
		end = `\}`
	case p.accept("["):
		end = "]"
	default:
		p.bad = true
		return nil
	}
	bars, trig, builder := p.bars, p.trig, p.builder
	p.bars, p.builder = 0, false
	n := p.list()
	p.bars, p.trig, p.builder = bars, trig, builder
	p.expect(end)
	if n.op == opList && n.text == "," {
		return n.kids
	}
	return []*node{n}
}
