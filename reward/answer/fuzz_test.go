package answer

import (
	"path/filepath"
	"strings"
	"testing"
)

// seeds adds what the cases hold to a corpus.
func seeds(f *testing.F, add func(s sample)) {
	paths, _ := filepath.Glob("testdata/*.tsv")
	for _, path := range paths {
		for i, s := range samples(f, path) {
			if i%3 == 0 {
				add(s)
			}
		}
	}
}

// What is extracted stands in the text, is not blank, and is found again in a box.
func FuzzExtract(f *testing.F) {
	for _, s := range []string{`\boxed{5}`, `\boxed{1} and \boxed{2}`, "#### 5", "The answer is $5$.", `</think>\fbox{\boxed{1}`, "Answer: **5**", `\boxed 5`} {
		f.Add(s, "text")
	}
	f.Fuzz(func(t *testing.T, output, after string) {
		got, ok := Extract(output)
		if ok != (got != "") {
			t.Fatalf("Extract(%q) = %q, %v", output, got, ok)
		}
		if strings.Contains(after, "box") || strings.Contains(after, "</think>") || strings.HasSuffix(output, `\`) {
			return
		}
		boxed, found := Extract(output + ` so \boxed{\{x\}} ` + after)
		if depth := strings.Count(output, "{"); depth == 0 && !strings.Contains(output, "box") && (!found || boxed != `\{x\}`) {
			t.Fatalf("%q, %v in %q and %q", boxed, found, output, after)
		}
	})
}

// A gold answer that can be read equals itself, also when the work is done.
func FuzzParse(f *testing.F) {
	seeds(f, func(s sample) { f.Add(s.gold) })
	f.Fuzz(func(t *testing.T, gold string) {
		g, err := CompileGold(gold)
		if err != nil {
			return
		}
		if v := g.Equal(gold); !v.Equal {
			t.Fatalf("%q does not equal itself: %v", gold, v)
		}
		// Work may end at its limit, as that for x^x^22 does; then the same text alone is equal.
		if v := g.compare(gold, false); !v.Equal && v.Reason != OverBudget {
			t.Fatalf("%q does not equal itself by work: %v", gold, v)
		}
		for _, empty := range []string{"", " ", "$$", `\(\)`, "{}"} {
			if v := g.Equal(empty); v.Equal {
				t.Fatalf("%q equals %q: %v", gold, empty, v)
			}
		}
	})
}

// No comparison costs more than its budget, and its result does not change.
func FuzzEqual(f *testing.F) {
	seeds(f, func(s sample) { f.Add(s.gold, s.pred) })
	f.Fuzz(func(t *testing.T, gold, pred string) {
		if Equal(gold, "") || Equal("", pred) {
			t.Fatalf("%q or %q equals nothing", gold, pred)
		}
		g, err := CompileGold(gold)
		if err != nil {
			return
		}
		v := g.Equal(pred)
		if v.Steps > MaxSteps {
			t.Fatalf("%q and %q took %d steps", gold, pred, v.Steps)
		}
		if v.Equal != (v.Reason == Equals) {
			t.Fatalf("%q and %q: %v", gold, pred, v)
		}
		if w := g.Equal(pred); w != v {
			t.Fatalf("%q and %q: %v, then %v", gold, pred, v, w)
		}
	})
}
