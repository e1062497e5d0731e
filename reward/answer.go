package reward

import (
	"context"
	"fmt"
	"sync"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward/answer"
)

// Answer makes a check for mathematics: 1 if the final answer of the response, as
// [answer.Extract] finds it, equals the problem's answer, else 0. Answers may be
// written in different ways; see package answer. A problem whose answer cannot be
// read is an error, never a zero: refuse it with [Readable] when data is read.
//
// Answer is called to get the check, reward.Answer(), since the check remembers the
// problems that it has seen last: many attempts at a problem share the work of reading
// its answer. [Exact], which has nothing to remember, is a check itself.
func Answer() Func {
	var mu sync.Mutex
	golds := map[string]*answer.Gold{}
	return func(_ context.Context, a coat.Attempt) (float64, error) {
		text := a.Start.Problem.Answer
		mu.Lock()
		gold := golds[text]
		mu.Unlock()
		if gold == nil {
			var err error
			if gold, err = answer.CompileGold(text); err != nil {
				return 0, fmt.Errorf("problem %q: %w", a.Start.Problem.ID, err)
			}
			mu.Lock()
			if len(golds) >= memoSize {
				clear(golds)
			}
			golds[text] = gold
			mu.Unlock()
		}
		if pred, ok := answer.Extract(a.Text); ok && gold.Equal(pred).Equal {
			return 1, nil
		}
		return 0, nil
	}
}

// Readable refuses a problem whose answer [Answer] could not read, with the reason of
// [answer.CheckGold]. It is a check for [coat.OpenProblems].
func Readable(p coat.Problem) error { return answer.CheckGold(p.Answer) }
