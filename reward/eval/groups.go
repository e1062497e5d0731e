package eval

import (
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// PassAt is the chance that of k attempts at least one is right, estimated without
// bias from n ≥ k attempts of which c are right (Chen et al. 2021, arXiv 2107.03374):
//
//	pass@k = 1 − C(n−c, k) / C(n, k) = 1 − Π (1 − k/i), i = n−c+1 ... n
func PassAt(n, c, k int) float64 {
	if k < 1 || k > n || c < 0 || c > n {
		panic("eval: PassAt needs 1 ≤ k ≤ n and 0 ≤ c ≤ n")
	}
	if n-c < k {
		return 1
	}
	none := 1.0
	for i := n - c + 1; i <= n; i++ {
		none *= 1 - float64(k)/float64(i)
	}
	return 1 - none
}

// Majority is the share of right answers among those that most of one problem's
// attempts give: 0 or 1, or between where right and wrong ones tie. Answers are the
// same where the words of Result.Answer are or, where that is empty, those of the last
// box; an attempt without either, or truncated, has no vote. Without votes it is 0.
func Majority(results []Result) float64 {
	type votes struct {
		n     int
		right bool
	}
	most, by := 0, map[string]*votes{}
	for _, r := range results {
		answer, ok := r.Answer, true
		if answer == "" {
			answer, ok = reward.Boxed(r.Attempt.Text)
		}
		if !ok || r.Attempt.Truncated {
			continue
		}
		answer = strings.Join(strings.Fields(answer), " ")
		if by[answer] == nil {
			by[answer] = new(votes)
		}
		by[answer].n++
		by[answer].right = by[answer].right || r.Right
		most = max(most, by[answer].n)
	}
	right, tied := 0, 0
	for _, v := range by {
		if v.n == most {
			tied++
			if v.right {
				right++
			}
		}
	}
	return share(right, tied)
}

// RM is RM@n, what a reward model is worth for choosing among attempts: the share of
// problems whose attempt with the highest score is right (Cobbe et al. 2021,
// arXiv 2110.14168). Where the highest scores tie it is the share of right ones among
// those. Each problem counts once, however many attempts it has. There is one score a
// result. Scores that are all the same give pass@1 where problems have the same number of
// attempts; perfect ones give pass@n, which no scores exceed.
func RM(results []Result, scores []float64) float64 {
	if len(results) != len(scores) {
		panic("eval: RM needs one score a result")
	}
	type best struct {
		score       float64
		right, tied int
	}
	byProblem := map[coat.Problem]*best{}
	var order []*best // sums have one order
	for i, r := range results {
		b := byProblem[r.Attempt.Start.Problem]
		if b == nil {
			b = &best{score: scores[i]}
			byProblem[r.Attempt.Start.Problem] = b
			order = append(order, b)
		}
		if scores[i] > b.score {
			*b = best{score: scores[i]}
		}
		if scores[i] == b.score {
			b.tied++
			if r.Right {
				b.right++
			}
		}
	}
	sum := 0.0
	for _, b := range order {
		sum += share(b.right, b.tied)
	}
	return sum / float64(max(1, len(order)))
}

// groups is nil unless every problem has the same number of attempts, two or more.
func groups(results []Result) *Groups {
	byProblem := map[coat.Problem][]Result{}
	var problems []coat.Problem // sums have one order
	for _, r := range results {
		p := r.Attempt.Start.Problem
		if byProblem[p] == nil {
			problems = append(problems, p)
		}
		byProblem[p] = append(byProblem[p], r)
	}
	if len(problems) == 0 || len(results) < 2*len(problems) {
		return nil
	}
	g := &Groups{Problems: len(problems), Size: len(byProblem[problems[0]])}
	for _, p := range problems {
		group := byProblem[p]
		if len(group) != g.Size {
			return nil
		}
		c := 0
		for _, r := range group {
			if r.Right {
				c++
			}
		}
		g.Pass1 += PassAt(g.Size, c, 1) / float64(len(problems))
		g.PassN += PassAt(g.Size, c, g.Size) / float64(len(problems))
		g.MajN += Majority(group) / float64(len(problems))
	}
	return g
}
