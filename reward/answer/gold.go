package answer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/satori-go/satori/reward/answer/internal/ball"
	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// A Reason says why a verdict is what it is.
type Reason uint8

const (
	Different  Reason = iota // parsed, and not equal
	Equals                   // equal
	NoAnswer                 // there was nothing to compare
	Unparsed                 // not an answer that can be read
	OverBudget               // too large to be compared
)

// String is the reason in words for logs.
func (r Reason) String() string {
	return [...]string{"different", "equal", "no answer", "unparsed", "over budget"}[r]
}

// A Verdict is what became of a comparison.
type Verdict struct {
	Equal  bool
	Reason Reason
	Steps  int // of work, of which [MaxSteps] are allowed
}

// MaxSteps bounds the work of one comparison. A step takes about a hundred nanoseconds.
const MaxSteps = 12000

// maxBytes bounds the text of an answer.
const maxBytes = 2000

// Gold is a correct answer, ready to be compared with many others. It does not
// change and can be used by many goroutines.
type Gold struct {
	raw     string
	integer string // canonical digits where it is a plain integer
	letter  byte   // a multiple-choice label
	text    string // the key of an answer in words
	toks    []latex.Token
	tree    *latex.Node
}

// errEmpty is what is wrong with 0 = 0 and 3 = 4.
var errEmpty = errors.New("is false or says nothing")

// CompileGold reads a correct answer. It fails where the answer cannot be read, is
// undefined or is a relation that says nothing.
func CompileGold(gold string) (*Gold, error) {
	gold = tidy(gold)
	if len(gold) > maxBytes {
		return nil, fmt.Errorf("answer of %d bytes, at most %d are read", len(gold), maxBytes)
	}
	g := &Gold{raw: gold}
	g.integer, _ = latex.PlainInteger(gold)
	toks, ok := latex.Lex(gold)
	toks = latex.Unwrap(toks)
	switch {
	case len(toks) == 0:
		return nil, errors.New("no answer")
	case !ok:
		return nil, fmt.Errorf("brackets of %q do not match", gold)
	}
	g.toks = append([]latex.Token(nil), toks...)
	if g.letter = latex.Letter(toks); g.letter != 0 {
		return g, nil
	}
	if latex.IsWord(toks) {
		g.text = latex.Text(toks)
		return g, nil
	}
	tree, err := latex.Parse(toks)
	switch {
	case errors.Is(err, latex.ErrSyntax) && latex.HasWord(g.toks):
		g.text = latex.Text(g.toks)
		return g, nil
	case err != nil:
		return nil, fmt.Errorf("cannot read the answer %q", gold)
	}
	g.tree = tree
	c := newChecker()
	for _, it := range c.items(g.tree) {
		if it.dead || it.val == nil && c.empty(it.rel) {
			return nil, fmt.Errorf("%q %w", gold, errEmpty)
		}
		if it.val != nil && c.undefined(it.val) {
			return nil, fmt.Errorf("%q is undefined", gold)
		}
	}
	return g, nil
}

// empty tells whether a link of a relation holds, or fails, whatever its variables are.
func (c *checker) empty(n *latex.Node) bool {
	for _, l := range c.links(n) {
		if c.degenerate(l.diff) {
			return true
		}
	}
	return false
}

// undefined tells whether a value has none, 1/0, or holds a relation that says nothing.
func (c *checker) undefined(n *latex.Node) bool {
	if n.Op == latex.OpRel {
		if it := c.item(n); it.dead || it.val == nil && c.empty(n) {
			return true
		}
	}
	if !n.Scalar() {
		for _, k := range n.Kids {
			if c.undefined(k) {
				return true
			}
		}
		return false
	}
	if n.Op == latex.OpUnit || n.Has(func(k *latex.Node) bool { return k.Op == latex.OpMatrix || k.Op == latex.OpPM }) {
		return false
	}
	if inf := n.Has(func(k *latex.Node) bool { return k.Op == latex.OpInf }); inf {
		return infinite(n) == 0
	}
	_, st := c.rat(n)
	if st != inexact || c.Over {
		return st == undefined
	}
	if _, st := (&field{c: c, p: prime(), point: 99}).value(n); st != inexact {
		return st == undefined
	}
	if len(n.Names(nil)) > 0 {
		return false
	}
	e := c.at(0, false, nil)
	e.Prec = ball.Precisions[0]
	e.eval(n, nil)
	return e.Undefined && !e.Large && !c.Over
}

// CheckGold tells what keeps an answer from being used as a gold answer: it has to be
// readable and equal to itself.
func CheckGold(gold string) error {
	g, err := CompileGold(gold)
	if err != nil {
		return err
	}
	if v := g.compare(gold, false); !v.Equal {
		return fmt.Errorf("%q does not equal itself: %v", gold, v.Reason)
	}
	return nil
}

// Equal compares pred with the gold answer.
func (g *Gold) Equal(pred string) Verdict { return g.compare(pred, true) }

// compare is Equal; without identical it does the work even where both are written
// alike.
func (g *Gold) compare(pred string, identical bool) Verdict {
	pred = tidy(pred)
	switch {
	case pred == "":
		return Verdict{Reason: NoAnswer}
	case len(pred) > maxBytes:
		return Verdict{Reason: OverBudget}
	case identical && pred == g.raw:
		return Verdict{Equal: true, Reason: Equals}
	}
	if g.integer != "" {
		if v, ok := latex.PlainInteger(pred); ok {
			return verdict(v == g.integer, newChecker())
		}
	}
	toks, ok := latex.Lex(pred)
	if g.letter != 0 {
		return verdict(latex.Choice(toks) == g.letter, newChecker())
	}
	toks = latex.Unwrap(toks)
	switch {
	case len(toks) == 0:
		return Verdict{Reason: NoAnswer}
	case !ok:
		return Verdict{Reason: Unparsed}
	case identical && latex.Alike(g.toks, toks):
		return Verdict{Equal: true, Reason: Equals}
	case g.text != "":
		return verdict(g.text == latex.Text(toks), newChecker())
	case latex.IsWord(toks):
		return Verdict{Reason: Different}
	}
	tree, err := latex.Parse(toks)
	switch {
	case errors.Is(err, latex.ErrTooLarge):
		return Verdict{Reason: OverBudget}
	case err != nil:
		return Verdict{Reason: Unparsed}
	}
	c := newChecker()
	return verdict(c.answers(g.tree, tree), c)
}

func verdict(equal bool, c *checker) Verdict {
	v := Verdict{Equal: equal && !c.Over, Steps: c.Steps}
	switch {
	case v.Equal:
		v.Reason = Equals
	case c.Over || c.large:
		v.Reason = OverBudget
	}
	return v
}

// tidy drops white space and bold type about an answer.
func tidy(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 4 && strings.HasPrefix(s, "**") && strings.HasSuffix(s, "**") {
		s = strings.TrimSpace(s[2 : len(s)-2])
	}
	return s
}
