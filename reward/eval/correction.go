package eval

import (
	"context"
	"fmt"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// A Correction counts attempts by what they were worth before a reflection and at
// their end (the paper's table 4, which has Share and its complement).
type Correction struct {
	N   int `json:"n"`   // attempts that count: the sum of the next four
	F2T int `json:"f2t"` // wrong before, right after: F→T
	T2F int `json:"t2f"` // right before, wrong after: T→F
	T2T int `json:"t2t"` // right before and after
	F2F int `json:"f2f"` // wrong before and after, be it in the same way or in another

	Silent int `json:"silent"` // of N: gave no answer after the reflection

	Share float64 `json:"share"` // F→T / (F→T + T→F); 0 where neither occurs
	Low   float64 `json:"low"`   // Wilson interval of Share, 95 %
	High  float64 `json:"high"`
}

// SelfCorrection judges second attempts that a policy made of its own accord: a
// response counts where a reflection follows a complete box. Before is what the check
// says of the response cut at that reflection, after is the result's own verdict.
//
// Of several such reflections the last counts. But one that merely ends a finished
// response, with no box after it, confirmed the answer and changed nothing; then the
// last one that a box does follow counts, if there is one.
//
// A restart's prefix is not looked at; see [SecondAttempt]. At most parallel checks
// run at a time (0: one a processor).
func SelfCorrection(ctx context.Context, results []Result, check reward.Func, parallel int) (Correction, error) {
	var seconds []second
	for _, r := range results {
		text := r.Attempt.Text
		if at := secondAt(text, r.Attempt.Truncated); at >= 0 {
			first := coat.Attempt{Start: r.Attempt.Start, Text: text[:at]}
			_, answered := reward.Boxed(text[at:])
			seconds = append(seconds, second{first, answered, r.Right})
		}
	}
	return correct(ctx, seconds, check, parallel)
}

// SecondAttempt judges second attempts that were forced: a restart counts where its
// prefix, less the bare <|reflect|> that ends it, has a complete box. Before is what
// the check says of that prefix, as if it were the response to the problem itself;
// Start.Prior is not asked, since steps may have been cut after it was found. After
// is the result's own verdict. A check such as reward.Exact reads the response alone:
// where it gives no box after a right one (Silent), that is T→F, as for the reward.
func SecondAttempt(ctx context.Context, results []Result, check reward.Func, parallel int) (Correction, error) {
	var seconds []second
	for _, r := range results {
		start := r.Attempt.Start
		text := strings.TrimSuffix(start.Prefix.String(), coat.Reflect.String())
		if _, ok := reward.Boxed(text); ok {
			first := coat.Attempt{Start: coat.Start{Problem: start.Problem}, Text: text}
			_, answered := reward.Boxed(r.Attempt.Text)
			seconds = append(seconds, second{first, answered, r.Right})
		}
	}
	return correct(ctx, seconds, check, parallel)
}

// secondAt is where the reflection that counts begins, or −1. Of reflections with no
// box between them any will do: the answer before is the same.
func secondAt(text string, truncated bool) int {
	found := -1
	for at := len(text); ; {
		if at = strings.LastIndex(text[:at], coat.Reflect.String()); at < 0 {
			return found
		}
		if _, ok := reward.Boxed(text[:at]); !ok {
			continue
		}
		if _, ok := reward.Boxed(text[at:]); ok || truncated {
			return at
		}
		found = at
	}
}

// A second is an attempt with an answer before its end.
type second struct {
	first    coat.Attempt // up to that answer
	answered bool         // again
	right    bool         // at the end
}

func correct(ctx context.Context, seconds []second, check reward.Func, parallel int) (Correction, error) {
	firsts := make([]coat.Attempt, len(seconds))
	for i, s := range seconds {
		firsts[i] = s.first
	}
	rubric := reward.Rubric{{Name: "answer before", Func: reward.Correct(check)}}
	scores, err := rubric.Score(ctx, firsts, parallel)
	if err != nil {
		return Correction{}, fmt.Errorf("eval: %w", err)
	}
	c := Correction{N: len(seconds)}
	for i, s := range seconds {
		if !s.answered {
			c.Silent++
		}
		switch before := scores[i].Parts[0] == 0; {
		case before && s.right:
			c.T2T++
		case before:
			c.T2F++
		case s.right:
			c.F2T++
		default:
			c.F2F++
		}
	}
	c.Share = share(c.F2T, c.F2T+c.T2F)
	c.Low, c.High = Wilson(c.F2T, c.F2T+c.T2F)
	return c, nil
}
