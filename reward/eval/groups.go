package eval

import (
	"fmt"

	"github.com/satori-go/satori/coat"
)

// PassAt estimates the chance that of k attempts at least one is right. The estimate is
// without bias, from n ≥ k attempts of which c are right (Chen et al. 2021,
// arXiv 2107.03374):
//
//	pass@k = 1 − C(n−c, k) / C(n, k) = 1 − Π (1 − k/i), i = n−c+1 ... n
//
// Numbers that are not 1 ≤ k ≤ n and 0 ≤ c ≤ n are an error.
func PassAt(n, c, k int) (float64, error) {
	if k < 1 || k > n || c < 0 || c > n {
		return 0, fmt.Errorf("eval: pass@%d of %d attempts of which %d are right: want 1 ≤ k ≤ n and 0 ≤ c ≤ n", k, n, c)
	}
	return passAt(n, c, k), nil
}

func passAt(n, c, k int) float64 {
	if n-c < k {
		return 1
	}
	none := 1.0
	for i := n - c + 1; i <= n; i++ {
		none *= 1 - float64(k)/float64(i)
	}
	return 1 - none
}

// Majority computes maj@n: the mean over problems of the share of right answers among
// those that most attempts at the problem vote for. A problem counts 0 or 1, or between
// where right and wrong answers tie. There is one vote an attempt; [Boxes] and [Answers]
// make them. An attempt whose vote is "" does not vote. A problem without votes counts 0.
func Majority(attempts []coat.Judged, votes []string) (float64, error) {
	if len(attempts) != len(votes) {
		return 0, fmt.Errorf("eval: maj@n: %d votes for %d attempts", len(votes), len(attempts))
	}
	sum, groups := 0.0, byProblem(attempts)
	for _, group := range groups {
		sum += majority(attempts, votes, group)
	}
	return sum / float64(max(1, len(groups))), nil
}

// majority computes the share of right answers among those with most votes of a group.
func majority(attempts []coat.Judged, votes []string, group []int) float64 {
	type tally struct {
		n     int
		right bool
	}
	most, by := 0, map[string]*tally{}
	for _, i := range group {
		vote := votes[i]
		if vote == "" {
			continue
		}
		if by[vote] == nil {
			by[vote] = new(tally)
		}
		by[vote].n++
		by[vote].right = by[vote].right || attempts[i].Right()
		most = max(most, by[vote].n)
	}
	right, tied := 0, 0
	for _, t := range by {
		if t.n == most {
			tied++
			if t.right {
				right++
			}
		}
	}
	return share(right, tied)
}

// BestOfN computes best-of-n accuracy, the paper's RM@n: the share of problems whose
// attempt with the highest score is right (Cobbe et al. 2021, arXiv 2110.14168). It
// says how well scores, such as a reward model's, choose among attempts. Where the
// highest scores of a problem tie, it counts the share of right ones among those. Each
// problem counts once, however many attempts it has. There is one score an attempt.
//
// Scores that are all the same give pass@1 where problems have the same number of
// attempts. Perfect scores give pass@n, which no scores exceed.
func BestOfN(attempts []coat.Judged, scores []float64) (float64, error) {
	if len(attempts) != len(scores) {
		return 0, fmt.Errorf("eval: best of n: %d scores for %d attempts", len(scores), len(attempts))
	}
	sum, groups := 0.0, byProblem(attempts)
	for _, group := range groups {
		best, right, tied := scores[group[0]], 0, 0
		for _, i := range group {
			if scores[i] > best {
				best, right, tied = scores[i], 0, 0
			}
			if scores[i] == best {
				tied++
				if attempts[i].Right() {
					right++
				}
			}
		}
		sum += share(right, tied)
	}
	return sum / float64(max(1, len(groups))), nil
}

// byProblem returns the indices of the attempts at each problem, in the order of the first
// attempts, so that sums over problems have one order.
func byProblem(attempts []coat.Judged) (groups [][]int) {
	at := map[coat.Problem]int{}
	for i, a := range attempts {
		g, ok := at[a.Start.Problem]
		if !ok {
			g = len(groups)
			at[a.Start.Problem] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// groups returns nil unless every problem has the same number of attempts, two or more.
func groups(attempts []coat.Judged) *Groups {
	problems := byProblem(attempts)
	if len(problems) == 0 || len(attempts) < 2*len(problems) {
		return nil
	}
	g, votes := &Groups{Problems: len(problems), Size: len(problems[0])}, Boxes(attempts)
	for _, group := range problems {
		if len(group) != g.Size {
			return nil
		}
		c := 0
		for _, i := range group {
			if attempts[i].Right() {
				c++
			}
		}
		g.Pass1 += passAt(g.Size, c, 1) / float64(len(problems))
		g.PassN += passAt(g.Size, c, g.Size) / float64(len(problems))
		g.MajN += majority(attempts, votes, group) / float64(len(problems))
	}
	return g
}
