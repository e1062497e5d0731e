package reward

import (
	"context"
	"math"
	"strings"
	"sync"

	"github.com/satori-go/satori/coat"
)

// Correct is the paper's rule reward, r_rule = 1[right] − 1: 0 for right and −1 for
// wrong.
func Correct(check Func) Func {
	return func(ctx context.Context, a coat.Attempt) (float64, error) {
		verdict, err := check.Verdict(ctx, a)
		if verdict == coat.Right || err != nil {
			return 0, err
		}
		return -1, nil
	}
}

// Reflection is the paper's r_bonus: +beta where a start cut from a wrong attempt
// (D−) was brought to a right end, −beta where one cut from a right attempt (D+)
// was brought to a wrong end, else 0. The paper has beta = 0.5 (section D.3). It
// looks at outcomes alone, not at whether the response reflects.
func Reflection(check Func, beta float64) Func {
	return func(ctx context.Context, a coat.Attempt) (float64, error) {
		if a.Start.Prior == coat.Unknown {
			return 0, nil
		}
		verdict, err := check.Verdict(ctx, a)
		switch prior := a.Start.Prior; {
		case err != nil:
			return 0, err
		case prior == coat.Wrong && verdict == coat.Right:
			return beta, nil
		case prior == coat.Right && verdict == coat.Wrong:
			return -beta, nil
		}
		return 0, nil
	}
}

// Sigmoid is σ(score) = 1 / (1 + e^−score), the form in which the preference of a
// Bradley-Terry model enters the reward.
func Sigmoid(score Func) Func {
	return then(score, func(v float64) float64 { return 1 / (1 + math.Exp(-v)) })
}

// Shift adds by to a score.
func Shift(score Func, by float64) Func {
	return then(score, func(v float64) float64 { return v + by })
}

// Clip holds a score within [low, high].
func Clip(score Func, low, high float64) Func {
	return then(score, func(v float64) float64 { return min(max(v, low), high) })
}

func then(score Func, f func(float64) float64) Func {
	return func(ctx context.Context, a coat.Attempt) (float64, error) {
		v, err := score.value(ctx, a)
		if err != nil {
			return 0, err
		}
		return f(v), nil
	}
}

// Length counts the words of the response. The token of a meta-action of the problem
// counts as one word. For a word-level vocabulary that is the number of tokens less the
// end of the text. It is a [Func].
func Length(_ context.Context, a coat.Attempt) (float64, error) {
	text := a.Text
	for _, token := range a.Start.Problem.Actions.Tokens() {
		text = strings.ReplaceAll(text, token, " "+token+" ")
	}
	return float64(len(strings.Fields(text))), nil
}

// Overlong is a Func: 1 where the response was cut off at the token limit, else 0. With a
// negative weight it makes no answer worse than a wrong one, which the paper's rewards
// do not; DAPO has such a term (arXiv 2503.14476, section 3.4).
func Overlong(_ context.Context, a coat.Attempt) (float64, error) {
	if a.Truncated {
		return 1, nil
	}
	return 0, nil
}

// Format gives 1 if the response is not blank and, after the prefix of its start, parses as
// a [coat.Trace] with the actions of its problem, else 0. It is a [Func].
func Format(_ context.Context, a coat.Attempt) (float64, error) {
	if _, err := a.Trace(); err != nil || strings.TrimSpace(a.Text) == "" {
		return 0, nil
	}
	return 1, nil
}

// memoSize bounds what Memo holds: a few times the 1024 rollouts of an iteration of
// the paper. When it is reached Memo forgets everything.
const memoSize = 4096

// Memo remembers what a check gave, so that terms which share it compute it once an
// attempt. Errors are not remembered. Make it once and give it to both:
//
//	check = reward.Memo(check)
//	... reward.Correct(check) ... reward.Reflection(check, 0.5) ...
//
// The check has to depend on nothing but the attempt.
func Memo(check Func) Func {
	var mu sync.Mutex
	known := map[coat.AttemptKey]float64{}
	return func(ctx context.Context, a coat.Attempt) (float64, error) {
		k := a.Key()
		mu.Lock()
		v, ok := known[k]
		mu.Unlock()
		if ok {
			return v, nil
		}
		v, err := check(ctx, a)
		if err != nil {
			return 0, err
		}
		mu.Lock()
		defer mu.Unlock()
		if len(known) >= memoSize {
			clear(known)
		}
		known[k] = v
		return v, nil
	}
}
