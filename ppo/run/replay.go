package run

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward"
)

// Replay returns a trainer that takes rollouts, scores and outcomes from a rollout log, and
// samples and scores nothing. Everything else is computed. With the policy of a checkpoint,
// Config.Done, and the starts that follow, it ends with the same weights as the run that
// wrote the log, bit for bit. With another Config it shows what that would have made of the
// attempts of its first iteration.
//
// The attempts of all iterations after Config.Done are in memory. The trainer serves one
// call of Train. It is an error if an attempt has another start than the trainer asks for,
// or if a total is not that of the rubric's weights.
func Replay(t ppo.Trainer, log iter.Seq2[Record, error]) (ppo.Trainer, error) {
	r := &replay{Policy: t.Policy, bySeed: map[uint64]Record{}}
	for rec, err := range log {
		if err != nil {
			return t, fmt.Errorf("ppo: replay: %w", err)
		}
		if rec.Iteration <= t.Config.Done {
			continue
		}
		total := 0.0
		for _, term := range t.Rubric {
			part, ok := rec.Parts[term.Name]
			if !ok {
				return t, fmt.Errorf("ppo: replay: iteration %d, attempt %d: the log has no score for the term %q", rec.Iteration, rec.Index, term.Name)
			}
			total += term.Weight * part
		}
		if math.Abs(total-rec.Total) > 1e-9*(1+math.Abs(rec.Total)) { // some processors round a sum of products once, not twice
			return t, fmt.Errorf("ppo: replay: iteration %d, attempt %d: the score is %g in the log and %g by the rubric's weights",
				rec.Iteration, rec.Index, rec.Total, total)
		}
		r.bySeed[rec.Seed] = rec
	}
	t.Policy, t.Rubric = r, r.rubric(t.Rubric)
	if t.Check != nil {
		t.Check = r.check
	}
	return t, nil
}

// A replay is a policy whose rollouts are in a log.
type replay struct {
	ppo.Policy
	bySeed   map[uint64]Record
	current  []Record // of the iteration
	outcomes map[coat.AttemptKey]coat.Outcome
}

// Rollouts finds the rollouts by their seeds.
func (r *replay) Rollouts(_ context.Context, starts []coat.Start, seed uint64) ([]ppo.Rollout, error) {
	list := make([]ppo.Rollout, len(starts))
	r.current, r.outcomes = make([]Record, len(starts)), map[coat.AttemptKey]coat.Outcome{}
	for i, s := range starts {
		rec, ok := r.bySeed[sampler.FoldIn(seed, uint64(i))]
		if !ok {
			return nil, fmt.Errorf("replay: the log has no attempt %d of this iteration", i)
		}
		if !reflect.DeepEqual(rec.Start, s) {
			return nil, fmt.Errorf("replay: attempt %d of iteration %d is at problem %q in the log, and the starts have %q, or other steps before it",
				rec.Index, rec.Iteration, rec.Start.Problem.ID, s.Problem.ID)
		}
		list[i], r.current[i] = rec.rollout(), rec
		r.outcomes[rec.Attempt.Key()] = rec.Outcome
	}
	return list, nil
}

// rubric returns terms with the scores of the log.
func (r *replay) rubric(like reward.Rubric) (rubric reward.Rubric) {
	for _, t := range like {
		t.Func, t.Batch = nil, func(_ context.Context, attempts []coat.Attempt) ([]float64, error) {
			parts := make([]float64, len(attempts))
			for i, a := range attempts {
				if i >= len(r.current) || r.current[i].Attempt.Key() != a.Key() {
					return nil, fmt.Errorf("replay: the log has no score for attempt %d, at problem %q", i, a.Start.Problem.ID)
				}
				parts[i] = r.current[i].Parts[t.Name]
			}
			return parts, nil
		}
		rubric = append(rubric, t)
	}
	return rubric
}

// check returns 1 for an attempt that is right in the log, and 0 for one that is wrong.
func (r *replay) check(_ context.Context, a coat.Attempt) (float64, error) {
	switch r.outcomes[a.Key()] {
	case coat.Right:
		return 1, nil
	case coat.Wrong:
		return 0, nil
	}
	return 0, errors.New("replay: the log has no outcome of the attempt; it was written without Trainer.Check")
}

// Save and Load are those of the policy that learns.
func (r *replay) Save(dir string) error { return r.saved(func(p Policy) error { return p.Save(dir) }) }

func (r *replay) Load(dir string) error { return r.saved(func(p Policy) error { return p.Load(dir) }) }

func (r *replay) saved(do func(Policy) error) error {
	p, ok := r.Policy.(Policy)
	if !ok {
		return fmt.Errorf("replay: a %T cannot be saved", r.Policy)
	}
	return do(p)
}
