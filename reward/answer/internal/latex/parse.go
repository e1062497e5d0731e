package latex

import "errors"

// A parser reads tokens by recursive descent. It carries its own budgets of depth
// and nodes; the first fault ends it, and half-read input is never accepted.
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

// What Parse says of an answer that has no tree.
var (
	ErrSyntax   = errors.New("not an answer that can be read")
	ErrTooLarge = errors.New("too deep or too large an answer")
)

// parse reads tokens, and changes them: a run of letters becomes names one by one.
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

func (p *parser) peek() *Token {
	if p.pos >= len(p.toks) || p.bad {
		return &endToken
	}
	return &p.toks[p.pos]
}

func (p *parser) is(text string) bool {
	t := p.peek()
	return t.kind == tSym && t.text == text
}

func (p *parser) accept(text string) bool {
	if p.is(text) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.bad = true
	}
}

func (p *parser) fail() *Node {
	p.bad = true
	return &Node{Op: OpNum, Rat: nil, Text: "?"}
}

// node makes a node; where its kids are no values the parse fails.
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

func (p *parser) named(o Op, text string, kids ...*Node) *Node {
	n := p.node(o, kids...)
	if !p.bad {
		n.Text = text
	}
	return n
}

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

// list reads items separated by commas, semicolons, "and" and "or".
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

// member reads one side of a relation: sets joined by ∪, ∩ and ∖, or a ratio, with
// its unit.
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
