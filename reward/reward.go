package reward

import (
	"context"
	"fmt"
	"math"

	"github.com/satori-go/satori/coat"
)

// A Func scores an attempt. It must be safe for concurrent use and should return
// soon after its context ends. An error stops training; it is never a zero reward.
//
// A check is a Func that gives 1 for right and 0 for wrong, such as [Exact] and the
// result of [Answer]. [Judge] runs it on many attempts, [Func.Verdict] on one.
type Func func(ctx context.Context, a coat.Attempt) (float64, error)

// Verdict runs a check on one attempt: [coat.Right] if it gives 1, [coat.Wrong] if it
// gives 0. Any other value is an error. A truncated attempt is wrong without being
// checked.
func (check Func) Verdict(ctx context.Context, a coat.Attempt) (coat.Outcome, error) {
	if a.Truncated {
		return coat.Wrong, nil
	}
	v, err := check(ctx, a)
	if err != nil {
		return coat.Unknown, err
	}
	switch v {
	case 0:
		return coat.Wrong, nil
	case 1:
		return coat.Right, nil
	}
	return coat.Unknown, fmt.Errorf("check gave %v, want 0 or 1", v)
}

// value returns a score that is finite, so that no wrapper hides a NaN or an infinity
// before a rubric sees it.
func (f Func) value(ctx context.Context, a coat.Attempt) (float64, error) {
	v, err := f(ctx, a)
	if err != nil {
		return v, err
	}
	return finite(v)
}

func finite(v float64) (float64, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return v, fmt.Errorf("score is %v, want a finite number", v)
	}
	return v, nil
}

// A Pair is two attempts at one problem, of which the first is the better. Under the
// Bradley-Terry model it is preferred with the probability
//
//	P(chosen ≻ rejected) = σ(r_ψ(chosen) − r_ψ(rejected))
type Pair struct {
	Chosen   coat.Attempt `json:"chosen"`
	Rejected coat.Attempt `json:"rejected"`
}
