package eval_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward/eval"
)

func near(a, b, within float64) bool { return math.Abs(a-b) <= within }

// The intervals are those of Newcombe, "Two-sided confidence intervals for the single
// proportion" (Statistics in Medicine 17, 1998), table I, method 3.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
		{0, 0, 0, 1},
	} {
		low, high := eval.Wilson(c.k, c.n)
		if !near(low, c.low, 5e-5) || !near(high, c.high, 5e-5) {
			t.Errorf("Wilson(%d, %d) = %v, %v, want %v, %v", c.k, c.n, low, high, c.low, c.high)
		}
	}
	for n := 1; n < 60; n++ {
		for k := range n + 1 {
			low, high := eval.Wilson(k, n)
			p := float64(k) / float64(n)
			if low < 0 || low > p || high < p || high > 1 {
				t.Errorf("Wilson(%d, %d) = %v, %v does not hold %v", k, n, low, high, p)
			}
			if l, h := eval.Wilson(n-k, n); !near(l, 1-high, 1e-12) || !near(h, 1-low, 1e-12) {
				t.Errorf("Wilson(%d, %d) is not the mirror of Wilson(%d, %d)", n-k, n, k, n)
			}
		}
	}
}

// PassAt is the share of subsets of size k that have a right attempt.
func TestPassAt(t *testing.T) {
	for n := 1; n <= 8; n++ {
		for c := range n + 1 {
			for k := 1; k <= n; k++ {
				subsets, hits := 0, 0
				for set := range 1 << n {
					size, hit := 0, false
					for i := range n {
						if set>>i&1 == 1 {
							size++
							hit = hit || i < c // the first c are right
						}
					}
					if size == k {
						subsets++
						if hit {
							hits++
						}
					}
				}
				want := float64(hits) / float64(subsets)
				if got, err := eval.PassAt(n, c, k); err != nil || !near(got, want, 1e-12) {
					t.Errorf("PassAt(%d, %d, %d) = %v, %v, want %v", n, c, k, got, err, want)
				}
			}
		}
	}
	for _, bad := range [][3]int{{2, 1, 0}, {2, 1, 3}, {2, 3, 1}, {2, -1, 1}} {
		if got, err := eval.PassAt(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("PassAt%v = %v, want an error", bad, got)
		}
	}
}

func problem(id string, level int) coat.Start {
	return coat.Start{Problem: coat.Problem{ID: id, Answer: "1", Level: level}}
}

func TestSummarize(t *testing.T) {
	restart := problem("c", 2)
	restart.Prefix = coat.Trace{{Text: "x "}, {Action: coat.Reflect}}
	results := []coat.Judged{
		{Attempt: coat.Attempt{Start: problem("a", 5), Text: `s <|reflect|> no <|explore|> t`}, Outcome: coat.Right, Tokens: 10},
		{Attempt: coat.Attempt{Start: problem("b", 2), Text: `s <|continue|>`, Truncated: true}, Tokens: 20},
		{Attempt: coat.Attempt{Start: restart, Text: ` no <|explore|> y <|reflect|> yes`}, Outcome: coat.Right, Tokens: 30},
		{Attempt: coat.Attempt{Start: problem("d", 2), Text: `s <|reflect|> <|explore|> no trace`}, Tokens: 4},
	}
	s := eval.Summarize(results)
	if s.N != 4 || s.Accuracy != 0.5 || s.MeanTokens != 16 || s.Truncated != 0.25 || s.Groups != nil {
		t.Errorf("got %+v", s)
	}
	if low, high := eval.Wilson(2, 4); s.Low != low || s.High != high {
		t.Errorf("interval %v, %v", s.Low, s.High)
	}
	low3, high3 := eval.Wilson(1, 3)
	low1, high1 := eval.Wilson(1, 1)
	if want := []eval.Level{{2, 3, 1. / 3, low3, high3, 18}, {5, 1, 1, low1, high1, 10}}; !reflect.DeepEqual(s.Levels, want) {
		t.Errorf("levels %+v, want %+v", s.Levels, want)
	}
	// Three parse: 3, 2 and 2 steps; 1, 0 and 1 reflections; 1, 0 and 1 explorations.
	if want := (eval.Form{Parsed: 0.75, Steps: 7. / 3, Reflections: 2. / 3, Explorations: 2. / 3}); !reflect.DeepEqual(s.Form, want) {
		t.Errorf("form %+v, want %+v", s.Form, want)
	}
}

