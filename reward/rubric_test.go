package reward_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// numbered are n attempts with the problem ids "p0", "p1", ...
func numbered(n int) []coat.Attempt {
	attempts := make([]coat.Attempt, n)
	for i := range attempts {
		attempts[i].Start.Problem = coat.Problem{ID: fmt.Sprint("p", i), Answer: "1"}
	}
	return attempts
}

func constant(v float64) reward.Func {
	return func(context.Context, coat.Attempt) (float64, error) { return v, nil }
}

// level scores an attempt by the number in its problem's id.
func level(_ context.Context, a coat.Attempt) (v float64, err error) {
	_, err = fmt.Sscanf(a.Start.Problem.ID, "p%f", &v)
	return v, err
}

func TestRubricScore(t *testing.T) {
	rubric := reward.Rubric{
		{Name: "level", Weight: 2, Func: level},
		{Name: "one", Weight: -0.5, Func: constant(1)},
		{Name: "metric", Weight: 0, Func: constant(7)},
	}
	for _, parallel := range []int{0, 1, 3, 100} {
		scores, err := rubric.Score(t.Context(), numbered(50), parallel)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range scores {
			n := float64(i)
			if want := (reward.Score{Total: 2*n - 0.5, Parts: []float64{n, 1, 7}, Names: []string{"level", "one", "metric"}}); !reflect.DeepEqual(s, want) {
				t.Errorf("parallel %d: score %d = %v, want %v", parallel, i, s, want)
			}
		}
	}
	if scores, err := rubric.Score(t.Context(), nil, 0); len(scores) != 0 || err != nil {
		t.Errorf("no attempts: %v, %v", scores, err)
	}
}

// Whatever goes wrong in one term of one attempt is an error with its place.
func TestRubricFailure(t *testing.T) {
	sick := errors.New("server is down")
	for name, c := range map[string]struct {
		f    reward.Func
		want string
	}{
		"error":    {func(context.Context, coat.Attempt) (float64, error) { return 0, sick }, "server is down"},
		"NaN":      {constant(math.NaN()), "score is NaN, want a finite number"},
		"infinity": {constant(math.Inf(-1)), "score is -Inf, want a finite number"},
		"panic":    {func(context.Context, coat.Attempt) (float64, error) { panic("out of range") }, "panic: out of range\ngoroutine "},
		"goexit":   {func(context.Context, coat.Attempt) (float64, error) { runtime.Goexit(); return 0, nil }, "ended its goroutine"},
		"sigmoid":  {reward.Sigmoid(constant(math.Inf(1))), "score is +Inf"},
		"clip":     {reward.Clip(constant(math.Inf(1)), 0, 1), "score is +Inf"},
		"shift":    {reward.Shift(constant(math.NaN()), 1), "score is NaN"},
		"check":    {reward.Correct(constant(0.5)), "check gave 0.5, want 0 or 1"},
	} {
		t.Run(name, func(t *testing.T) {
			rubric := reward.Rubric{
				{Name: "fine", Weight: 1, Func: constant(1)},
				{Name: "sick", Weight: 0, Func: func(ctx context.Context, a coat.Attempt) (float64, error) {
					if a.Start.Problem.ID == "p5" {
						return c.f(ctx, a)
					}
					return 1, nil
				}},
			}
			for _, parallel := range []int{1, 4} {
				scores, err := rubric.Score(t.Context(), numbered(9), parallel)
				var failed *reward.ScoreError
				if scores != nil || !errors.As(err, &failed) || failed.Term != "sick" || failed.Attempt != 5 || failed.Problem != "p5" {
					t.Fatalf("parallel %d: got %v, %v", parallel, scores, err)
				}
				if want := `reward: term "sick": attempt 5 (problem "p5"): ` + c.want; !strings.HasPrefix(err.Error(), want) {
					t.Errorf("error %q, want %q", err, want)
				}
				if name == "error" && !errors.Is(err, sick) {
					t.Errorf("%v does not wrap its cause", err)
				}
			}
		})
	}
}

