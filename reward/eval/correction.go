package eval

import (
	"context"
	"fmt"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// A Correction counts attempts by their answers before a reflection and at their end. It is
// a row of the paper's table 4, which has Share and its complement.
type Correction struct {
	N   int `json:"n"`   // attempts that count: the sum of the next four
	F2T int `json:"f2t"` // wrong before, right after: F→T
	T2F int `json:"t2f"` // right before, wrong after: T→F
	T2T int `json:"t2t"` // right before and after
	F2F int `json:"f2f"` // wrong before and after, be it in the same way or in another

	Silent int `json:"silent"` // of N: have no answer after the reflection

	Share float64 `json:"share"` // F→T / (F→T + T→F); 0 where neither occurs
	Low   float64 `json:"low"`   // Wilson interval of Share, 95 %
	High  float64 `json:"high"`
}

// SelfCorrection judges second attempts that a policy made by itself: a response counts
// if a reflection follows a complete box. The answer before is judged by the check, on
// the response cut at that reflection. The answer after has the outcome of the attempt.
//
// Of several such reflections the last one counts, with one exception: a reflection
// that merely ends a finished response, with no box after it, confirmed the answer and
// changed nothing. Then the last reflection that a box does follow counts, if there is one.
//
// The prefix of a restart is not looked at; see [SecondAttempt]. At most parallel checks
// run at a time (0: one a processor).
func SelfCorrection(ctx context.Context, attempts []coat.Judged, check reward.Func, parallel int) (Correction, error) {
	var seconds []second
	for _, a := range attempts {
		if at := secondAt(a.Text, a.Truncated); at >= 0 {
			first := coat.Attempt{Start: a.Start, Text: a.Text[:at]}
			_, answered := reward.Boxed(a.Text[at:])
			seconds = append(seconds, second{first, answered, a.Right()})
		}
	}
	return correct(ctx, seconds, check, parallel)
}

// SecondAttempt judges second attempts that a restart asked for: a restart counts if its
// prefix, less the bare token that ends it, has a complete box. The answer before is
// judged by the check, on that prefix as if it were the response to the problem itself.
// Start.Prior is not used, since steps may have been cut after it was found. The answer
// after has the outcome of the attempt. A check such as [reward.Exact] reads the response
// alone: a response without a box after a right one (Silent) is T→F, as for the reward.
func SecondAttempt(ctx context.Context, attempts []coat.Judged, check reward.Func, parallel int) (Correction, error) {
	var seconds []second
	for _, a := range attempts {
		steps := a.Start.Prefix
		if n := len(steps); n > 0 && steps[n-1].Action != coat.None && steps[n-1].Text == "" {
			steps = steps[:n-1]
		}
		text := steps.String()
		if _, ok := reward.Boxed(text); ok {
			first := coat.Attempt{Start: coat.Start{Problem: a.Start.Problem}, Text: text}
			_, answered := reward.Boxed(a.Text)
			seconds = append(seconds, second{first, answered, a.Right()})
		}
	}
	return correct(ctx, seconds, check, parallel)
}

// secondAt finds where the reflection that counts begins, or −1. Of reflections with no
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
	before, err := reward.Judge(ctx, check, firsts, parallel)
	if err != nil {
		return Correction{}, fmt.Errorf("eval: answers before a reflection: %w", err)
	}
	c := Correction{N: len(seconds)}
	for i, s := range seconds {
		if !s.answered {
			c.Silent++
		}
		switch before := before[i].Right(); {
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
