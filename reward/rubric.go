package reward

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"

	"github.com/satori-go/satori/coat"
)

// A Term is a reward with a name and a weight. It has either a Func or a Batch. A term of
// weight 0 is a metric: it is computed and reported, and does not change the total.
type Term struct {
	Name   string
	Weight float64
	Func   Func
	Batch  Batch

	// Low and High bound the scores of the term, before its weight. A score outside is a
	// [*ScoreError]. Both 0: there are no bounds.
	Low, High float64
}

// A Batch scores attempts together, one value each, as a model does in few calls. An
// error stops training, as the error of a [Func] does.
type Batch func(ctx context.Context, attempts []coat.Attempt) ([]float64, error)

// A Rubric is a weighted sum of terms.
type Rubric []Term

// Names returns the names of the terms, in order.
func (r Rubric) Names() []string {
	names := make([]string, len(r))
	for k, t := range r {
		names[k] = t.Name
	}
	return names
}

// A Score is the sum that a rubric gives to one attempt, with its parts.
type Score struct {
	Total float64   // Σ weight · part
	Parts []float64 // one entry a term, in the rubric's order, without its weight
	Names []string  // one entry a part: the name of its term; all scores of a call share it
}

// Part returns the part of the term with a name, and whether there is one.
func (s Score) Part(name string) (part float64, ok bool) {
	for k, n := range s.Names {
		if n == name {
			return s.Parts[k], true
		}
	}
	return 0, false
}

// Means returns the mean of each part over scores, by the name of its term. The scores
// come from one rubric.
func Means(scores []Score) map[string]float64 {
	means := map[string]float64{}
	for _, s := range scores {
		for k, name := range s.Names {
			means[name] += s.Parts[k] / float64(len(scores))
		}
	}
	return means
}

// A ScoreError says which term failed on which attempt.
type ScoreError struct {
	Term    string // "" where [Judge] ran a check
	Attempt int    // index among the attempts that were scored or judged
	Problem string // the attempt's problem, by its id
	Err     error
}

func (e *ScoreError) Error() string {
	what := "check"
	if e.Term != "" {
		what = fmt.Sprintf("term %q", e.Term)
	}
	return fmt.Sprintf("reward: %s: attempt %d (problem %q): %v", what, e.Attempt, e.Problem, e.Err)
}

func (e *ScoreError) Unwrap() error { return e.Err }

// Score scores attempts, at most parallel of them at a time (0: one a processor). It
// computes the terms of an attempt one after the other. It returns when every Func that
// it called has returned.
//
// The first failure ends the scoring: a Func that returns an error, NaN, an infinity or
// a score out of the bounds of its term, or that panics, is a [*ScoreError]. The error
// names the first attempt in order that failed, whichever failed first in time. A Func
// that returns because its context ended did not fail.
func (r Rubric) Score(ctx context.Context, attempts []coat.Attempt, parallel int) ([]Score, error) {
	if err := r.validate(parallel); err != nil {
		return nil, fmt.Errorf("reward: %w", err)
	}
	batches, err := r.batches(ctx, attempts)
	if err != nil {
		return nil, err
	}
	names := r.Names()
	scores := make([]Score, len(attempts))
	at, err := each(ctx, len(attempts), parallel, func(ctx context.Context, i int) error {
		scores[i] = Score{Names: names, Parts: make([]float64, 0, len(r))}
		return r.scoreOne(ctx, i, attempts[i], batches, &scores[i])
	})
	var failed *ScoreError
	switch {
	case err == nil:
		return scores, nil
	case errors.As(err, &failed):
		return nil, failed
	case at < 0:
		return nil, fmt.Errorf("reward: scoring %d attempts: %w", len(attempts), err)
	}
	return nil, r.fault(at, attempts[at], scores[at], err)
}

// scoreOne fills s. Where it fails, s has the parts before the fault.
func (r Rubric) scoreOne(ctx context.Context, i int, a coat.Attempt, batches [][]float64, s *Score) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = r.fault(i, a, *s, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	for k, t := range r {
		value := t.Func.value
		if t.Batch != nil {
			value = func(context.Context, coat.Attempt) (float64, error) { return finite(batches[k][i]) }
		}
		v, err := value(ctx, a)
		if err == nil {
			err = t.inRange(v)
		}
		if err == nil {
			s.Total, err = finite(s.Total + t.Weight*v)
		}
		if err != nil {
			return r.fault(i, a, *s, err)
		}
		s.Parts = append(s.Parts, v)
	}
	return nil
}

func (t Term) inRange(v float64) error {
	if (t.Low != 0 || t.High != 0) && !(v >= t.Low && v <= t.High) {
		return fmt.Errorf("score is %v, declared to lie in [%v, %v]", v, t.Low, t.High)
	}
	return nil
}

// batches runs the terms that score attempts together. Its values are [term][attempt].
func (r Rubric) batches(ctx context.Context, attempts []coat.Attempt) ([][]float64, error) {
	values := make([][]float64, len(r))
	for k, t := range r {
		if t.Batch == nil || len(attempts) == 0 {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return nil, fmt.Errorf("reward: scoring %d attempts: %w", len(attempts), err)
		}
		var err error
		var failed *ScoreError
		switch values[k], err = t.batch(ctx, attempts); {
		case errors.As(err, &failed): // of a wrapper, which knows the attempt and not the term
			return nil, &ScoreError{Term: t.Name, Attempt: failed.Attempt, Problem: failed.Problem, Err: failed.Err}
		case err != nil:
			return nil, fmt.Errorf("reward: term %q: %w", t.Name, err)
		}
	}
	return values, nil
}

// batch runs t.Batch with its panic as an error. The error names no attempt.
func (t Term) batch(ctx context.Context, attempts []coat.Attempt) (values []float64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%d attempts together: panic: %v\n%s", len(attempts), p, debug.Stack())
		}
	}()
	return t.Batch.values(ctx, attempts)
}

// fault names the first term that s has no part of.
func (r Rubric) fault(i int, a coat.Attempt, s Score, err error) *ScoreError {
	return &ScoreError{Term: r[len(s.Parts)].Name, Attempt: i, Problem: a.Start.Problem.ID, Err: err}
}

// validate reports all faults of a rubric at once.
func (r Rubric) validate(parallel int) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(r) == 0 {
		fault("rubric has no terms")
	}
	if parallel < 0 {
		fault("parallel is %d, want 0 or more", parallel)
	}
	seen := map[string]bool{}
	for i, t := range r {
		switch {
		case t.Name == "":
			fault("term %d has no name", i)
		case seen[t.Name]:
			fault("term %d: name %q occurs twice", i, t.Name)
		}
		seen[t.Name] = true
		if t.Func == nil && t.Batch == nil {
			fault("term %d (%q) has no Func", i, t.Name)
		}
		if t.Func != nil && t.Batch != nil {
			fault("term %d (%q) has both a Func and a Batch", i, t.Name)
		}
		if !(t.Low <= t.High) {
			fault("term %d (%q): declared to lie in [%v, %v]", i, t.Name, t.Low, t.High)
		}
		if math.IsNaN(t.Weight) || math.IsInf(t.Weight, 0) {
			fault("term %d (%q): weight is %v", i, t.Name, t.Weight)
		}
	}
	return errors.Join(faults...)
}
