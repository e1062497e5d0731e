package eval_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/eval"
)

// judged is an attempt with its outcome by reward.Exact.
func judged(t *testing.T, a coat.Attempt) coat.Judged {
	list, err := reward.Judge(t.Context(), reward.Exact, []coat.Attempt{a}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

const (
	right   = ` \boxed{1}`
	wrong   = ` \boxed{2}`
	other   = ` \boxed{3}`
	doubt   = ` <|reflect|> hm`
	explore = ` <|explore|> s`
)

// counts are of one attempt, so each is 0 or 1; "" does not count.
func counted(c eval.Correction) string {
	var names []string
	for name, n := range map[string]int{"f2t": c.F2T, "t2f": c.T2F, "t2t": c.T2T, "f2f": c.F2F} {
		if n > 0 {
			names = append(names, name)
		}
	}
	if c.Silent > 0 {
		names = append(names, "silent")
	}
	return strings.Join(names, " ")
}

func TestSelfCorrection(t *testing.T) {
	for _, c := range []struct {
		name, text string
		truncated  bool
		want       string
	}{
		{name: "no reflection", text: right},
		{name: "reflection before the only box", text: "s" + doubt + right},
		{name: "two boxes without a reflection", text: wrong + explore + right},
		{name: "reflection within an open box", text: `\boxed{1 <|reflect|> hm` + right},
		{name: "corrected", text: wrong + doubt + explore + right, want: "f2t"},
		{name: "spoilt", text: right + doubt + explore + wrong, want: "t2f"},
		{name: "confirmed by a new box", text: right + doubt + right, want: "t2t"},
		{name: "confirmed by an end", text: right + doubt, want: "t2t silent"},
		{name: "wrong in another way", text: wrong + doubt + explore + other, want: "f2f"},
		{name: "wrong one confirmed", text: wrong + doubt, want: "f2f silent"},
		{name: "arms between", text: wrong + doubt + explore + doubt + explore + right, want: "f2t"},
		{name: "the last of two", text: right + doubt + wrong + doubt + explore + right, want: "f2t"},
		{name: "corrected, then confirmed by an end", text: wrong + doubt + explore + right + doubt, want: "f2t"},
		{name: "spoilt, then confirmed by an end", text: right + doubt + explore + wrong + doubt, want: "t2f"},
		{name: "corrected, then confirmed by a box", text: wrong + doubt + explore + right + doubt + right, want: "t2t"},
		{name: "truncated after a right box", text: right + doubt + explore, truncated: true, want: "t2f silent"},
		{name: "truncated after a correction", text: wrong + doubt + right + doubt + explore, truncated: true, want: "t2f silent"},
		{name: "reflection within a later box", text: wrong + doubt + ` \boxed{1 <|reflect|>} hm` + right, want: "f2t"},
		{name: "last box open", text: right + doubt + ` \boxed{1`, want: "t2f silent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := coat.Attempt{Start: problem("a", 0), Text: c.text, Truncated: c.truncated}
			results := []coat.Judged{judged(t, a)}
			got, err := eval.SelfCorrection(t.Context(), results, reward.Exact, 1)
			if err != nil || counted(got) != c.want || got.N > 1 || (got.N == 1) != (c.want != "") {
				t.Errorf("got %q, %v, want %q", counted(got), err, c.want)
			}
			if forced, err := eval.SecondAttempt(t.Context(), results, reward.Exact, 1); err != nil || forced.N != 0 {
				t.Errorf("counts as forced: %+v, %v", forced, err)
			}
		})
	}
}

func TestSecondAttempt(t *testing.T) {
	for _, c := range []struct{ name, prefix, text, want string }{
		{"prefix without a box", "s", right, ""},
		{"corrected", wrong, " hm" + explore + right, "f2t"},
		{"spoilt", right, " hm" + explore + wrong, "t2f"},
		{"answered again", right, " ok" + right, "t2t"},
		{"stopped after a right answer", right, " ok", "t2f silent"},
		{"stopped after a wrong answer", wrong, " ok", "f2f silent"},
		{"the last box of the prefix", right + doubt + wrong, right, "f2t"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := problem("a", 0)
			prefix, err := coat.Parse(c.prefix + " <|reflect|>")
			if err != nil {
				t.Fatal(err)
			}
			start.Prefix = prefix
			start.Prior = coat.Right // not asked
			results := []coat.Judged{judged(t, coat.Attempt{Start: start, Text: c.text})}
			got, err := eval.SecondAttempt(t.Context(), results, reward.Exact, 1)
			if err != nil || counted(got) != c.want {
				t.Errorf("got %q, %v, want %q", counted(got), err, c.want)
			}
		})
	}
}

