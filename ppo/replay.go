package ppo

import (
	"context"
	"fmt"
	"iter"
	"math"
	"reflect"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/reward"
)

// Replay computes updates again from a journal: with its policy and its rubric a
// [Trainer] samples and scores nothing, and all else is done as it was. From the weights
// of a checkpoint, with the same Config and starts, it comes to the same weights as the
// run that wrote the journal, bit for bit; with another Config, to what that would have
// made of the same attempts in the first iteration.
//
// It holds the attempts of all iterations after done in memory, and serves one run of a
// trainer. An attempt that is of
// another start than the trainer asks for, and one whose total the rubric's weights do
// not give, are errors.
func Replay(p Policy, journal iter.Seq2[Record, error], rubric reward.Rubric, done int) (Policy, reward.Rubric, error) {
	r := &replay{Policy: p, bySeed: map[uint64]Record{}, scores: map[coat.AttemptKey][]Record{}}
	for e, err := range journal {
		if err != nil {
			return nil, nil, fmt.Errorf("ppo: replay: %w", err)
		}
		if e.Iteration <= done {
			continue
		}
		total := 0.0
		for _, t := range rubric {
			part, ok := e.Parts[t.Name]
			if !ok {
				return nil, nil, fmt.Errorf("ppo: replay: iteration %d, attempt %d: the journal has no score for the term %q", e.Iteration, e.Index, t.Name)
			}
			total += t.Weight * part
		}
		if math.Abs(total-e.Total) > 1e-9*(1+math.Abs(e.Total)) { // some processors round a sum of products once, not twice
			return nil, nil, fmt.Errorf("ppo: replay: iteration %d, attempt %d: the score is %g in the journal and %g by the rubric's weights", e.Iteration, e.Index, e.Total, total)
		}
		r.bySeed[e.Seed] = e
		key := e.Attempt.Key()
		r.scores[key] = append(r.scores[key], e)
	}
	return r, r.rubric(rubric), nil
}

// replay is a policy whose rollouts are in a journal.
type replay struct {
	Policy
	bySeed map[uint64]Record
	scores map[coat.AttemptKey][]Record // in the order in which they were made
}

// Rollouts finds them by their seeds.
func (r *replay) Rollouts(_ context.Context, starts []coat.Start, seed uint64) ([]Rollout, error) {
	list := make([]Rollout, len(starts))
	for i, s := range starts {
		e, ok := r.bySeed[sampler.FoldIn(seed, uint64(i))]
		if !ok {
			return nil, fmt.Errorf("replay: the journal has no attempt %d of this iteration", i)
		}
		if !reflect.DeepEqual(e.Start, s) {
			return nil, fmt.Errorf("replay: attempt %d of iteration %d is at problem %q in the journal, and the starts have %q, or other steps taken there", e.Index, e.Iteration, e.Start.Problem.ID, s.Problem.ID)
		}
		list[i] = e.Rollout()
	}
	return list, nil
}

// rubric gives the journal's scores: of attempts that are alike, in their order.
func (r *replay) rubric(like reward.Rubric) (rubric reward.Rubric) {
	for _, t := range like {
		seen := map[coat.AttemptKey]int{}
		t.Func, t.Batch = nil, func(_ context.Context, attempts []coat.Attempt) ([]float64, error) {
			parts := make([]float64, len(attempts))
			for i, a := range attempts {
				key := a.Key()
				if seen[key] == len(r.scores[key]) {
					return nil, fmt.Errorf("replay: the journal has no further score for attempt %d, at problem %q", i, a.Start.Problem.ID)
				}
				parts[i] = r.scores[key][seen[key]].Parts[t.Name]
				seen[key]++
			}
			return parts, nil
		}
		rubric = append(rubric, t)
	}
	return rubric
}
