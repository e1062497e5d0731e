package answer

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// golds makes a random gold answer of each class but infinity, of which there are two to
// guess, and those that are about predictions: malformed, hack, bomb.
var golds = []func(r *rand.Rand) string{
	func(r *rand.Rand) string { return fmt.Sprint(r.IntN(2000) - 1000) },
	func(r *rand.Rand) string { return fmt.Sprint(1000 + r.IntN(1e9)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`\frac{%d}{%d}`, 101+2*r.IntN(500), 2*r.IntN(50)+4) },
	func(r *rand.Rand) string { return fmt.Sprintf("%d.%02d", r.IntN(1000), 1+r.IntN(99)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d\%%`, 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d^\circ`, 181+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`\$%d`, 101+r.IntN(5000)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d\text{ cm}`, 101+r.IntN(5000)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d\sqrt{%d}`, 101+r.IntN(500), 2+r.IntN(90)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d\pi`, 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d \pm \sqrt{%d}`, 101+r.IntN(50), 2+r.IntN(90)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`\{%d,%d\}`, 101+r.IntN(500), 700+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d, %d`, 101+r.IntN(500), 700+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`(%d,%d]`, 101+r.IntN(500), 700+r.IntN(500)) },
	func(r *rand.Rand) string {
		return fmt.Sprintf(`(-\infty,%d)\cup(%d,\infty)`, 101+r.IntN(500), 700+r.IntN(500))
	},
	func(r *rand.Rand) string { return fmt.Sprintf(`(%d,%d)`, 101+r.IntN(500), 700+r.IntN(500)) },
	func(r *rand.Rand) string {
		return fmt.Sprintf(`\begin{pmatrix}%d\\%d\end{pmatrix}`, 101+r.IntN(500), r.IntN(500))
	},
	func(r *rand.Rand) string { return fmt.Sprintf(`y = %dx + %d`, 101+r.IntN(500), 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`x^2+%dy^2 = %d`, 101+r.IntN(500), 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`x > %d`, 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%dx^2+%dx`, 101+r.IntN(500), 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`\frac{x+%d}{x-%d}`, 101+r.IntN(500), 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d\sin x`, 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`\ln %d`, 101+r.IntN(500)) },
	func(r *rand.Rand) string { return string(rune('A' + r.IntN(5))) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d_7`, 100000+r.IntN(6)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d+%di`, 101+r.IntN(500), 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`\binom{%d}{3}`, 101+r.IntN(300)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`f(%d)`, 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d:%d`, 101+r.IntN(500), 101+r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d{,}%03d`, 2+r.IntN(98), r.IntN(1000)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`0.%06d`, 100000+r.IntN(900000)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d\frac{%d}{7}`, 101+r.IntN(500), 1+r.IntN(6)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`\left(\dfrac{%d}{11}\right)`, 1101+11*r.IntN(500)) },
	func(r *rand.Rand) string { return fmt.Sprintf(`%d^{%d}`, 2+r.IntN(8), 11+r.IntN(50)) },
	func(r *rand.Rand) string {
		return fmt.Sprintf(`%d.%02d\times 10^{%d}`, 1+r.IntN(9), r.IntN(100), 4+r.IntN(20))
	},
	func(r *rand.Rand) string { return fmt.Sprintf(`√%d + π`, 101+r.IntN(500)) },
	func(r *rand.Rand) string { return []string{"Monday", "yes", "increasing", "ellipse"}[r.IntN(4)] },
}

// attacks are predictions made without knowing the gold answer: they name many
// answers, none, or one that is made to seem near all.
func attacks(r *rand.Rand) []string {
	var list, chain, union, or, named, boxes, ladder, links []string
	for k := -1000; k <= 1000; k += 1 + r.IntN(5) {
		if len(list) > 250 {
			break
		}
		n := fmt.Sprint(r.IntN(2000) - 1000)
		list, chain = append(list, n), append(chain, n)
		if len(union) < 80 {
			union = append(union, "("+n+","+n+".5)")
			or = append(or, "x="+n)
			named = append(named, fmt.Sprintf("x_{%d}=%s", len(named), n))
			boxes = append(boxes, `\text{`+n+`}`)
			ladder = append(ladder, n+`\pm 0.5`)
			links = append(links, n+"<x")
		}
	}
	join := strings.Join
	all := []string{
		join(list, ","), "[" + join(list, ",") + "]", "(" + join(list, ",") + ")", `\{` + join(list, ",") + `\}`, join(list, " "), join(list, ";"),
		join(chain, "="), "x=" + join(chain, "="), join(chain, `\approx `), join(union, `\cup`), join(or, " or "), join(or, ","), join(named, ","),
		join(boxes, " "), join(ladder, ","), join(links, " or "), join(links, ","), join(list, "<"), join(list, ":"), join(list, "|"),
		`[0,1000]`, `(-\infty,\infty)`, `\mathbb{R}`, "x=x", "0=0", "1=1", "3=4", "x", "y", "f(x)", "x \\in \\mathbb{R}", `x>-\infty`, "x<\\infty",
		`\pm\infty`, `\infty`, "-\\infty", `\frac00`, `\frac10`, `\infty-\infty`, `0\cdot\infty`, "NaN", "nan", "inf", "None", "null", "",
		" ", "{}", "()", "[]", `\{\}`, `\emptyset`, `\text{}`, `\phantom{5}`, ",", "=", "?", "answer", "gold", "the answer", "correct", "True",
		`\text{all real numbers}`, "A,B,C,D,E", "ABCDE", "A or B or C", "(A)(B)(C)", "A/B/C/D/E", `\{A,B,C,D,E\}`, "not A", "A: B C D E", "any",
		`x+(x-1)(x-2)(x-3)(x-4)`, `\frac{0}{x-x}`, "500\\pm500", `[-1000,1000]`, "1 to 1000", "between 1 and 1000", "1-1000", "about 500",
		"9^{9^{9^9}}", "yes or no", "yes/no", "Monday, Tuesday", `\{x | x=x\}`, "x \\ne x", "*", "_", "%", "^\\circ", `\$`, "cm", `\pi`, "2e", "i",
	}
	return all
}

// A policy that does not know the gold answer earns nothing by the shape of what it
// writes. What it may guess is the one answer that a prediction states.
func TestAdversary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	earned, tried := 0, 1000
	if testing.Short() {
		tried = 100
	}
	for n := range tried {
		text := golds[n%len(golds)](r)
		g, err := CompileGold(text)
		if err != nil {
			t.Fatalf("gold %q: %v", text, err)
		}
		if err := CheckGold(text); err != nil {
			t.Error(err)
		}
		for _, a := range attacks(r) {
			if v := g.Equal(a); v.Equal {
				earned++
				t.Errorf("gold %q equals %.100q", text, a)
			}
			if pred, ok := Extract(`\boxed{` + a + `}`); ok && g.Equal(pred).Equal {
				earned++
				t.Errorf("gold %q equals the box of %.100q", text, a)
			}
		}
	}
	t.Logf("%d rewards", earned)
}
