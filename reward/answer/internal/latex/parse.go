package latex

import "errors"

// A parser reads tokens by recursive descent, within limits of depth and nodes. The first
// fault ends the parse, and an answer of which a part was read is never accepted.
type parser struct {
	toks    []Token
	pos     int
	depth   int
	nodes   int
	bars    int    // open |, at which products end
	trig    int    // within an angle, where ° is a factor
	degrees bool   // a ° has been read that is a unit
	bound   string // index letters of the sums that are open
	builder bool   // within {x : ...}, where a colon opens the condition
	bad     bool
	over    bool
	slab    []Node
}

// These are the errors of [Parse].
var (
	ErrSyntax   = errors.New("not an answer that can be read")
	ErrTooLarge = errors.New("too deep or too large an answer")
)

// Parse makes a tree of tokens. It changes the tokens: it cuts a run of letters into names.
// The error is [ErrSyntax] or [ErrTooLarge].
func Parse(toks []Token) (*Node, error) {
	p := parser{toks: toks}
	n := p.answer()
	switch {
	case p.over:
		return nil, ErrTooLarge
	case p.bad:
		return nil, ErrSyntax
	}
	return n, nil
}

var endToken = Token{kind: tEnd}

// peek returns the next token.
func (p *parser) peek() *Token {
	if p.pos >= len(p.toks) || p.bad {
		return &endToken
	}
	return &p.toks[p.pos]
}

// is reports whether the next token is the symbol text.
func (p *parser) is(text string) bool {
	t := p.peek()
	return t.kind == tSym && t.text == text
}

// accept skips the next token if it is the symbol text.
func (p *parser) accept(text string) bool {
	if p.is(text) {
		p.pos++
		return true
	}
	return false
}

// expect skips the symbol text and fails if another token comes.
func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.bad = true
	}
}

// fail ends the parse and returns a placeholder.
func (p *parser) fail() *Node {
	p.bad = true
	return &Node{Op: OpNum, Rat: nil, Text: "?"}
}

// node makes a node. The parse fails if an operand is not a value.
func (p *parser) node(o Op, kids ...*Node) *Node {
	if p.nodes++; p.nodes > MaxNodes {
		p.over = true
		return p.fail()
	}
	if o < OpArith {
		for _, k := range kids {
			if !k.Scalar() || k.Op == OpUnit {
				return p.fail()
			}
		}
	}
	if len(p.slab) == 0 {
		p.slab = make([]Node, 16)
	}
	n := &p.slab[0]
	p.slab = p.slab[1:]
	n.Op, n.Kids = o, kids
	return n
}

// named makes a node with a text.
func (p *parser) named(o Op, text string, kids ...*Node) *Node {
	n := p.node(o, kids...)
	if !p.bad {
		n.Text = text
	}
	return n
}

// enter goes one level deeper and reports whether the limit allows it.
func (p *parser) enter() bool {
	if p.depth++; p.depth > 3*maxDepth { // a bracket is three levels of the grammar
		p.bad, p.over = true, true
		return false
	}
	return true
}

// answer reads the whole input: a list of relations.
func (p *parser) answer() *Node {
	n := p.list()
	if p.pos < len(p.toks) {
		p.bad = true
	}
	return n
}

// list reads items that are separated by commas, semicolons, "and" or "or".
func (p *parser) list() *Node {
	if !p.enter() {
		return p.fail()
	}
	defer func() { p.depth-- }()
	first := p.item()
	var items []*Node
	joint := ""
	for !p.bad {
		sep := ""
		if p.accept(",") || p.accept(";") {
			sep = ","
		}
		if p.accept("and") {
			sep = "and"
		} else if p.accept("or") {
			sep = "or"
		}
		if sep == "" {
			break
		}
		if joint == "" || sep != "," {
			joint = sep
		}
		if items == nil {
			items = append(items, first)
		}
		items = append(items, p.item())
	}
	if items == nil {
		return first
	}
	return p.named(OpList, joint, items...)
}

// relation reports whether a token is the sign of a relation.
func relation(t *Token) bool {
	if t.kind != tSym {
		return false
	}
	switch t.text {
	case "=", "<", ">", "<=", ">=", "!=", "~", "in":
		return true
	}
	return false
}

// item reads a chain of relations.
func (p *parser) item() *Node {
	first := p.member()
	if !relation(p.peek()) {
		return first
	}
	members, rels := []*Node{first}, []string(nil)
	for relation(p.peek()) {
		rels = append(rels, p.peek().text)
		p.pos++
		members = append(members, p.member())
	}
	n := p.node(OpRel, members...)
	if !p.bad {
		n.Rels = rels
	}
	return n
}

// member reads one side of a relation with its unit: sets joined by ∪, ∩ and ∖, or a ratio.
func (p *parser) member() *Node {
	if n := p.label(); n != nil {
		return n
	}
	currency := ""
	if t := p.peek(); t.kind == tSym && (t.text == "$" || t.text == "£" || t.text == "€") {
		currency = t.text
		p.pos++
	} else if t.text == "-" && p.pos+1 < len(p.toks) && p.toks[p.pos+1].text == "$" {
		currency = "$" // -$5
		p.toks[p.pos+1] = *t
		p.pos++
	}
	outer := p.degrees
	p.degrees = false
	n := p.unions()
	if p.is("over") || p.is("choose") {
		n = p.stacked(n)
	}
	if p.is(":") && !p.builder {
		kids := []*Node{n}
		for p.accept(":") {
			kids = append(kids, p.sum())
		}
		for _, k := range kids {
			if !k.Scalar() {
				return p.fail()
			}
		}
		n = p.node(OpRatio, kids...)
	}
	if p.degrees {
		if currency != "" {
			return p.fail()
		}
		currency = "degree"
	}
	p.degrees = outer
	return p.unit(n, currency)
}

// unions reads sets joined by ∪ and ∖.
func (p *parser) unions() *Node {
	n := p.intersections()
	for !p.bad {
		o := OpCup
		if p.is("setminus") || p.is("-") && !n.Scalar() {
			o = OpMinus
		} else if !p.is("cup") {
			break
		}
		p.pos++
		n = p.node(o, n, p.intersections())
	}
	return n
}

// intersections reads sets joined by ∩.
func (p *parser) intersections() *Node {
	n := p.sum()
	for !p.bad && p.accept("cap") {
		n = p.node(OpCap, n, p.sum())
	}
	return n
}

// sum reads terms joined by + - ± ∓.
func (p *parser) sum() *Node {
	if !p.enter() {
		return p.fail()
	}
	defer func() { p.depth-- }()
	var terms []*Node
	first := true
	for !p.bad {
		sign := ""
		if t := p.peek(); t.kind == tSym {
			switch t.text {
			case "+", "-", "pm", "mp":
				sign = t.text
			}
		}
		if sign == "" && !first {
			break
		}
		if sign != "" {
			p.pos++
		}
		t := p.product()
		switch sign {
		case "-":
			t = p.node(OpNeg, t)
		case "pm", "mp":
			t = p.named(OpPM, sign, t)
		case "+":
			if !t.Scalar() {
				p.bad = true
			}
		}
		if first && !t.Scalar() {
			return t
		}
		first = false
		terms = append(terms, t)
	}
	if len(terms) == 1 {
		return terms[0]
	}
	return p.node(OpAdd, terms...)
}