func TestSummaryJSON(t *testing.T) {
	hard := eval.Summarize(nil)
	s := eval.Summarize([]coat.Judged{{Attempt: coat.Attempt{Start: problem("a", 1)}, Outcome: coat.Right, Tokens: 3}})
	s.Hard, s.AccuracyT1, s.SelfCorrection = &hard, new(0.5), &eval.Correction{F2T: 3}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"accuracy", "accuracy_t1", "n", "by_level", "mean_tokens", "truncated", "hard", "self_correction"} {
		if _, ok := got[name]; !ok {
			t.Errorf("no field %q in %s", name, text)
		}
	}
	level := got["by_level"].([]any)[0].(map[string]any)
	for _, name := range []string{"level", "n", "accuracy", "low", "high", "mean_tokens"} {
		if _, ok := level[name]; !ok {
			t.Errorf("no field %q in a level of %s", name, text)
		}
	}
	correction := got["self_correction"].(map[string]any)
	for _, name := range []string{"f2t", "t2f", "share", "low", "high"} {
		if _, ok := correction[name]; !ok {
			t.Errorf("no field %q in the self-correction of %s", name, text)
		}
	}
	empty := got["hard"].(map[string]any)
	if empty["accuracy"] != 0. || empty["low"] != 0. || empty["high"] != 1. || len(empty["by_level"].([]any)) != 0 {
		t.Errorf("summary of nothing: %v", empty)
	}
	if got["accuracy_t1"] != 0.5 || correction["f2t"] != 3. {
		t.Errorf("got %s", text)
	}
}

// boxes are results of one problem with the answer 1.
func boxes(id string, answers ...string) []coat.Judged {
	var results []coat.Judged
	for _, answer := range answers {
		r := coat.Judged{Attempt: coat.Attempt{Start: problem(id, 0)}, Outcome: coat.Wrong}
		if answer == "1" {
			r.Outcome = coat.Right
		}
		if answer != "" {
			r.Text = fmt.Sprintf(`\boxed{ %s}`, answer)
		}
		results = append(results, r)
	}
	return results
}

// majority is eval.Majority where no error is expected.
func majority(t *testing.T, attempts []coat.Judged, votes []string) float64 {
	t.Helper()
	got, err := eval.Majority(attempts, votes)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestMajority(t *testing.T) {
	cut := boxes("a", "1", "2", "2")
	cut[1].Truncated, cut[2].Truncated = true, true
	for _, c := range []struct {
		name    string
		results []coat.Judged
		want    float64
	}{
		{"right", boxes("a", "1", "2", "1"), 1},
		{"wrong", boxes("a", "2", "2", "1"), 0},
		{"right where few agree", boxes("a", "2", "3", "4", "1", "1"), 1},
		{"tie of two", boxes("a", "2", "1"), 0.5},
		{"tie of three", boxes("a", "2", "1", "3"), 1. / 3},
		{"no votes", boxes("a", "", ""), 0},
		{"no box is no vote", boxes("a", "", "", "1"), 1},
		{"truncated is no vote", cut, 1},
		{"white space", boxes("a", "1", "2 1", "2  1 "), 0},
		{"an empty box is a vote", boxes("a", "1", " ", " "), 0},
		{"two problems", append(boxes("a", "1", "2", "1"), boxes("b", "2", "1")...), 0.75},
	} {
		if got := majority(t, c.results, eval.Boxes(c.results)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestGroups(t *testing.T) {
	// pass@1 = (2/3 + 1/3 + 0)/3, pass@3 = 2/3, maj@3 = (1 + 0 + 0)/3
	results := append(boxes("a", "1", "2", "1"), boxes("b", "2", "1", "2")...)
	results = append(results, boxes("c", "3", "2", "")...)
	g := eval.Summarize(results).Groups
	if g == nil || g.Problems != 3 || g.Size != 3 || !near(g.Pass1, 1./3, 1e-12) || !near(g.PassN, 2./3, 1e-12) || !near(g.MajN, 1./3, 1e-12) {
		t.Errorf("got %+v", g)
	}
	for _, results := range [][]coat.Judged{nil, boxes("a", "1"), append(boxes("a", "1", "2", "1"), boxes("b", "1")...)} {
		if g := eval.Summarize(results).Groups; g != nil {
			t.Errorf("groups of %v are %+v", results, g)
		}
	}
}
