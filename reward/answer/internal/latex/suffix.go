package latex

import "strings"

// label reads a name in words or capitals before an equals sign: Area = 5,
// |AB| = 5. It returns nil if there is none.
func (p *parser) label() *Node {
	if n := p.probability(); n != nil {
		return n
	}
	if n := p.application(); n != nil {
		return n
	}
	i, words := p.pos, 0
	var b strings.Builder
	for i < len(p.toks) && words < 6 {
		t := p.toks[i]
		if t.kind == tRun && (len(t.text) > 1 || t.prose) || t.kind == tRun && words > 0 {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(lower(t.text))
			words++
			i++
			continue
		}
		break
	}
	capitals := words == 1 && strings.ToUpper(p.toks[p.pos].text) == p.toks[p.pos].text
	if words == 0 || i >= len(p.toks) || p.toks[i].kind != tSym {
		return nil
	}
	switch t := p.toks[i].text; {
	case t == "=" || t == "~":
	case t == ":" && !capitals && i+1 < len(p.toks) && (p.toks[p.pos].prose || p.toks[p.pos].text[0] <= 'Z'): // Area: 5
		p.toks[i].text = "="
	default:
		return nil
	}
	if !p.toks[p.pos].prose && words == 1 && len(p.toks[p.pos].text) < 4 && !capitals { // ab = ba is an equation
		return nil
	}
	text := b.String()
	if capitals {
		text = p.toks[p.pos].text
	}
	p.pos = i
	return p.named(OpLabel, text)
}

// application reads p(x) before an equals sign. Elsewhere this is a product.
func (p *parser) application() *Node {
	if p.pos+4 >= len(p.toks) {
		return nil
	}
	t := p.toks[p.pos : p.pos+5]
	if t[0].kind != tRun || len(t[0].text) != 1 || t[1].text != "(" ||
		t[2].kind != tRun || len(t[2].text) != 1 || t[3].text != ")" || t[4].text != "=" {
		return nil
	}
	p.pos += 4
	return p.named(OpLabel, t[0].text+"("+t[2].text+",")
}

// probability reads P(X = 1) and similar names before an equals sign.
func (p *parser) probability() *Node {
	t := p.peek()
	if t.kind != tRun || t.text != "P" && t.text != "Pr" && t.text != "E" && t.text != "Var" ||
		p.pos+1 >= len(p.toks) || p.toks[p.pos+1].text != "(" {
		return nil
	}
	var b strings.Builder
	depth := 0
	for i := p.pos; i < len(p.toks) && b.Len() < 100; i++ {
		text := p.toks[i].text
		b.WriteString(text)
		switch text {
		case "(":
			depth++
		case ")":
			if depth--; depth > 0 {
				continue
			}
			if i+1 < len(p.toks) && (p.toks[i+1].text == "=" || p.toks[i+1].text == "~") {
				p.pos = i + 1
				return p.named(OpLabel, b.String())
			}
			return nil
		}
	}
	return nil
}

// unitAhead reports whether the letters that come next are a unit or prose, and not
// factors.
func (p *parser) unitAhead() bool {
	t := p.peek()
	switch {
	case t.prose && len(t.text) == 1 && (t.text == "i" || t.text == "e"):
		return false
	case t.prose, len(t.text) > 4:
		return true
	case len(t.text) == 1:
		return false
	case units[t.text] || banned[lower(t.text)] || units[lower(t.text)] && len(t.text) > 2:
		return true
	}
	return len(t.text) > 2 && t.space
}

// unit reads the unit after a value: at most three words, which may have powers and a
// slash.
func (p *parser) unit(n *Node, currency string) *Node {
	var b strings.Builder
	words, power := 0, ""
	for !p.bad {
		t := p.peek()
		slash := ""
		if t.kind == tSym && t.text == "/" && words > 0 && p.pos+1 < len(p.toks) && p.toks[p.pos+1].kind == tRun {
			slash = "/"
			p.pos++
			t = p.peek()
		}
		if t.kind == tSym && (t.text == "$" || t.text == "€" || t.text == "£") && words == 0 && currency == "" { // 5\$
			p.pos++
			currency = t.text
			continue
		}
		if t.kind != tRun || words == 0 && !p.unitAhead() {
			break
		}
		low := lower(t.text)
		if words++; words > 3 || banned[low] {
			return p.fail()
		}
		p.pos++
		switch low {
		case "percent", "pct":
			if words > 1 || slash != "" {
				return p.fail()
			}
			n = p.node(OpPercent, n)
			words = 0
			continue
		case "per":
			b.WriteByte('/')
			continue
		case "square", "sq", "cubic":
			power = "^2"
			if low == "cubic" {
				power = "^3"
			}
			continue
		}
		b.WriteString(slash)
		if b.Len() > 0 && slash == "" && !strings.HasSuffix(b.String(), "/") {
			b.WriteByte(' ')
		}
		b.WriteString(canonicalUnit(t.text))
		b.WriteString(power)
		power = ""
		if p.is("^") {
			p.pos++
			s := p.script()
			if p.bad || !IsInteger(strings.TrimPrefix(s, "-")) {
				return p.fail()
			}
			b.WriteString("^" + s)
		}
	}
	text := b.String()
	if currency != "" {
		if c := canonicalUnit(currency); text != "" && text != c {
			return p.fail()
		} else {
			text = c
		}
	}
	if text == "" {
		return n
	}
	if !n.Scalar() && n.Op != OpRatio && n.Op != OpTuple && n.Op != OpSet && n.Op != OpList || n.Op == OpUnit {
		return p.fail()
	}
	if n.Op == OpInf {
		return p.fail()
	}
	if n.Op > OpArith {
		u := &Node{Op: OpUnit, Text: text, Kids: []*Node{n}}
		return u
	}
	return p.named(OpUnit, text, n)
}
