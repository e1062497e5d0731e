package synth

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// Distill turns attempts of a trained policy into demonstrations for the next round
// (section D.3, last paragraph). Of the problems that the policy solved at least once it
// takes the share at which it failed most often, each with one of its right solutions,
// drawn at random. A share of 0 means 0.75, the paper's 180,000 of 240,000.
//
// The paper does not say how difficulty was measured. Here it is the failure rate over
// the attempts at the problem, of which there should be several. Attempts that restart
// from a prefix say nothing about the problem and are skipped. Demonstrations come in
// the order in which their problems were first attempted.
func Distill(attempts []coat.Judged, share float64, seed uint64) ([]coat.Demo, error) {
	share = cmp.Or(share, 0.75)
	if !(share > 0 && share <= 1) {
		return nil, fmt.Errorf("synth: share is %v, want more than 0 and at most 1", share)
	}
	groups, err := byStart(attempts)
	if err != nil {
		return nil, err
	}
	type solved struct {
		demo    coat.Demo
		failure float64
		place   int
		tie     uint64 // decides among problems that are equally hard
	}
	var all []solved
	for i, g := range groups {
		rng := seeded(seed, g.start.Problem)
		var traces []coat.Trace
		for _, a := range g.right {
			if t, err := a.Trace(); err == nil && len(t) > 0 {
				traces = append(traces, trimEnd(t))
			}
		}
		if len(g.start.Prefix) > 0 || len(traces) == 0 {
			continue
		}
		all = append(all, solved{
			demo:    coat.Demo{Problem: g.start.Problem, Trace: traces[rng.IntN(len(traces))], Kind: coat.Distilled},
			failure: float64(len(g.wrong)) / float64(len(g.wrong)+len(g.right)),
			place:   i,
			tie:     rng.Uint64(),
		})
	}
	slices.SortFunc(all, func(a, b solved) int {
		return cmp.Or(cmp.Compare(b.failure, a.failure), cmp.Compare(a.tie, b.tie))
	})
	all = all[:int(math.Ceil(share*float64(len(all))))]
	slices.SortFunc(all, func(a, b solved) int { return cmp.Compare(a.place, b.place) })
	demos := make([]coat.Demo, len(all))
	for i, s := range all {
		demos[i] = s.demo
	}
	return demos, nil
}

// Pairs sets right against wrong attempts for the Bradley-Terry reward model
// (section D.3). From every start with both it draws the given number of pairs, or
// all there are if they are fewer; 0 means 1. The paper does not say how many it
// took; one a problem fits the size of its set.
func Pairs(attempts []coat.Judged, each int, seed uint64) ([]reward.Pair, error) {
	each = cmp.Or(each, 1)
	if each < 0 {
		return nil, fmt.Errorf("synth: %d pairs a problem, want 0 (for 1) or more", each)
	}
	groups, err := byStart(attempts)
	if err != nil {
		return nil, err
	}
	var pairs []reward.Pair
	for _, g := range groups {
		all := seeded(seed, g.start.Problem).Perm(len(g.right) * len(g.wrong))
		for _, i := range all[:min(each, len(all))] {
			pairs = append(pairs, reward.Pair{Chosen: g.right[i/len(g.wrong)], Rejected: g.wrong[i%len(g.wrong)]})
		}
	}
	return pairs, nil
}

// A group is the attempts from one start, by their outcome.
type group struct {
	start        coat.Start
	right, wrong []coat.Attempt
}

// byStart groups attempts, in the order of the first of each group.
func byStart(attempts []coat.Judged) ([]*group, error) {
	type key struct{ id, question, prefix string }
	var groups []*group
	known := map[key]*group{}
	for i, a := range attempts {
		k := key{a.Start.Problem.ID, a.Start.Problem.Question, a.Start.Prefix.String()}
		g := known[k]
		if g == nil {
			g = &group{start: a.Start}
			known[k] = g
			groups = append(groups, g)
		}
		switch a.Outcome {
		case coat.Right:
			g.right = append(g.right, a.Attempt)
		case coat.Wrong:
			g.wrong = append(g.wrong, a.Attempt)
		default:
			return nil, fmt.Errorf("synth: attempt %d (problem %q) has no outcome; reward.Judge gives it one", i, a.Start.Problem.ID)
		}
	}
	return groups, nil
}
