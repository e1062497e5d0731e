package latex

import "strings"

// bracket reads what follows an opening symbol.
func (p *parser) bracket(open string) *Node {
	switch open {
	case "inf":
		return p.node(OpInf)
	case "empty":
		return p.node(OpEmpty)
	case "_", "^":
		return p.chosen()
	case "{":
		n := p.list()
		if p.is("over") || p.is("choose") {
			n = p.stacked(n)
		}
		p.expect("}")
		if n.Op == OpList {
			n.Op, n.Text = OpSet, ""
			return n
		}
		if n.Op == OpRel {
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
		if n.Op == OpMatrix {
			return p.determinant(n)
		}
		return p.named(OpFunc, "abs", n)
	case "||":
		n := p.sum()
		p.expect("||")
		return p.named(OpCall, "norm", n)
	}
	return p.fail()
}

// stacked reads the rest of {a \over b} and {n \choose k}.
func (p *parser) stacked(n *Node) *Node {
	if p.accept("over") {
		return p.node(OpDiv, n, p.sum())
	}
	p.expect("choose")
	return p.named(OpFunc, "binom", n, p.sum())
}

// chosen reads the rest of _nC_k and ^nC_k.
func (p *parser) chosen() *Node {
	var n *Node
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
	return p.named(OpFunc, "binom", n, p.operand())
}

// grouped marks a product in braces, so that later factors do not join it.
func (p *parser) grouped(n *Node) *Node {
	if n.Op == OpMul {
		n.Text = "("
	}
	return n
}

// floors reads ⌊x⌋ and ⌈x⌉.
func (p *parser) floors(open string) *Node {
	bars := p.bars
	p.bars = 0
	n := p.sum()
	p.bars = bars
	if open == "lfloor" {
		p.expect("rfloor")
		return p.named(OpFunc, "floor", n)
	}
	p.expect("rceil")
	return p.named(OpFunc, "ceil", n)
}

// round reads (…), […], (…] and ⟨…⟩: a group, a tuple or an interval.
func (p *parser) round(open string) *Node {
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
	if n.Op == OpList {
		if n.Text != "," {
			return p.fail()
		}
		n.Op, n.Text = OpTuple, open+end
		return n
	}
	if (open == "(") != (end == ")") || n.Op == OpRel {
		return p.fail()
	}
	if n.Op == OpNum && open == "(" && IsInteger(n.Text) && p.is("_") {
		return p.base(n.Text)
	}
	if open == "[" && n.Op == OpNum && n.Text != "" && p.pos >= len(p.toks) && p.depth <= 4 {
		return p.named(OpTuple, "[]", n) // [5] is a list, not 5
	}
	if n.Op == OpNum || n.Op == OpMul {
		c := *n // (3) 4 is a product
		c.Text = "("
		if n.Op == OpNum {
			c.Text = ""
		}
		return &c
	}
	return n
}

// set reads {a, b} and {x | condition}.
func (p *parser) set() *Node {
	bars, builder, degrees := p.bars, p.builder, p.degrees
	p.bars, p.builder = 1, true
	defer func() { p.bars, p.builder, p.degrees = bars, builder, degrees }()
	if p.accept(`\}`) {
		return p.node(OpEmpty)
	}
	n := p.list()
	if p.is("|") || p.is(":") {
		p.pos++
		p.builder = false
		name := n
		if n.Op == OpRel && len(n.Rels) == 1 && n.Rels[0] == "in" && n.Kids[1].Op == OpSpace && n.Kids[1].Text == `\R` {
			name = n.Kids[0]
		}
		if name.Op != OpName {
			return p.fail()
		}
		p.bars = 0
		condition := p.list()
		p.expect(`\}`)
		return p.node(OpBuilder, name, condition)
	}
	p.expect(`\}`)
	if n.Op == OpList {
		if n.Text != "," {
			return p.fail()
		}
		n.Op, n.Text = OpSet, ""
		return n
	}
	return p.node(OpSet, n)
}

// isBegin reports whether a command begins an environment.
func isBegin(text string) bool { return strings.HasPrefix(text, "begin ") }

// arguments reads (a, b), [a, b] or \{a, b\}.
func (p *parser) arguments() []*Node {
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
	if n.Op == OpList && n.Text == "," {
		return n.Kids
	}
	return []*Node{n}
}