func TestRubricValidate(t *testing.T) {
	rubric := reward.Rubric{
		{Name: "a", Weight: math.NaN(), Func: constant(1)},
		{Name: "a", Weight: 1},
		{Weight: 1, Func: constant(1)},
	}
	_, err := rubric.Score(t.Context(), numbered(1), -1)
	for _, want := range []string{"parallel is -1", `term 0 ("a"): weight is NaN`, `term 1: name "a" occurs twice`, `term 1 ("a") has no Func`, "term 2 has no name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := (reward.Rubric{}).Score(t.Context(), numbered(1), 1); err == nil || !strings.Contains(err.Error(), "no terms") {
		t.Errorf("empty rubric: %v", err)
	}
}

func TestRubricBoundsParallelism(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		slow := func(context.Context, coat.Attempt) (float64, error) {
			now := running.Add(1)
			defer running.Add(-1)
			for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
			}
			time.Sleep(time.Second)
			return 1, nil
		}
		begin := time.Now()
		if _, err := (reward.Rubric{{Name: "slow", Weight: 1, Func: slow}}).Score(t.Context(), numbered(12), 3); err != nil {
			t.Fatal(err)
		}
		if most.Load() != 3 || time.Since(begin) != 4*time.Second {
			t.Errorf("%d ran at a time and took %v, want 3 and 4s", most.Load(), time.Since(begin))
		}
	})
}

// A context that ends stops the scoring, and Score waits for what it started. The
// bubble of synctest fails where a goroutine stays behind.
func TestRubricCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int64
		wait := func(ctx context.Context, _ coat.Attempt) (float64, error) {
			running.Add(1)
			defer running.Add(-1)
			<-ctx.Done()
			time.Sleep(time.Second) // slow to stop
			return 0, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := (reward.Rubric{{Name: "wait", Weight: 1, Func: wait}}).Score(ctx, numbered(12), 3)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline's", err)
		}
		if running.Load() != 0 {
			t.Errorf("%d Funcs still run", running.Load())
		}
	})
}

// One failure ends the context of the others, and is what is reported.
func TestRubricFailureStopsOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		f := func(ctx context.Context, a coat.Attempt) (float64, error) {
			calls.Add(1)
			if a.Start.Problem.ID == "p1" {
				return 0, errors.New("bad")
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}
		_, err := (reward.Rubric{{Name: "f", Weight: 1, Func: f}}).Score(t.Context(), numbered(50), 3)
		var failed *reward.ScoreError
		if !errors.As(err, &failed) || failed.Attempt != 1 || calls.Load() > 3 {
			t.Errorf("got %v after %d calls", err, calls.Load())
		}
	})
}

// A metric is computed and kept, fails as loudly as a reward does, and changes no total,
// however large it is.
func TestMetric(t *testing.T) {
	rubric := reward.Rubric{{Name: "metric", Func: constant(1e300)}, {Name: "rule", Weight: 1, Func: constant(-1)}}
	scores, err := rubric.Score(t.Context(), numbered(2), 1)
	if want := (reward.Score{Total: -1, Parts: []float64{1e300, -1}, Names: []string{"metric", "rule"}}); err != nil || !reflect.DeepEqual(scores[1], want) {
		t.Errorf("got %+v, %v, want %+v", scores, err, want)
	}
	rubric[0].Func = constant(math.Inf(1))
	if scores, err := rubric.Score(t.Context(), numbered(2), 1); scores != nil || err == nil {
		t.Errorf("a metric that is infinite: %v, %v", scores, err)
	}
	rubric = reward.Rubric{{Name: "a", Weight: 1e200, Func: constant(1e200)}}
	if scores, err := rubric.Score(t.Context(), numbered(2), 1); scores != nil || err == nil || !strings.Contains(err.Error(), "+Inf") {
		t.Errorf("a total that is infinite: %v, %v", scores, err)
	}
}

