package reward_test

import (
	"math"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// The paper's table: rule and bonus by prior and verdict.
func TestRuleAndBonus(t *testing.T) {
	const right, wrong = `<|explore|> a <|continue|> \boxed{2} <|continue|> \boxed{ 1 }`, `\boxed{1} <|reflect|> no <|explore|> \boxed{2}`
	for _, c := range []struct {
		name        string
		prior       coat.Outcome
		text        string
		truncated   bool
		rule, bonus float64
	}{
		{name: "original right", text: right},
		{name: "original wrong", text: wrong, rule: -1},
		{name: "original without box", text: "1", rule: -1},
		{name: "D- right", prior: coat.Wrong, text: right, bonus: 0.5},
		{name: "D- wrong", prior: coat.Wrong, text: wrong, rule: -1},
		{name: "D+ right", prior: coat.Right, text: right},
		{name: "D+ wrong", prior: coat.Right, text: wrong, rule: -1, bonus: -0.5},
		{name: "D+ without a word", prior: coat.Right, rule: -1, bonus: -0.5},
		{name: "original truncated after a right box", text: right, truncated: true, rule: -1},
		{name: "D- truncated after a right box", prior: coat.Wrong, text: right, truncated: true, rule: -1},
		{name: "D+ truncated after a right box", prior: coat.Right, text: right, truncated: true, rule: -1, bonus: -0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := coat.Attempt{Start: coat.Start{Problem: coat.Problem{Answer: "1"}, Prior: c.prior}, Text: c.text, Truncated: c.truncated}
			if c.prior != coat.Unknown { // a finished right solution: its box is not the response's
				a.Start.Prefix = coat.Trace{{Text: `\boxed{1}`}, {Action: coat.Reflect}}
			}
			rule, err := reward.Correct(reward.Exact)(t.Context(), a)
			if err != nil || rule != c.rule {
				t.Errorf("rule %v, %v, want %v", rule, err, c.rule)
			}
			bonus, err := reward.Reflection(reward.Exact, 0.5)(t.Context(), a)
			if err != nil || bonus != c.bonus {
				t.Errorf("bonus %v, %v, want %v", bonus, err, c.bonus)
			}
		})
	}
}

