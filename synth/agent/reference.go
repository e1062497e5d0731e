package agent

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward/answer"
	"github.com/satori-go/satori/synth"
)

// ReferenceSolution makes a critic that asks no model, for word problems with a solution that
// somebody wrote, such as GSM8K's. Of a wrong solution it names the first step with a
// sum that does not hold, or else with a number that is neither in the question nor in
// the written solution nor the result of a sum, or else the last step. Its hint is the first
// line of the written solution whose result the attempt does not have yet, without that
// result. It verifies a step drawn at random by doing a sum in it backwards, or else by its
// numbers. It skips a solution of which no step before its answer has a number.
func ReferenceSolution(c Config) synth.Critic {
	c = c.Resolved()
	return synth.Critic{
		FirstWrong: func(_ context.Context, p coat.Problem, t coat.Trace, from int, seed uint64) (r synth.Review, err error) {
			if from >= len(t) {
				return r, synth.ErrSkip
			}
			rng := source(seed)
			var why string
			if r.Step, why = firstWrong(p, t, from); why == "" {
				r.Step, why = len(t)-1, "This is not what was asked for."
			}
			r.Reflection = " " + opened(c.Openers.Mistake, why, rng)
			r.Hint = " " + opened(c.Openers.Explore, hint(p, t[:r.Step]), rng)
			return r, nil
		},
		Verify: func(_ context.Context, p coat.Problem, t coat.Trace, seed uint64) (r synth.Review, err error) {
			right, why := firstWrong(p, t, 0)
			if why == "" {
				right = len(t)
			}
			rng := source(seed)
			for _, i := range rng.Perm(max(0, min(right, len(t)-1))) { // the last one excepted, see Critic
				if why := verified(t[i].Text); why != "" {
					r.Step, r.Reflection = i, " "+opened(c.Openers.Verify, why, rng)
					return r, nil
				}
			}
			return r, synth.ErrSkip
		},
	}
}

const figure = `\$?\d[\d,]*(?:\.\d+)?%?`

var (
	number = regexp.MustCompile(figure)
	// sum matches both sides of an equals sign.
	sum    = regexp.MustCompile(`((?:` + figure + `|[-+*/x×÷() ])*\d[\d,.]*[%) ]*)=\s*(-?` + figure + `)`)
	binary = regexp.MustCompile(`(?:^|[^-+*/x×÷(\d.,$ ])\s*(` + figure + `)\s*([-+*/x×÷])\s*(` + figure + `)\s*=\s*(` + figure + `)`)
	result = regexp.MustCompile(`\s*=\s*` + figure + `\s*`)
	times  = strings.NewReplacer("x", "*", "×", "*", "÷", "/", "$", "", ",", "")
)

// firstWrong finds the first step from an index on that can be seen to be wrong, and says
// why. The reason is "" if there is no such step.
func firstWrong(p coat.Problem, t coat.Trace, from int) (step int, why string) {
	known := map[string]bool{}
	learn := func(text string) {
		for _, n := range number.FindAllString(text, -1) {
			known[strings.TrimRight(times.Replace(n), "%")] = true
		}
	}
	learn(p.Question)
	learn(p.Solution)
	for i, s := range t {
		for _, m := range sum.FindAllStringSubmatch(s.Text, -1) {
			left, right := strings.TrimSpace(m[1]), m[2]
			if i >= from && !answer.Equal(times.Replace(right), times.Replace(left)) {
				return i, fmt.Sprintf("%s is not %s.", left, right)
			}
			learn(right)
		}
		for _, n := range number.FindAllString(s.Text, -1) {
			if plain := strings.TrimRight(times.Replace(n), "%"); i >= from && !known[plain] {
				return i, fmt.Sprintf("I do not see where the %s comes from.", plain)
			}
		}
	}
	return 0, ""
}

// hint finds the first line of the written solution whose result t lacks, and removes the result.
func hint(p coat.Problem, t coat.Trace) string {
	there := map[string]bool{}
	for _, n := range number.FindAllString(t.String(), -1) {
		there[times.Replace(n)] = true
	}
	for line := range strings.Lines(p.Solution) {
		m := sum.FindAllStringSubmatch(line, -1)
		if len(m) > 0 && !there[times.Replace(m[len(m)-1][2])] {
			return strings.TrimSpace(result.ReplaceAllString(line, " "))
		}
	}
	return "I go through the question once more, number by number."
}

// verified says why a step is right that firstWrong has not named. The reason is "" if the
// step has no number, or announces the answer.
func verified(step string) string {
	if _, ends := answer.Extract(step); ends || !number.MatchString(step) {
		return ""
	}
	m := binary.FindStringSubmatch(step)
	if m == nil {
		return "Every number here is given or follows from what is."
	}
	a, op, b, c := m[1], m[2], m[3], m[4]
	back := map[string]string{"+": "-", "-": "+", "*": "/", "x": "/", "×": "/", "/": "*", "÷": "*"}[op]
	return fmt.Sprintf("%s %s %s is %s again.", c, back, b, a)
}
