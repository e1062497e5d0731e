package eval_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/satori-go/satori/reward/eval"
)

func TestRM(t *testing.T) {
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
		if got := eval.RM(two, c.scores); !near(got, c.want, 1e-12) {
			t.Errorf("scores %v: RM@n %v, want %v", c.scores, got, c.want)
		}
	}
	if got := eval.RM(nil, nil); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// Scores that say nothing choose as pass@1 does, perfect ones as pass@n, and the number of
// votes for an answer as maj@n; no scores do better than perfect ones.
func TestRMIdentities(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var results []eval.Result
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
				if (a == "1") == r.Right {
					n++
				}
			}
			same, votes, random = append(same, 7), append(votes, n), append(random, rng.NormFloat64())
			perfect = append(perfect, 0)
			if r.Right {
				perfect[len(perfect)-1] = 1
			}
			results = append(results, r)
		}
	}
	g := eval.Summarize(results).Groups
	if got := eval.RM(results, same); !near(got, g.Pass1, 1e-12) {
		t.Errorf("equal scores: %v, pass@1 is %v", got, g.Pass1)
	}
	if got := eval.RM(results, perfect); !near(got, g.PassN, 1e-12) || got < eval.RM(results, random) {
		t.Errorf("perfect scores: %v, pass@n is %v", got, g.PassN)
	}
	if got := eval.RM(results, votes); !near(got, g.MajN, 1e-12) {
		t.Errorf("votes as scores: %v, maj@n is %v", got, g.MajN)
	}
}

// Answers written in different ways vote together.
func TestAnswers(t *testing.T) {
	results := append(boxes("a", "1/2", "0.5", "3", "3 ", "\\frac{2}{4}", "("), boxes("b", "0.5", "")...)
	for i := range results {
		results[i].Right = i == 0 || i == 1 || i == 4
	}
	if got := eval.Majority(results[:6]); got != 0 {
		t.Errorf("majority by words: %v, want that of 3", got)
	}
	eval.Answers(results)
	var got []string
	for _, r := range results {
		got = append(got, r.Answer)
	}
	if want := []string{"1/2", "1/2", "3", "3", "1/2", "(", "0.5", ""}; !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
	if got := eval.Majority(results[:6]); got != 1 {
		t.Errorf("majority by value: %v, want that of 1/2", got)
	}
	plain := boxes("c", "")
	plain[0].Attempt.Text = "The answer is 5."
	if eval.Answers(plain); plain[0].Answer != "5" {
		t.Errorf("answer without a box: %q", plain[0].Answer)
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
				mean += chance * eval.PassAt(n, c, k)
			}
			if !near(mean, 1-miss, 1e-12) {
				t.Errorf("n %d, k %d: mean %v, want %v", n, k, mean, 1-miss)
			}
		}
	}
}
