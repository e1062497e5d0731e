package reward

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"sync"

	"github.com/satori-go/satori/coat"
)

// A Scorer is a [Func] or a [Batch]. [Sigmoid], [Shift], [Clip] and [Memo] accept both
// and return the same kind. A method value such as (*bt.Model).Score becomes a Batch.
type Scorer interface {
	~func(ctx context.Context, a coat.Attempt) (float64, error) |
		~func(ctx context.Context, attempts []coat.Attempt) ([]float64, error)
}

// Sigmoid computes σ(score) = 1 / (1 + e^−score), the form in which the preference of a
// Bradley-Terry model enters the reward:
//
//	reward.Term{Name: "preference", Weight: 1, Batch: reward.Sigmoid(model.Score)}
func Sigmoid[S Scorer](score S) S {
	return then(score, func(v float64) float64 { return 1 / (1 + math.Exp(-v)) })
}

// Shift adds by to a score.
func Shift[S Scorer](score S, by float64) S {
	return then(score, func(v float64) float64 { return v + by })
}

// Clip limits a score to [low, high].
func Clip[S Scorer](score S, low, high float64) S {
	return then(score, func(v float64) float64 { return min(max(v, low), high) })
}

// then applies f to scores. Scores that are not finite are errors, so that no wrapper hides
// them.
func then[S Scorer](score S, f func(float64) float64) S {
	return wrap(score,
		func(score Func) Func {
			return func(ctx context.Context, a coat.Attempt) (float64, error) {
				v, err := score.value(ctx, a)
				if err != nil {
					return 0, err
				}
				return f(v), nil
			}
		},
		func(score Batch) Batch {
			return func(ctx context.Context, attempts []coat.Attempt) ([]float64, error) {
				values, err := score.values(ctx, attempts)
				if err != nil {
					return nil, err
				}
				for i, v := range values {
					if v, err = finite(v); err != nil {
						return nil, &ScoreError{Attempt: i, Problem: attempts[i].Start.Problem.ID, Err: err}
					}
					values[i] = f(v)
				}
				return values, nil
			}
		})
}

// wrap applies the one of two wrappers that a score is for. The type set of [Scorer] has
// nothing but the two forms, so one of the conversions holds.
func wrap[S Scorer](score S, one func(Func) Func, many func(Batch) Batch) S {
	v, kind := reflect.ValueOf(score), reflect.TypeFor[S]()
	if t := reflect.TypeFor[Func](); kind.ConvertibleTo(t) {
		return reflect.ValueOf(one(v.Convert(t).Interface().(Func))).Convert(kind).Interface().(S)
	}
	return reflect.ValueOf(many(v.Convert(reflect.TypeFor[Batch]()).Interface().(Batch))).Convert(kind).Interface().(S)
}

// memoSize bounds what Memo holds: a few times the 1024 rollouts of an iteration of
// the paper. When it is reached Memo forgets everything.
const memoSize = 4096

// Memo remembers scores, so that terms which share a check compute it once an attempt:
//
//	check := reward.Memo(reward.Answer())
//	... reward.Correct(check) ... reward.Reflection(check, 0.5) ...
//
// It does not remember errors. The score must depend on nothing but the attempt. A Batch
// is asked for the attempts alone that are not known.
func Memo[S Scorer](score S) S {
	known := memory{values: map[coat.AttemptKey]float64{}}
	return wrap(score,
		func(score Func) Func {
			return func(ctx context.Context, a coat.Attempt) (float64, error) {
				key := a.Key()
				if v, ok := known.get(key); ok {
					return v, nil
				}
				v, err := score(ctx, a)
				if err != nil {
					return 0, err
				}
				known.put(key, v)
				return v, nil
			}
		},
		func(score Batch) Batch {
			return func(ctx context.Context, attempts []coat.Attempt) ([]float64, error) {
				values := make([]float64, len(attempts))
				var unknown []coat.Attempt
				var at []int // their places
				for i, a := range attempts {
					var ok bool
					if values[i], ok = known.get(a.Key()); !ok {
						unknown, at = append(unknown, a), append(at, i)
					}
				}
				if len(unknown) == 0 {
					return values, nil
				}
				found, err := score.values(ctx, unknown)
				if err != nil {
					return nil, err
				}
				for i, v := range found {
					values[at[i]] = v
					known.put(unknown[i].Key(), v)
				}
				return values, nil
			}
		})
}

// A memory holds the scores of attempts.
type memory struct {
	mu     sync.Mutex
	values map[coat.AttemptKey]float64
}

func (m *memory) get(key coat.AttemptKey) (float64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[key]
	return v, ok
}

func (m *memory) put(key coat.AttemptKey, v float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.values) >= memoSize {
		clear(m.values)
	}
	m.values[key] = v
}

// values returns one score an attempt.
func (b Batch) values(ctx context.Context, attempts []coat.Attempt) ([]float64, error) {
	values, err := b(ctx, attempts)
	if err == nil && len(values) != len(attempts) {
		err = fmt.Errorf("%d scores for %d attempts", len(values), len(attempts))
	}
	return values, err
}
