package agent_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/synth"
	"github.com/satori-go/satori/synth/agent"
)

var clips = coat.Problem{
	ID: "clips", Question: "Natalia sold clips to 48 of her friends in April, and then half as many in May. How many in all?",
	Solution: "Natalia sold 48/2 = 24 clips in May.\nNatalia sold 48+24 = 72 clips altogether in April and May.", Answer: "72",
}

func TestReferenceSolution(t *testing.T) {
	ctx := context.Background()
	critic := agent.ReferenceSolution(agent.Config{Openers: agent.Openers{Verify: []string{}, Mistake: []string{}, Explore: []string{}}})
	for _, c := range []struct {
		trace      string
		step       int
		why, other string
	}{
		{`In May she sold 48 / 2 = 26 clips.<|continue|> \boxed{74}`, 0, " 48 / 2 is not 26.", " Natalia sold 48/2 clips in May."},
		{`48/2=24<|continue|> 48 + 24 = 82.<|continue|> \boxed{82}`, 1, " 48 + 24 is not 82.", " Natalia sold 48+24 clips altogether in April and May."},
		{`She sold 31 in May.<|continue|> 48 + 31 = 79<|continue|> \boxed{79}`, 0, " I do not see where the 31 comes from.", " Natalia sold 48/2 clips in May."},
		{`48 / 2 = 24 in May.<|continue|> \boxed{24}`, 1, " This is not what was asked for.", " Natalia sold 48+24 clips altogether in April and May."},
		{`$1,048 x 2 = $2,096 and (3 + 4) * 2 - 1.5 = 12.5<|continue|> 2 * 3 = 7`, 1, " 2 * 3 is not 7.", " Natalia sold 48/2 clips in May."},
	} {
		trace, err := coat.Parse(c.trace)
		if err != nil {
			t.Fatal(err)
		}
		p := clips
		if c.step == 1 && c.why == " 2 * 3 is not 7." {
			p.Question += " 1048 2 3 4 1.5"
		}
		r, err := critic.FirstWrong(ctx, p, trace, 0, 1)
		if err != nil || r != (synth.Review{Step: c.step, Reflection: c.why, Hint: c.other}) {
			t.Errorf("%q: %+v, %v", c.trace, r, err)
		}
	}
	for text, want := range map[string]string{
		`48 / 2 = 24 in May.<|continue|> \boxed{72}`:    " 24 * 2 is 48 again.",
		`She sold 48 + 24 = 72.<|continue|> \boxed{72}`: " 72 - 24 is 48 again.",
		`She sold 48 in April.<|continue|> \boxed{72}`:  " Every number here is given or follows from what is.",
		`She sold clips.<|continue|> \boxed{72}`:        "",
		`The answer is 72.<|continue|> \boxed{72}`:      "",
		`48 / 2 = 25<|continue|> \boxed{72}`:            "",
		`\boxed{72}`:                                    "",
	} {
		trace, _ := coat.Parse(text)
		r, err := critic.Verify(ctx, clips, trace, 1)
		if r.Reflection != want || errors.Is(err, synth.ErrSkip) != (want == "") {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
}

func TestAtAnswer(t *testing.T) {
	last := `Therefore, the final answer is: \(\boxed{42}\)`
	for _, c := range []struct {
		in, want []string
		whole    bool
	}{
		{[]string{"a", "The answer is 42.", "The answer is 42."}, []string{"a", "The answer is 42.", last}, true},
		{[]string{"a", "#### $42", "Problem: b"}, []string{"a", "#### $42", last}, true},
		{[]string{"a", `So \boxed{42}`, `\boxed{43}`}, []string{"a", `So \boxed{42}`}, true},
		{[]string{"a", "42 of them"}, []string{"a", "42 of them"}, false},
		{[]string{"the answer is {42"}, []string{"the answer is {42"}, false},
		{nil, nil, false},
	} {
		got, whole := agent.StopAtAnswer(c.in)
		if !slices.Equal(got, c.want) || whole != c.whole {
			t.Errorf("%q: %q, %v", c.in, got, whole)
		}
	}
	// A reply that is cut off is whole where its answer stands before its last step.
	for text, whole := range map[string]bool{"a\n\nThe answer is 42.\n\nThe ans": true, "a\n\nThe answer is 4": false} {
		m := func(context.Context, agent.Request) (agent.Reply, error) {
			return agent.Reply{Text: text, Truncated: true}, nil
		}
		got, err := agent.Generator(m, agent.Config{StopAt: agent.StopAtAnswer})(context.Background(), clips, nil, 1)
		if whole && (err != nil || len(got) != 3) || !whole && !errors.Is(err, synth.ErrTruncated) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
