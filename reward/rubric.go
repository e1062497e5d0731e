package reward

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/satori-go/satori/coat"
)

// A Term is a Func with a name and a weight. One of weight zero is a metric: it is
// computed and reported, and does not change the total.
//
// It has either a Func or a Batch.
type Term struct {
	Name   string
	Weight float64
	Func   Func
	Batch  Batch
	// Low and High are the range that its scores are declared to lie in, without the
	// weight; a score outside is a [*ScoreError]. Both 0: none is declared.
	Low, High float64
}

// A Batch scores attempts together, one value each, as a model does in few calls. An
// error stops training, as a Func's does.
type Batch func(ctx context.Context, attempts []coat.Attempt) ([]float64, error)

// A Rubric is a weighted sum of terms.
type Rubric []Term

// A Score is what a rubric makes of one attempt.
type Score struct {
	Total float64   // Σ weight · part
	Parts []float64 // one entry a term, in the rubric's order, without its weight
}

// A ScoreError tells which term failed on which attempt.
type ScoreError struct {
	Term    string
	Attempt int    // index among the attempts that were scored
	Problem string // the attempt's problem, by its id
	Err     error
}

func (e *ScoreError) Error() string {
	return fmt.Sprintf("reward: term %q: attempt %d (problem %q): %v", e.Term, e.Attempt, e.Problem, e.Err)
}

func (e *ScoreError) Unwrap() error { return e.Err }

// Score scores attempts, at most parallel of them at a time (0: one a processor),
// the terms of each attempt one after the other. The first failure stops it: a Func
// that returns an error, NaN, an infinity or a score outside its term's range, or that
// panics, is a [*ScoreError].
// Score returns only when every Func that it called has returned.
func (r Rubric) Score(ctx context.Context, attempts []coat.Attempt, parallel int) ([]Score, error) {
	if err := r.validate(parallel); err != nil {
		return nil, fmt.Errorf("reward: %w", err)
	}
	if parallel == 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	batches, err := r.batches(ctx, attempts)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	scores := make([]Score, len(attempts))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(parallel, len(attempts)) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(attempts) {
					return
				}
				if err := r.scoreOne(ctx, i, attempts[i], batches, &scores[i]); err != nil {
					cancel(err) // the first one is the cause
				}
			}
		})
	}
	workers.Wait()

	for i, s := range scores {
		if len(s.Parts) == len(r) {
			continue
		}
		var failed *ScoreError
		switch cause := context.Cause(ctx); {
		case errors.As(cause, &failed):
			return nil, failed
		case cause != nil:
			return nil, fmt.Errorf("reward: scoring %d attempts: %w", len(attempts), cause)
		default: // runtime.Goexit, which testing.T.FailNow calls, leaves nothing else behind
			return nil, r.fault(i, attempts[i], s, errors.New("ended its goroutine"))
		}
	}
	return scores, nil
}

// scoreOne fills s. Where it fails, s has the parts before the fault.
func (r Rubric) scoreOne(ctx context.Context, i int, a coat.Attempt, batches [][]float64, s *Score) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = r.fault(i, a, *s, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	s.Parts = make([]float64, 0, len(r))
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

// batches runs the terms that score attempts together: [term][attempt].
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
		if values[k], err = t.batch(ctx, attempts); err != nil {
			return nil, fmt.Errorf("reward: term %q: %w", t.Name, err)
		}
		if len(values[k]) != len(attempts) {
			return nil, fmt.Errorf("reward: term %q: %d scores for %d attempts", t.Name, len(values[k]), len(attempts))
		}
	}
	return values, nil
}

// batch is t.Batch with its panic as an error. It is no one attempt's.
func (t Term) batch(ctx context.Context, attempts []coat.Attempt) (values []float64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%d attempts together: panic: %v\n%s", len(attempts), p, debug.Stack())
		}
	}()
	return t.Batch(ctx, attempts)
}

// fault blames the first term that s has no part of.
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
