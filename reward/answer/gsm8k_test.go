package answer

import (
	"math/big"
	"os"
	"strings"
	"testing"
)

// gsm8k are the different gold answers of GSM8K, train and test.
func gsm8k(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/gsm8k/answers.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// Every gold answer of GSM8K can be used, equals itself in other usual ways of
// writing it, and equals no neighbour.
func TestGSM8K(t *testing.T) {
	golds := gsm8k(t)
	if len(golds) != 983 {
		t.Fatalf("%d gold answers", len(golds))
	}
	for i, gold := range golds {
		if err := CheckGold(gold); err != nil {
			t.Error(err)
			continue
		}
		g, err := CompileGold(gold)
		if err != nil {
			t.Fatal(err)
		}
		plain := strings.ReplaceAll(gold, ",", "")
		for _, other := range []string{gold, plain, `\$` + plain, "$" + plain + "$", plain + " dollars", plain + ".00", commas(plain), `x = ` + plain,
			`\text{` + plain + `}`, plain + `\text{ miles}`} {
			if strings.Contains(gold, ".") && strings.HasSuffix(other, ".00") {
				continue
			}
			pred, ok := Extract(`So it is \boxed{` + other + `}.`)
			if v := g.Equal(pred); !ok || !v.Equal {
				t.Errorf("%q does not equal %q: %v", gold, other, v)
			}
		}
		for _, text := range []string{"#### " + gold, "The answer is " + gold + ".", "**Answer:** " + gold} {
			if pred, ok := Extract(text); !ok || !g.Equal(pred).Equal {
				t.Errorf("%q is not found in %q: %q", gold, text, pred)
			}
		}
		for _, by := range []int{-2, -1, 1, 2, 3} {
			j := i + by
			if j < 0 || j >= len(golds) {
				continue
			}
			a, _ := new(big.Rat).SetString(plain)
			b, _ := new(big.Rat).SetString(strings.ReplaceAll(golds[j], ",", ""))
			if a.Cmp(b) != 0 && g.Equal(golds[j]).Equal {
				t.Errorf("%q equals %q", gold, golds[j])
			}
		}
	}
}

// commas groups the digits of a number.
func commas(s string) string {
	whole, fraction, point := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + fraction
	}
	return sign + whole
}
