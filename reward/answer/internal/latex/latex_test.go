package latex

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// write writes a tree with brackets, for tests.
func write(n *Node) string {
	var b strings.Builder
	switch {
	case n.Op == OpNum && n.Rat != nil:
		return n.Rat.RatString()
	case n.Op == OpName:
		return n.Text
	}
	names := [...]string{OpPi: "π", OpE: "e", OpI: "i", OpInf: "∞", OpAdd: "+", OpMul: "·", OpDiv: "/", OpNeg: "−", OpPow: "^", OpFunc: "", OpCall: "call ",
		OpFact: "fact", OpSum: "sum", OpPM: "±", OpPercent: "%", OpUnit: "unit ", OpMatrix: "matrix", OpList: "list", OpTuple: "tuple", OpSet: "set", OpRel: "rel",
		OpCup: "∪", OpCap: "∩", OpMinus: "∖", OpSpace: "space ", OpEmpty: "∅", OpRatio: "ratio", OpBase: "base ", OpBuilder: "builder", OpLabel: "label "}
	b.WriteString(names[n.Op])
	switch n.Op {
	case OpFunc, OpCall, OpUnit, OpList, OpTuple, OpSpace, OpBase, OpLabel:
		b.WriteString(n.Text)
	case OpRel:
		b.WriteString(strings.Join(n.Rels, ""))
	}
	if len(n.Kids) > 0 {
		kids := make([]string, len(n.Kids))
		for i, k := range n.Kids {
			kids[i] = write(k)
		}
		b.WriteString("(" + strings.Join(kids, " ") + ")")
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`\frac{1}{2}`, "/(1 2)"},
		{`\frac12x`, "·(/(1 2) x)"},
		{"3 1/2", "+(3 /(1 2))"},
		{"1,234.5", "2469/2"},
		{"(1,234)", "tuple()(1 234)"},
		{"2x^2 - x + 1", "+(·(2 ^(x 2)) −(x) 1)"},
		{"-2^2", "−(^(2 2))"},
		{"x^{-1}y", "·(^(x −(1)) y)"},
		{`\sqrt[3]{2}`, "root(2 3)"},
		{`\sin^2 2x`, "^(sin(·(2 x)) 2)"},
		{`\sin^{-1} x`, "arcsin(x)"},
		{`\log_2 8`, "/(ln(8) ln(2))"},
		{`\tan 45^\circ`, "/(sin(·(45 /(π 180))) cos(·(45 /(π 180))))"},
		{`90^\circ`, "unit degree(90)"},
		{`5\text{ cm}^2`, "unit centimeter^2(5)"},
		{`\$5`, "unit dollar(5)"},
		{`50\%`, "%(50)"},
		{`x = 1 \text{ or } x = 2`, "listor(rel=(x 1) rel=(x 2))"},
		{`\{1, 2\}`, "set(1 2)"},
		{`(-\infty, 2] \cup [5, \infty)`, "∪(tuple(](−(∞) 2) tuple[)(5 ∞))"},
		{`x \in \mathbb{R}`, `relin(x space \R)`},
		{`2 \pm \sqrt{3}`, "+(2 ±(root(3 2)))"},
		{`\begin{pmatrix}1&2\\3&4\end{pmatrix}`, "matrix(1 2 3 4)"},
		{`\begin{vmatrix}1&2\\3&4\end{vmatrix}`, "+(·(1 4) −(·(2 3)))"},
		{`\sum_{k=1}^{n} k`, "sum(k 1 n k)"},
		{"12_7", "base 12"},
		{"3:4", "ratio(3 4)"},
		{"½", "/(1 2)"},
		{"x²", "^(x 2)"},
		{`\text{Area} = 5`, "rel=(label area 5)"},
		{"f(2)", "call f(2)"},
		{`\binom{5}{2}`, "binom(5 2)"},
		{"|x|", "abs(x)"},
	} {
		toks, ok := Lex(c.text)
		n, err := Parse(Unwrap(toks))
		if !ok || err != nil {
			t.Errorf("%s: %v, %v", c.text, ok, err)
		} else if got := write(n); got != c.want {
			t.Errorf("%s is %s, want %s", c.text, got, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		text string
		want error
	}{
		{"2 3", ErrSyntax},
		{"5 +", ErrSyntax},
		{`5 \foo`, ErrSyntax},
		{"5 apples and oranges", ErrSyntax},
		{strings.Repeat("(", 150) + "5" + strings.Repeat(")", 150), ErrTooLarge},
		{strings.Repeat("5+", 2000) + "5", ErrTooLarge},
	} {
		toks, _ := Lex(c.text)
		if n, err := Parse(toks); n != nil || !errors.Is(err, c.want) {
			t.Errorf("%.40s: %v, %v, want %v", c.text, n, err, c.want)
		}
	}
	for _, text := range []string{"(5", "5}", `\left(1`, "[1"} {
		if _, ok := Lex(text); ok {
			t.Errorf("%s: brackets match", text)
		}
	}
}

func TestPlainInteger(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"5", "5"}, {"+5", "5"}, {"-007", "-7"}, {"-0", "0"}, {"1,234,567", "1234567"}, {"1,23", ""}, {"5.0", ""}, {"", ""}, {"five", ""}, {"1 234", ""},
	} {
		if got, ok := PlainInteger(c.text); got != c.want || ok != (c.want != "") {
			t.Errorf("%q is %q, %v, want %q", c.text, got, ok, c.want)
		}
	}
}

// An answer in LaTeX becomes a tree.
func Example() {
	toks, ok := Lex(`\dfrac{x}{2} + 0.5`)
	n, err := Parse(toks)
	fmt.Println(ok, err, n.Op == OpAdd, n.Names(nil), n.Kids[1].Rat)
	// Output: true <nil> true [x] 1/2
}
