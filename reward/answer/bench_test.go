package answer

import (
	"strings"
	"testing"
)

// An integer answer, found at the end of 4 KiB of text.
func BenchmarkExtractInteger(b *testing.B) {
	text := strings.Repeat("We add the 12 eggs to the 30 others, so that $x = \\frac{84}{2}$ is left. ", 56) + `The answer is \boxed{1,234}.`
	gold, err := CompileGold("1234")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if pred, ok := Extract(text); !ok || !gold.Equal(pred).Equal {
			b.Fatal(pred)
		}
	}
}

func BenchmarkEqual(b *testing.B) {
	for _, c := range []struct{ name, gold, pred string }{
		{"integer", "42", "43"},
		{"fraction", `\frac{1}{2}`, "0.5"},
		{"list", "1,2,3", `\{3,2,1\}`},
		{"interval", `(-\infty,2)\cup[5,\infty)`, `x<2 \text{ or } x\ge 5`},
		{"polynomial", "x^2+2x+1", "(x+1)^2"},
		{"surd", `\frac{1}{\sqrt2}`, `\frac{\sqrt2}{2}`},
		{"trig", `\sin 2x`, `2\sin x\cos x`},
		{"text", "no solution", `\text{No solution}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			gold, err := CompileGold(c.gold)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				gold.Equal(c.pred)
			}
		})
	}
}

func BenchmarkCompileGold(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := CompileGold(`\frac{1}{2}`); err != nil {
			b.Fatal(err)
		}
	}
}
