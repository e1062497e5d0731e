package answer

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// A pair of members that is out of range spoils no other pair.
func TestListOutOfRange(t *testing.T) {
	if !Equal("n^{n^n}, n!", "n!, n^{n^{n}}") || Equal("n^{n^n}, n!", "n!, n^{n^{2n}}") {
		t.Error("wrong verdict")
	}
}

// Any changed, added or dropped digit of an integer makes it another.
func TestChangedDigit(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		digits := []byte{byte('1' + r.IntN(9))}
		for range r.IntN(40) {
			digits = append(digits, byte('0'+r.IntN(10)))
		}
		gold := string(digits)
		g, err := CompileGold(gold)
		if err != nil {
			t.Fatal(err)
		}
		at := r.IntN(len(digits))
		digits[at] = '0' + (digits[at]-'0'+byte(1+r.IntN(9)))%10
		for _, pred := range []string{string(digits), gold + "0", gold + ".5", "-" + gold, "1" + gold, commas(string(digits)), string(digits) + " apples",
			"x=" + string(digits), `\frac{` + string(digits) + `}{1}`} {
			if v := g.Equal(pred); v.Equal {
				t.Fatalf("%q equals %q", gold, pred)
			}
		}
		for _, pred := range []string{commas(gold), gold + ".0", `\frac{` + gold + `}{1}`, "0" + gold, "x=" + gold} {
			if v := g.Equal(pred); !v.Equal {
				t.Fatalf("%q does not equal %q: %v", gold, pred, v)
			}
		}
	}
}

// The order of a list does not matter.
func TestShuffledLists(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		var members []string
		for range 1 + r.IntN(8) {
			members = append(members, []string{fmt.Sprint(r.IntN(50)), fmt.Sprintf(`\sqrt{%d}`, 2+r.IntN(20)), fmt.Sprintf(`\frac{%d}{7}`, r.IntN(9)), `\pi`, "x^2", "-3"}[r.IntN(6)])
		}
		gold := strings.Join(members, ",")
		r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		for _, pred := range []string{strings.Join(members, ", "), `\{` + strings.Join(members, ";") + `\}`} {
			if strings.Contains(pred, ";") && len(members) == 1 {
				continue
			}
			if !Equal(gold, pred) {
				t.Fatalf("%q does not equal %q", gold, pred)
			}
		}
		if Equal(gold, strings.Join(members, ",")+",99") {
			t.Fatalf("%q equals a longer list", gold)
		}
	}
}

// The random points of a process do not decide whether a comparison ends within its budget.
func TestBudgetAtAnyPoints(t *testing.T) {
	defer func(before maphash.Seed) { seed = before }(seed)
	g, err := CompileGold("(-2)^n")
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		seed = maphash.MakeSeed()
		if v := g.Equal("(-1)^n 2^n"); !v.Equal {
			t.Fatalf("%v", v)
		}
	}
}

// At any points of a process |x+20| is told from x+20, which differs only below -20.
func TestSignsAtAnyPoints(t *testing.T) {
	defer func(before maphash.Seed) { seed = before }(seed)
	g, err := CompileGold("|x+20|")
	if err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		seed = maphash.MakeSeed()
		if v := g.Equal("x+20"); v.Equal {
			t.Fatalf("%v", v)
		}
	}
}

// A compiled gold answer is shared by goroutines.
func TestConcurrent(t *testing.T) {
	g, err := CompileGold(`\frac{\sqrt{5}+1}{2}`)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if !g.Equal(`\frac{2}{\sqrt{5}-1}`).Equal || g.Equal(`\frac{1-\sqrt5}{2}`).Equal {
					t.Error("wrong verdict")
				}
			}
		})
	}
	wg.Wait()
}

func TestVerdicts(t *testing.T) {
	if got := Reason(9).String(); got != "Reason(9)" {
		t.Errorf("a reason out of range is %q", got)
	}
	g, err := CompileGold("5")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pred string
		want Reason
	}{
		{"5", Equals}, {"10/2", Equals}, {"6", Different}, {"", NoAnswer}, {"$ $", NoAnswer}, {"(5", Unparsed}, {`5 \foo`, Unparsed},
		{strings.Repeat("5+", 1001), OverBudget}, {`\sum_{k=1}^{99999}k`, OverBudget}, {strings.Repeat("(", 150) + "5" + strings.Repeat(")", 150), OverBudget},
	} {
		if v := g.Equal(c.pred); v.Reason != c.want || v.Equal != (c.want == Equals) {
			t.Errorf("%.40q: %v, want %v", c.pred, v, c.want)
		}
	}
	for _, gold := range []string{"", " ", "1/0", "0/0", "0=0", "3=4", "x=x", "(1", `\frac{1}{2`, `5+\foo`, `\int x dx`, "x d =x d = 1", "[55555=1,4]", strings.Repeat("1", 2001), `\infty-\infty`} {
		if err := CheckGold(gold); err == nil {
			t.Errorf("%.40q is a gold answer", gold)
		}
	}
}
