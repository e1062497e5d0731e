package reward_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// A model is a reward model of a program: it scores attempts together.
type preferences struct{ calls, scored int }

func (p *preferences) Score(_ context.Context, attempts []coat.Attempt) ([]float64, error) {
	p.calls++
	p.scored += len(attempts)
	values := make([]float64, len(attempts))
	for i, a := range attempts {
		values[i] = float64(len(strings.Fields(a.Text))) - 2
	}
	return values, nil
}

// σ of a reward model, whose scores are remembered and bounded, as a term of a rubric.
func ExampleSigmoid() {
	model := new(preferences)
	score := reward.Memo(reward.Clip(model.Score, -1, 1))
	rubric := reward.Rubric{
		{Name: "preference", Weight: 1, Batch: reward.Sigmoid(score)},
		{Name: "score", Batch: score}, // a metric, which costs no second call
	}
	attempts := []coat.Attempt{{Text: "a"}, {Text: "a b"}, {Text: "a b c d"}}
	scores, err := rubric.Score(context.Background(), attempts, 0)
	if err != nil {
		panic(err)
	}
	for _, s := range scores {
		fmt.Printf("%.3f %v\n", s.Total, s.Parts[1])
	}
	fmt.Println(model.calls, "call")
	// Output:
	// 0.269 -1
	// 0.500 0
	// 0.731 1
	// 1 call
}

// A wrapped Batch gives what the wrapped Func gives, for types of a program as well.
func TestWrappersOfBatches(t *testing.T) {
	type batch func(context.Context, []coat.Attempt) ([]float64, error)
	type one func(context.Context, coat.Attempt) (float64, error)
	many := batch(func(ctx context.Context, attempts []coat.Attempt) (values []float64, err error) {
		for _, a := range attempts {
			v, err := level(ctx, a)
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
		return values, nil
	})
	attempts := numbered(5)
	for name, c := range map[string]struct {
		one  one
		many batch
	}{
		"sigmoid": {reward.Sigmoid(one(level)), reward.Sigmoid(many)},
		"shift":   {reward.Shift(one(level), -2), reward.Shift(many, -2)},
		"clip":    {reward.Clip(one(level), 1, 3), reward.Clip(many, 1, 3)},
		"memo":    {reward.Memo(one(level)), reward.Memo(many)},
	} {
		for range 2 {
			values, err := c.many(t.Context(), attempts)
			if err != nil || len(values) != len(attempts) {
				t.Fatalf("%s: %v, %v", name, values, err)
			}
			for i, a := range attempts {
				if want, err := c.one(t.Context(), a); err != nil || values[i] != want {
					t.Errorf("%s: attempt %d: %v together, %v alone, %v", name, i, values[i], want, err)
				}
			}
		}
	}
}

func TestMemoBatch(t *testing.T) {
	p := new(preferences)
	score := reward.Memo(p.Score)
	attempts := []coat.Attempt{{Text: "a"}, {Text: "b b"}, {Text: "c c c"}}
	for _, want := range []struct {
		attempts []coat.Attempt
		values   []float64
		scored   int
	}{
		{attempts[:2], []float64{-1, 0}, 2},
		{attempts, []float64{-1, 0, 1}, 3}, // one is new
		{attempts[1:], []float64{0, 1}, 3}, // none is
		{nil, []float64{}, 3},
	} {
		values, err := score(t.Context(), want.attempts)
		if err != nil || !slices.Equal(values, want.values) || p.scored != want.scored {
			t.Errorf("%v, %v, %d scored, want %+v", values, err, p.scored, want)
		}
	}
	sick := errors.New("no device")
	failing := reward.Memo(func(context.Context, []coat.Attempt) ([]float64, error) { return nil, sick })
	if _, err := failing(t.Context(), attempts); !errors.Is(err, sick) {
		t.Errorf("error %v", err)
	}
	short := reward.Memo(func(context.Context, []coat.Attempt) ([]float64, error) { return []float64{1}, nil })
	if _, err := short(t.Context(), attempts); err == nil || !strings.Contains(err.Error(), "1 scores for 3 attempts") {
		t.Errorf("error %v", err)
	}
}

// A wrapper hides no score that is not finite: the error names term and attempt.
func TestWrappedBatchFailure(t *testing.T) {
	bad := func(_ context.Context, attempts []coat.Attempt) ([]float64, error) {
		return []float64{0, math.Inf(1), 0}, nil
	}
	for name, batch := range map[string]reward.Batch{"sigmoid": reward.Sigmoid(bad), "clip": reward.Clip(bad, 0, 1), "shift": reward.Shift(bad, 1)} {
		_, err := (reward.Rubric{{Name: name, Batch: batch}}).Score(t.Context(), numbered(3), 1)
		var failed *reward.ScoreError
		if !errors.As(err, &failed) || failed.Term != name || failed.Attempt != 1 || failed.Problem != "p1" || !strings.Contains(err.Error(), "score is +Inf") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