func TestSigmoidShiftClip(t *testing.T) {
	// σ(1) is scipy.special.expit(1).
	for _, c := range []struct {
		name string
		f    reward.Func
		want float64
	}{
		{"σ(0)", reward.Sigmoid(constant(0)), 0.5},
		{"σ(1)", reward.Sigmoid(constant(1)), 0.7310585786300049},
		{"σ(-1)", reward.Sigmoid(constant(-1)), 1 - 0.7310585786300049},
		{"σ(1000)", reward.Sigmoid(constant(1000)), 1},
		{"σ(-1000)", reward.Sigmoid(constant(-1000)), 0},
		{"shift", reward.Shift(constant(2), -3), -1},
		{"clip above", reward.Clip(constant(20), -10, 10), 10},
		{"clip below", reward.Clip(constant(-20), -10, 10), -10},
		{"clip within", reward.Clip(constant(3), -10, 10), 3},
	} {
		if got, err := c.f(t.Context(), coat.Attempt{}); err != nil || math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%s = %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

func TestLengthAndFormat(t *testing.T) {
	for _, c := range []struct {
		prefix         coat.Trace
		text           string
		length, format float64
	}{
		{nil, "20 40 <|continue|> \\boxed{ 20 40 }", 7, 1},
		{nil, "20 40<|continue|>\\boxed{ 20 40 }", 7, 1},
		{nil, "", 0, 0},
		{nil, "a<|reflect|> <|explore|> b", 4, 0},
		{coat.Trace{{Text: "a"}, {Action: coat.Reflect}}, " no<|explore|> b", 3, 1},
		{coat.Trace{{Text: "a"}, {Action: coat.Reflect}}, "<|explore|> b", 2, 0},
		{coat.Trace{{Text: "a"}, {Action: coat.Reflect}}, " ", 0, 0},
	} {
		a := coat.Attempt{Start: coat.Start{Prefix: c.prefix}, Text: c.text}
		length, err := reward.Length(t.Context(), a)
		if err != nil || length != c.length {
			t.Errorf("length of %q is %v, %v, want %v", c.text, length, err, c.length)
		}
		format, err := reward.Format(t.Context(), a)
		if err != nil || format != c.format {
			t.Errorf("format of %q is %v, %v, want %v", c.text, format, err, c.format)
		}
	}
}

// Length and Format know the actions of the problem.
func TestFourthAction(t *testing.T) {
	a := coat.Attempt{Text: "a<|plan|>b<|reflect|> c"}
	for _, c := range []struct {
		actions        coat.Actions
		text           string
		length, format float64
	}{
		{coat.Actions{}, "a<|plan|>b<|reflect|> c", 3, 1},
		{coat.NewActions("plan"), "a<|plan|>b<|reflect|> c", 4, 1},
		{coat.NewActions("plan", coat.Reflect), "a<|plan|>b<|reflect|> c", 5, 1},
		{coat.Actions{}, "a<|plan|><|plan|> c", 2, 1},
		{coat.NewActions("plan"), "a<|plan|><|plan|> c", 4, 0},
	} {
		a.Text, a.Start.Problem.Actions = c.text, c.actions
		length, err := reward.Length(t.Context(), a)
		if err != nil || length != c.length {
			t.Errorf("length of %q with %v is %v, %v, want %v", c.text, c.actions.List(), length, err, c.length)
		}
		format, err := reward.Format(t.Context(), a)
		if err != nil || format != c.format {
			t.Errorf("format of %q with %v is %v, %v, want %v", c.text, c.actions.List(), format, err, c.format)
		}
	}
}

func TestOverlong(t *testing.T) {
	for _, truncated := range []bool{false, true} {
		got, err := reward.Overlong(t.Context(), coat.Attempt{Text: "20 40", Truncated: truncated})
		if err != nil || (got == 1) != truncated || (got == 0) == truncated {
			t.Errorf("truncated %v gives %g, %v", truncated, got, err)
		}
	}
}

func TestBoxed(t *testing.T) {
	for _, c := range []struct {
		text, want string
		ok         bool
	}{
		{`\boxed{5}`, "5", true},
		{`so \boxed{ 20 10 } <|reflect|> no \boxed{ 20 40 }.`, " 20 40 ", true},
		{`\boxed{\frac{1}{2}} rest}`, `\frac{1}{2}`, true},
		{`\boxed{\{1, 2\}}`, `\{1, 2\}`, true},
		{`\boxed{[0, 1\}}`, `[0, 1\}`, true},
		{`\boxed{a\\}`, `a\\`, true},
		{`\boxed{\boxed{7}}`, "7", true},
		{"\\boxed \n{8}", "8", true},
		{"\\boxed{1\n2}", "1\n2", true},
		{`\boxed{}`, "", true},
		{`\boxed{1} and \boxed{2`, "", false},
		{`\boxed{1} and \boxed 2`, "", false},
		{`\boxed{1\`, "", false},
		{`\boxed`, "", false},
		{"5", "", false},
		{"", "", false},
	} {
		if got, ok := reward.Boxed(c.text); got != c.want || ok != c.ok {
			t.Errorf("Boxed(%q) = %q, %v, want %q, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

// A box is found again after any text without one, whatever follows it.
func FuzzBoxed(f *testing.F) {
	f.Add(`a{b`, `c}\`)
	f.Fuzz(func(t *testing.T, before, after string) {
		if got, ok := reward.Boxed(before); ok && !strings.Contains(before, got) {
			t.Fatalf("Boxed(%q) = %q", before, got)
		}
		if strings.Contains(after, `\boxed`) {
			return
		}
		if got, ok := reward.Boxed(before + `\boxed{{x}\}}` + after); got != `{x}\}` || !ok {
			t.Fatalf("got %q, %v", got, ok)
		}
	})
}

func TestExact(t *testing.T) {
	for _, c := range []struct {
		gold, text string
		want       float64
	}{
		{"20 10 9", `\boxed{ 20 10 9 }`, 1},
		{"20 10 9", "\\boxed{20  10\n9}", 1},
		{"20 10 9", `\boxed{20 109}`, 0},
		{"20 10 9", `\boxed{20 10}`, 0},
		{"20 10 9", `\boxed{20 10 9 9}`, 0},
		{"20 10 9", `20 10 9`, 0},
		{"20 10 9", `\boxed{20 10 9} \boxed{}`, 0},
	} {
		a := coat.Attempt{Start: coat.Start{Problem: coat.Problem{Answer: c.gold}}, Text: c.text}
		if got, err := reward.Exact(t.Context(), a); err != nil || got != c.want {
			t.Errorf("Exact(%q) = %v, %v, want %v", c.text, got, err, c.want)
		}
	}
	if _, err := reward.Exact(t.Context(), coat.Attempt{Text: `\boxed{}`}); err == nil {
		t.Error("a problem without an answer is not an error")
	}
}
