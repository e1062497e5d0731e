package eval_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward/eval"
)

func TestBestOfN(t *testing.T) {
	two := append(boxes("a", "1", "2", "1"), boxes("b", "2", "1")...)
	for _, c := range []struct {
		scores []float64
		want   float64
	}{
		{[]float64{3, 1, 2, 0, 1}, 1},
		{[]float64{1, 3, 2, 0, 1}, 0.5},
		{[]float64{1, 3, 2, 1, 0}, 0},
		{[]float64{3, 3, 2, 1, 0}, 0.25},
		{[]float64{3, 3, 3, 1, 1}, (2./3 + 1./2) / 2},
		{[]float64{-3, -2, -1, -9, -8}, 1},
	} {
		if got, err := eval.BestOfN(two, c.scores); err != nil || !near(got, c.want, 1e-12) {
			t.Errorf("scores %v: RM@n %v, %v, want %v", c.scores, got, err, c.want)
		}
	}
	if got, err := eval.BestOfN(nil, nil); err != nil || got != 0 {
		t.Errorf("of nothing: %v, %v", got, err)
	}
	if _, err := eval.BestOfN(two, []float64{1}); err == nil || !strings.Contains(err.Error(), "1 scores for 5 attempts") {
		t.Errorf("one score: %v", err)
	}
	if _, err := eval.Majority(two, []string{"1"}); err == nil || !strings.Contains(err.Error(), "1 votes for 5 attempts") {
		t.Errorf("one vote: %v", err)
	}
}

// best is eval.BestOfN where no error is expected.
func best(t *testing.T, attempts []coat.Judged, scores []float64) float64 {
	t.Helper()
	got, err := eval.BestOfN(attempts, scores)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Scores that say nothing choose as pass@1 does, perfect ones as pass@n, and the number of
// votes for an answer as maj@n; no scores do better than perfect ones.
func TestBestOfNIdentities(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var results []coat.Judged
	var same, perfect, votes, random []float64
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		// Of eight answers five and three are alike: there is no tie.
		answers := slices.Repeat([]string{"1", "2"}, 8)[:8]
		if rng.IntN(2) == 0 {
			answers[1] = "1"
		} else {
			answers[0] = "2"
		}
		rng.Shuffle(8, func(i, j int) { answers[i], answers[j] = answers[j], answers[i] })
		for _, r := range boxes(id, answers...) {
			n := 0.0
			for _, a := range answers {
				if (a == "1") == r.Right() {
					n++
				}
			}
			same, votes, random = append(same, 7), append(votes, n), append(random, rng.NormFloat64())
			perfect = append(perfect, 0)
			if r.Right() {
				perfect[len(perfect)-1] = 1
			}
			results = append(results, r)
		}
	}
	g := eval.Summarize(results).Groups
	if got := best(t, results, same); !near(got, g.Pass1, 1e-12) {
		t.Errorf("equal scores: %v, pass@1 is %v", got, g.Pass1)
	}
	if got := best(t, results, perfect); !near(got, g.PassN, 1e-12) || got < best(t, results, random) {
		t.Errorf("perfect scores: %v, pass@n is %v", got, g.PassN)
	}
	if got := best(t, results, votes); !near(got, g.MajN, 1e-12) {
		t.Errorf("votes as scores: %v, maj@n is %v", got, g.MajN)
	}
}

// Answers written in different ways vote together.
func TestAnswers(t *testing.T) {
	results := append(boxes("a", "1/2", "0.5", "3", "3 ", "\\frac{2}{4}", "("), boxes("b", "0.5", "")...)
	for i := range results {
		results[i].Outcome = coat.Wrong
		if i == 0 || i == 1 || i == 4 {
			results[i].Outcome = coat.Right
		}
	}
	if got := majority(t, results[:6], eval.Boxes(results[:6])); got != 0 {
		t.Errorf("majority by words: %v, want that of 3", got)
	}
	got := eval.Answers(results)
	if want := []string{"1/2", "1/2", "3", "3", "1/2", "(", "0.5", ""}; !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
	if got := majority(t, results[:6], got[:6]); got != 1 {
		t.Errorf("majority by value: %v, want that of 1/2", got)
	}
	plain := boxes("c", "")
	plain[0].Text = "The answer is 5."
	if got := eval.Answers(plain); got[0] != "5" {
		t.Errorf("answer without a box: %q", got)
	}
	plain[0].Truncated = true
	if got := eval.Answers(plain); got[0] != "" {
		t.Errorf("answer of a truncated attempt: %q", got)
	}
}

// Unbiased: over all sets of n attempts from a policy that is right with chance p, pass@k
// has the mean 1 − (1−p)^k.
func TestPassAtUnbiased(t *testing.T) {
	const p = 0.3
	for n := 1; n <= 10; n++ {
		for k := 1; k <= n; k++ {
			mean, miss := 0.0, 1.0
			for range k {
				miss *= 1 - p
			}
			for set := range 1 << n {
				c, chance := 0, 1.0
				for i := range n {
					if set>>i&1 == 1 {
						c++
						chance *= p
					} else {
						chance *= 1 - p
					}
				}
				pass, err := eval.PassAt(n, c, k)
				if err != nil {
					t.Fatal(err)
				}
				mean += chance * pass
			}
			if !near(mean, 1-miss, 1e-12) {
				t.Errorf("n %d, k %d: mean %v, want %v", n, k, mean, 1-miss)
			}
		}
	}
}
