package reward

import (
	"context"
	"strings"

	"github.com/satori-go/satori/coat"
)

// Correct makes the paper's rule reward, r_rule = 1[right] − 1: 0 for right and −1 for
// wrong. The check is a [Func] such as [Exact], which is one itself, or the result of
// [Answer], which makes one:
//
//	reward.Correct(reward.Exact)
//	reward.Correct(reward.Answer())
func Correct(check Func) Func {
	return func(ctx context.Context, a coat.Attempt) (float64, error) {
		verdict, err := check.Verdict(ctx, a)
		if verdict == coat.Right || err != nil {
			return 0, err
		}
		return -1, nil
	}
}

// Reflection makes the paper's r_bonus: +beta where a start cut from a wrong attempt
// (D−) came to a right end, −beta where one cut from a right attempt (D+) came to a
// wrong end, else 0. The paper has beta = 0.5 (section D.3). It looks at outcomes alone,
// not at whether the response reflects.
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

// Overlong gives 1 if the response ends at the token limit, else 0. It is a [Func]. With a
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
