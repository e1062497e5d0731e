package answer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/satori-go/satori/reward/answer/internal/ball"
	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// A Reason says why a comparison ended as it did.
type Reason uint8

// The reasons. Equals belongs to a verdict that is equal, the others to one that is not.
const (
	Different  Reason = iota // both answers were parsed, and they differ
	Equals                   // the answers are equal
	NoAnswer                 // the prediction is empty
	Unparsed                 // the prediction cannot be parsed
	OverBudget               // the prediction is too large, or comparing it takes too many steps
)

// String returns the reason in words.
func (r Reason) String() string {
	words := [...]string{"different", "equal", "no answer", "unparsed", "over budget"}
	if int(r) >= len(words) {
		return fmt.Sprintf("Reason(%d)", uint8(r))
	}
	return words[r]
}

// A Verdict is the result of a comparison.
type Verdict struct {
	Equal  bool
	Reason Reason
	Steps  int // of work, at most [MaxSteps]
}

// MaxSteps is the number of steps that one comparison may take. A step takes about 100
// nanoseconds.
const MaxSteps = 12000

// maxBytes is the largest size of an answer's text.
const maxBytes = 2000

// A Gold is a reference answer, parsed once and compared with many predictions. It does not
// change, and many goroutines can use it.
type Gold struct {
	raw     string
	integer string // canonical digits where it is a plain integer
	letter  byte   // a multiple-choice label
	text    string // the key of an answer in words
	toks    []latex.Token
	tree    *latex.Node
}

// errEmpty is the fault of relations such as 0 = 0 and 3 = 4.
var errEmpty = errors.New("is false or says nothing")

// CompileGold parses a reference answer. It returns an error if the answer cannot be
// parsed, if it is undefined (1/0), or if it is a relation that is always true or always
// false.
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

// empty reports whether a link of a relation is true, or false, whatever the values of its
// variables are.
func (c *checker) empty(n *latex.Node) bool {
	for _, l := range c.links(n) {
		if c.degenerate(l.diff) {
			return true
		}
	}
	return false
}

// undefined reports whether an expression has no value, as 1/0 has none, or contains a
// relation that is always true or always false.
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

// CheckGold returns an error if a reference answer cannot be used: it must parse and equal
// itself within the limits. Call it when data is read.
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

// Equal compares a prediction with the reference answer.
func (g *Gold) Equal(pred string) Verdict { return g.compare(pred, true) }

// compare does the work of Equal. Without identical it also compares by value what has the
// same text.
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

// tidy removes white space and the ** of bold type from both ends of an answer.
func tidy(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 4 && strings.HasPrefix(s, "**") && strings.HasSuffix(s, "**") {
		s = strings.TrimSpace(s[2 : len(s)-2])
	}
	return s
}
