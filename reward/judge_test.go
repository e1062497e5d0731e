package reward_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// Attempts are checked once; pairs, restarts and figures are made of the outcomes.
func ExampleJudge() {
	problem := coat.Problem{ID: "1", Question: "What is 6 · 7?", Answer: "42"}
	attempts := []coat.Attempt{
		{Start: coat.Start{Problem: problem}, Text: `\boxed{42}`},
		{Start: coat.Start{Problem: problem}, Text: `\boxed{36}`},
		{Start: coat.Start{Problem: problem}, Text: `it is \boxed{42}`, Truncated: true},
	}
	judged, err := reward.Judge(context.Background(), reward.Answer(), attempts, 0)
	if err != nil {
		panic(err)
	}
	for _, j := range judged {
		fmt.Println(j.Outcome)
	}
	// Output:
	// right
	// wrong
	// wrong
}

func TestJudge(t *testing.T) {
	attempts := numbered(50)
	for i := range attempts {
		if i%3 == 0 {
			attempts[i].Text = `\boxed{1}`
		}
		attempts[i].Truncated = i == 6
	}
	for _, parallel := range []int{0, 1, 3, 100} {
		judged, err := reward.Judge(t.Context(), reward.Exact, attempts, parallel)
		if err != nil || len(judged) != 50 {
			t.Fatalf("%d judged, %v", len(judged), err)
		}
		for i, j := range judged {
			want := coat.Wrong
			if i%3 == 0 && i != 6 {
				want = coat.Right
			}
			if j.Outcome != want || j.Right() != (want == coat.Right) || j.Key() != attempts[i].Key() || j.Score != 0 || j.Tokens != 0 {
				t.Errorf("parallel %d: attempt %d is %+v, want %v", parallel, i, j, want)
			}
		}
	}
	if judged, err := reward.Judge(t.Context(), reward.Exact, nil, 0); len(judged) != 0 || err != nil {
		t.Errorf("no attempts: %v, %v", judged, err)
	}
	if _, err := reward.Judge(t.Context(), reward.Exact, attempts, -1); err == nil {
		t.Error("-1 at a time")
	}
	if _, err := reward.Judge(t.Context(), nil, attempts, 1); err == nil {
		t.Error("no check")
	}
}

// What fails is named, and is never taken as wrong.
func TestJudgeFailures(t *testing.T) {
	sick := errors.New("server is down")
	for name, c := range map[string]struct {
		f    reward.Func
		want string
	}{
		"error":  {func(context.Context, coat.Attempt) (float64, error) { return 1, sick }, "server is down"},
		"half":   {constant(0.5), "check gave 0.5, want 0 or 1"},
		"panic":  {func(context.Context, coat.Attempt) (float64, error) { panic("out of range") }, "panic: out of range\ngoroutine "},
		"goexit": {func(context.Context, coat.Attempt) (float64, error) { runtime.Goexit(); return 0, nil }, "ended its goroutine"},
	} {
		check := func(ctx context.Context, a coat.Attempt) (float64, error) {
			if a.Start.Problem.ID == "p5" {
				return c.f(ctx, a)
			}
			return 1, nil
		}
		for _, parallel := range []int{1, 4} {
			judged, err := reward.Judge(t.Context(), check, numbered(9), parallel)
			var failed *reward.ScoreError
			if judged != nil || !errors.As(err, &failed) || failed.Attempt != 5 || failed.Problem != "p5" || !strings.HasPrefix(err.Error(), `reward: check: attempt 5 (problem "p5"): `+c.want) {
				t.Errorf("%s, parallel %d: %v, %v", name, parallel, judged, err)
			}
			if name == "error" && !errors.Is(err, sick) {
				t.Errorf("%v does not wrap its cause", err)
			}
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if judged, err := reward.Judge(ctx, reward.Exact, numbered(3), 2); judged != nil || err == nil || !strings.HasSuffix(err.Error(), "enough") {
		t.Errorf("a context that has ended: %v, %v", judged, err)
	}
}

// Of several attempts that fail the first in order is named, whichever fails first.
func TestFirstFailure(t *testing.T) {
	bad := map[string]bool{"p3": true, "p4": true, "p7": true}
	for range 300 {
		check := func(_ context.Context, a coat.Attempt) (float64, error) {
			time.Sleep(time.Duration(rand.IntN(20)) * time.Microsecond)
			if bad[a.Start.Problem.ID] {
				return 0, errors.New("bad")
			}
			return 1, nil
		}
		for name, err := range map[string]error{
			"Judge": func() error { _, err := reward.Judge(t.Context(), check, numbered(9), 4); return err }(),
			"Score": func() error {
				_, err := (reward.Rubric{{Name: "a", Func: check}}).Score(t.Context(), numbered(9), 4)
				return err
			}(),
		} {
			var failed *reward.ScoreError
			if !errors.As(err, &failed) || failed.Attempt != 3 {
				t.Fatalf("%s: %v, want attempt 3", name, err)
			}
		}
	}
}

// A Score names its parts.
func TestScoreNames(t *testing.T) {
	rubric := reward.Rubric{{Name: "level", Weight: 1, Func: level}, {Name: "one", Func: constant(1)}}
	scores, err := rubric.Score(t.Context(), numbered(4), 1)
	if err != nil {
		t.Fatal(err)
	}
	if part, ok := scores[3].Part("level"); !ok || part != 3 {
		t.Errorf("level of attempt 3: %v, %v", part, ok)
	}
	if part, ok := scores[3].Part("two"); ok {
		t.Errorf("a part that is not there: %v", part)
	}
	if got := reward.Means(scores); len(got) != 2 || got["level"] != 1.5 || got["one"] != 1 {
		t.Errorf("means %v", got)
	}
	if got := reward.Means(nil); len(got) != 0 {
		t.Errorf("means of nothing: %v", got)
	}
}