func TestMemo(t *testing.T) {
	var calls atomic.Int64
	var fail atomic.Bool
	check := reward.Memo(func(ctx context.Context, a coat.Attempt) (float64, error) {
		calls.Add(1)
		if fail.Load() {
			return 0, errors.New("not now")
		}
		return reward.Exact(ctx, a)
	})
	rubric := reward.Rubric{
		{Name: "rule", Weight: 1, Func: reward.Correct(check)},
		{Name: "bonus", Weight: 1, Func: reward.Reflection(check, 0.5)},
	}
	attempts := numbered(5000) // more than Memo holds
	for i := range attempts {
		attempts[i].Start.Prior = coat.Right
	}
	attempts[3].Text = `\boxed{1}`
	fail.Store(true)
	if _, err := rubric.Score(t.Context(), attempts, 4); err == nil {
		t.Error("error of the check is lost")
	}
	fail.Store(false)
	calls.Store(0)
	scores, err := rubric.Score(t.Context(), attempts, 4)
	if err != nil {
		t.Fatal(err)
	}
	if scores[3].Total != 0 || scores[4].Total != -1.5 {
		t.Errorf("totals %v and %v, want 0 and -1.5", scores[3].Total, scores[4].Total)
	}
	// Between the two terms of an attempt Memo may have forgotten it, once for each worker.
	if n := calls.Load(); n < 5000 || n > 5004 {
		t.Errorf("%d calls for 5000 attempts", n)
	}
	for _, a := range attempts[1:] { // whatever the workers' order was, the first is forgotten now
		if _, err := check(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	calls.Store(0)
	for range 3 {
		if _, err := check(t.Context(), attempts[0]); err != nil {
			t.Fatal(err)
		}
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls for an attempt that was forgotten, and then known", n)
	}
}

func TestBatch(t *testing.T) {
	lengths := func(_ context.Context, attempts []coat.Attempt) (values []float64, err error) {
		for _, a := range attempts {
			values = append(values, float64(len(a.Text)))
		}
		return values, nil
	}
	one := func(context.Context, coat.Attempt) (float64, error) { return 1, nil }
	attempts := []coat.Attempt{{Text: "a"}, {Text: "bcd"}, {}}
	scores, err := reward.Rubric{{Name: "one", Weight: 10, Func: one}, {Name: "length", Weight: 2, Batch: lengths}}.Score(context.Background(), attempts, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{12, 16, 10} {
		if scores[i].Total != want || scores[i].Parts[1] != float64(len(attempts[i].Text)) {
			t.Errorf("attempt %d: %+v, want total %g", i, scores[i], want)
		}
	}
	for _, c := range []struct {
		batch reward.Batch
		want  string
	}{
		{func(context.Context, []coat.Attempt) ([]float64, error) { return []float64{1}, nil }, `term "b": 1 scores for 3 attempts`},
		{func(context.Context, []coat.Attempt) ([]float64, error) { return nil, errors.New("no device") }, `term "b": no device`},
		{func(context.Context, []coat.Attempt) ([]float64, error) { return []float64{1, math.NaN(), 1}, nil }, `attempt 1 (problem ""): score is NaN`},
	} {
		if _, err := (reward.Rubric{{Name: "b", Batch: c.batch}}).Score(context.Background(), attempts, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	sick := reward.Batch(func(context.Context, []coat.Attempt) ([]float64, error) { panic("no weights") })
	if scores, err := (reward.Rubric{{Name: "b", Batch: sick}}).Score(context.Background(), attempts, 1); scores != nil || err == nil || !strings.HasPrefix(err.Error(), `reward: term "b": 3 attempts together: panic: no weights`) {
		t.Errorf("a batch that panics: %v, %v", scores, err)
	}
	ended, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	if scores, err := (reward.Rubric{{Name: "b", Batch: sick}}).Score(ended, attempts, 1); scores != nil || err == nil || !strings.HasSuffix(err.Error(), "enough") {
		t.Errorf("a context that has ended: %v, %v", scores, err)
	}
	if _, err := (reward.Rubric{{Name: "b", Batch: lengths, Func: one}}).Score(context.Background(), attempts, 1); err == nil {
		t.Error("a term with both is taken")
	}
}

// A score outside the range that its term declares is an error that says where.
func TestRange(t *testing.T) {
	rubric := reward.Rubric{{Name: "level", Weight: -2, Func: level, High: 3}}
	if scores, err := rubric.Score(t.Context(), numbered(4), 1); err != nil || scores[3].Total != -6 {
		t.Errorf("%v, %v", scores, err)
	}
	var failed *reward.ScoreError
	_, err := rubric.Score(t.Context(), numbered(5), 1)
	if !errors.As(err, &failed) || failed.Term != "level" || failed.Attempt != 4 || !strings.Contains(err.Error(), "score is 4, declared to lie in [0, 3]") {
		t.Error(err)
	}
	rubric[0].Low = 4
	if _, err := rubric.Score(t.Context(), numbered(1), 1); err == nil || !strings.Contains(err.Error(), "declared to lie in [4, 3]") {
		t.Error(err)
	}
}
