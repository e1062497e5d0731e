package answer

import "testing"

func TestQuick(t *testing.T) {
	for _, c := range []struct {
		g, p string
		want bool
	}{
		{"5", "5", true}, {"5", "6", false}, {"1000", "1,000", true}, {"1000", "1, 000", false},
		{"1/2", "0.5", true}, {`\frac{1}{2}`, `\frac24`, true}, {"0.5", "50%", true}, {"50\\%", "50", true},
		{`\pi`, "3.14159", true}, {`\pi`, "3.1416", false}, {`3\frac{1}{2}`, "3.5", true}, {"3.5", "3 1/2", true},
		{`\sqrt{8}`, `2\sqrt2`, true}, {`\sqrt{x^2}`, "x", false}, {`\sqrt{x^2}`, "|x|", true},
		{`x^2+2x+1`, `(x+1)^2`, true}, {`\sin^2 x+\cos^2 x`, "1", true}, {`\sin 60^\circ`, `\frac{\sqrt3}{2}`, true},
		{"5", "5 \\text{ cm}", true}, {"5 cm", "5 m", false}, {"A", "(A)", true}, {"A", "A or B", false},
		{"1,2", `\{2,1\}`, true}, {"2", "1,2", false}, {`\pm 2`, "2,-2", true}, {"(1,2)", "(2,1)", false},
		{"(1,2)", "1<x<2", true}, {`(-\infty,2)\cup(5,\infty)`, "x<2 or x>5", true}, {"x=5", "5", true}, {"x=5", "y=5", false},
		{`\begin{pmatrix}1&2\\3&4\end{pmatrix}`, `\begin{bmatrix}1&2\\3&4\\\end{bmatrix}`, true},
		{"y=2x+1", "2x-y+1=0", true}, {"x>3", "3<x", true}, {"101_2", "5", false}, {"101_2", "101_{2}", true},
		{`\binom{n}{2}`, `\frac{n(n-1)}{2}`, true}, {"n!", "n(n-1)!", true}, {`e^{i\pi}`, "-1", true}, {`\ln(8)`, `3\ln 2`, true},
		{"30^\\circ", "30", true}, {"no solution", "No Solution.", true}, {"5", "2+3=5", true}, {"0", "0=0", false},
		{"1.5e3", "1500", true}, {`1.5\times 10^{3}`, "1500", true}, {"$5", "5", true}, {"\\$5.00", "$5$", true},
		{`\log_2 8`, "3", true}, {"½", "0.5", true}, {"5", "5+e^{-1000}", false}, {"9^{9^{9^9}}", "9^{9^{9}}", false},
		{`\sum_{k=1}^{10}k`, "55", true}, {`\sum_{k=1}^{n}k`, `\frac{n(n+1)}2`, true}, {"f(x+1)", "f(1+x)", true},
		{`\infty`, "infinity", true}, {`\infty`, `\infty-\infty`, false}, {"2:3", "2:3", true}, {`a=1,b=2`, "b=2,a=1", true}, {`a=1,b=2`, "a=2,b=1", false},
	} {
		if got := Equal(c.g, c.p); got != c.want {
			g, err := CompileGold(c.g)
			if err == nil {
				t.Errorf("%q %q: %v, %+v", c.g, c.p, got, g.Equal(c.p))
			} else {
				t.Errorf("%q %q: %v, %v", c.g, c.p, got, err)
			}
		}
	}
}