// A restart may end in any action of its problem.
func TestSecondAttemptAction(t *testing.T) {
	start := problem("a", 0)
	start.Problem.Actions = coat.NewActions("plan")
	start.Prefix, start.Prior = coat.Trace{{Text: `\boxed{2}`}, {Action: "plan"}}, coat.Wrong
	check := func(_ context.Context, a coat.Attempt) (float64, error) {
		if a.Text != `\boxed{2}` {
			t.Errorf("checks %q", a.Text)
		}
		return 0, nil
	}
	results := []coat.Judged{{Attempt: coat.Attempt{Start: start, Text: right}, Outcome: coat.Right}}
	if c, err := eval.SecondAttempt(t.Context(), results, check, 1); err != nil || c.F2T != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// The answer before is judged as one to the problem itself.
func TestSecondAttemptCheck(t *testing.T) {
	start := problem("a", 0)
	start.Prefix, start.Prior = coat.Trace{{Text: `\boxed{1}`}, {Action: coat.Reflect}}, coat.Right
	check := func(ctx context.Context, a coat.Attempt) (float64, error) {
		if a.Start.Prefix != nil || a.Start.Prior != coat.Unknown || a.Text != `\boxed{1}` {
			t.Errorf("checks %+v", a)
		}
		return 1, nil
	}
	if _, err := eval.SecondAttempt(t.Context(), []coat.Judged{{Attempt: coat.Attempt{Start: start}}}, check, 1); err != nil {
		t.Error(err)
	}
}

// Three corrected and one spoilt: a share of 3/4, whose Wilson interval is
// (0.3006, 0.9544) by hand: (0.75 + 0.4802 ± 1.96·√(0.046875 + 0.060025)) / 1.9604.
func TestCorrectionShare(t *testing.T) {
	var results []coat.Judged
	for _, text := range []string{wrong + doubt + right, wrong + doubt + right, wrong + doubt + right, right + doubt + wrong, right + doubt + right, right} {
		results = append(results, judged(t, coat.Attempt{Start: problem("a", 0), Text: text}))
	}
	c, err := eval.SelfCorrection(t.Context(), results, reward.Exact, 2)
	if err != nil || c.N != 5 || c.F2T != 3 || c.T2F != 1 || c.T2T != 1 || c.Share != 0.75 {
		t.Errorf("got %+v, %v", c, err)
	}
	if !near(c.Low, 0.3006, 1e-4) || !near(c.High, 0.9544, 1e-4) {
		t.Errorf("interval %v, %v", c.Low, c.High)
	}
}

func TestCorrectionErrors(t *testing.T) {
	results := []coat.Judged{judged(t, coat.Attempt{Start: problem("a", 0), Text: wrong + doubt + right})}
	sick := errors.New("sick")
	_, err := eval.SelfCorrection(t.Context(), results, func(context.Context, coat.Attempt) (float64, error) { return 0, sick }, 1)
	if !errors.Is(err, sick) || !strings.Contains(err.Error(), `eval: answers before a reflection: reward: check: attempt 0 (problem "a")`) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := eval.SelfCorrection(ctx, results, reward.Exact, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}
