package agent_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/synth"
	"github.com/satori-go/satori/synth/agent"
)

// script is a model that answers by the first key that stands in what it is told.
func script(replies map[string][]string) (agent.Model, map[string]int) {
	asked := map[string]int{}
	return func(_ context.Context, r agent.Request) (agent.Reply, error) {
		text := r.System + "\n" + r.User
		for key, list := range replies {
			if strings.Contains(text, key) {
				n := asked[key]
				asked[key]++
				return agent.Reply{Text: list[n%len(list)], Tokens: 1, PromptTokens: 2}, nil
			}
		}
		return agent.Reply{}, fmt.Errorf("no reply to %q", text)
	}, asked
}

var sum = coat.Problem{ID: "1", Question: "What is 13 + 29?", Answer: "42"}

// A custom meta-action and a custom critic in a pipeline of language models.
func Example() {
	const check = coat.Action("check") // <|check|>, beside the paper's three
	model, _ := script(map[string][]string{
		"reason step by step": {"3 + 9 = 12.\n\n1 + 2 = 3.\n\nThe answer is \\boxed{32}."},
		"Take up the hint":    {"Step: 1 + 2 + 1 = 4.\n\nStep: Therefore, the final answer is: \\(\\boxed{42}\\)"},
	})
	critic := synth.Critic{
		// The critic knows sums: it looks for the carry, and reflects with its own action.
		FirstWrong: func(_ context.Context, _ coat.Problem, t coat.Trace, from int, _ uint64) (synth.Review, error) {
			for i, s := range t[from:] {
				if strings.Contains(s.Text, "1 + 2 = 3") {
					return synth.Review{Step: from + i, Action: check, Reflection: " where did the 1 of 12 go?", Hint: " carry it"}, nil
				}
			}
			return synth.Review{}, synth.ErrSkip
		},
		Verify: agent.Critic(model, agent.Config{}).Verify, // the model's own
	}
	config := synth.Config{
		Generate:  agent.Generator(model, agent.Config{}),
		Critic:    critic,
		Check:     reward.Answer(),
		Solutions: 1,
		Actions:   coat.NewActions(check, coat.Continue, coat.Reflect, coat.Explore),
	}
	for d, err := range synth.Demos(context.Background(), slices.Values([]coat.Problem{sum}), config) {
		if err != nil {
			panic(err)
		}
		fmt.Println(d.Kind)
		for _, s := range d.Trace {
			fmt.Printf("%s%s\n", s.Action, s.Text)
		}
	}
	// Output:
	// III-I
	// 3 + 9 = 12.
	// <|continue|> 1 + 2 = 3.
	// <|check|> where did the 1 of 12 go?
	// <|explore|> carry it
	// <|continue|> 1 + 2 + 1 = 4.
	// <|continue|> Therefore, the final answer is: \(\boxed{42}\)
}

// Agents with a prompt, an opener and a way to split of a program's own.
func ExamplePrompt() {
	solve := template.Must(template.New("solve").Parse("Solve in two lines: {{.Problem.Question}}"))
	verify := template.Must(template.New("verify").Parse("Look at {{range .Steps}}[{{.N}}] {{.Text}} {{end}}and write Verify: why"))
	config := agent.Config{
		Prompts:     agent.Prompts{Solve: agent.Prompt{User: solve}, Verify: agent.Prompt{User: verify}}, // the others are built in
		Openers:     agent.Openers{Verify: []string{"Is that so?"}},
		Split:       func(text string) []string { return agent.Steps(strings.ReplaceAll(text, "; ", "\n")) },
		Temperature: new(0.0), // greedy
	}
	model := func(_ context.Context, r agent.Request) (agent.Reply, error) {
		fmt.Printf("asked at temperature %v: %s\n", r.Temperature, r.User)
		if strings.HasPrefix(r.User, "Solve") {
			return agent.Reply{Text: `Step 1: 6 · 7 = 42; Step 2: \boxed{42}`}, nil
		}
		return agent.Reply{Text: "Verify: 42 / 7 is 6."}, nil
	}
	ctx, problem := context.Background(), coat.Problem{Question: "What is 6 · 7?", Answer: "42"}
	trace, err := agent.Generator(model, config)(ctx, problem, nil, 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(trace)
	review, err := agent.Critic(model, config).Verify(ctx, problem, trace, 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(review.Reflection)
	// Output:
	// asked at temperature 0: Solve in two lines: What is 6 · 7?
	// 6 · 7 = 42<|continue|> \boxed{42}
	// asked at temperature 0.2: Look at [1] 6 · 7 = 42 and write Verify: why
	//  Is that so? 42 / 7 is 6.
}

func TestSteps(t *testing.T) {
	for text, want := range map[string][]string{
		"a\n\nb\n \nc":                       {"a", "b", "c"},
		"a\nb":                               {"a", "b"},
		"Step: a\r\n\r\n**Step 2:** b":       {"a", "b"},
		"Step 1. a\nStep 2) b":               {"a", "b"},
		"x\ny\n\nz":                          {"x\ny", "z"},
		"Steps are easy\n\n### Step 3: done": {"Steps are easy", "done"},
		"  ":                                 nil,
	} {
		if got := agent.Steps(text); !slices.Equal(got, want) {
			t.Errorf("Steps(%q) = %q, want %q", text, got, want)
		}
	}
}

// A critic's reply that cannot be read is asked for once more, with a reminder.
func TestAgain(t *testing.T) {
	trace, _ := coat.Parse(`a<|continue|> b<|continue|> \boxed{32}`)
	for _, c := range []struct {
		replies []string
		asked   int
		step    int
		err     error
	}{
		{[]string{"In Step 2: it is wrong.\nAlternatively: add."}, 1, 1, nil},
		{[]string{"**Step 2**: it is wrong.\n**Alternatively:** add."}, 1, 1, nil},
		{[]string{"I like it.", "Step 3: it is wrong.\n\nAlternatively, add."}, 2, 2, nil},
		{[]string{"In Step 9: it is wrong.\nAlternatively: add."}, 2, 0, synth.ErrUnparsable},
		{[]string{"In Step 2: the ground truth differs.\nAlternatively: add."}, 2, 0, synth.ErrUnparsable},
		{[]string{"In Step 2: <|im_end|>\nAlternatively: add."}, 2, 0, synth.ErrUnparsable},
	} {
		m, asked := script(map[string][]string{"came to a wrong answer": c.replies})
		r, err := agent.Critic(m, agent.Config{}).FirstWrong(context.Background(), sum, trace, 0, 1)
		if !errors.Is(err, c.err) || asked["came to a wrong answer"] != c.asked {
			t.Errorf("%q: %v after %d calls", c.replies, err, asked["came to a wrong answer"])
		} else if err == nil && (r.Step != c.step || !strings.HasSuffix(r.Reflection, "it is wrong.") || !strings.HasSuffix(r.Hint, "add.")) {
			t.Errorf("%q: %+v", c.replies, r)
		}
	}
	if !errors.Is(synth.ErrUnparsable, synth.ErrSkip) {
		t.Error("a garbled reply does not pass")
	}
}

func TestJudgeAndMeter(t *testing.T) {
	m, _ := script(map[string][]string{"from 0 to 10": {"good", "Mark: 7.5 of 10"}})
	meter := agent.Meter{Budget: 6, Prices: map[string]agent.Price{"judge": {Prompt: 1e6, Reply: 10e6}}}
	judge := agent.Judge(meter.Count("judge", m), agent.Config{})
	mark, err := judge(context.Background(), coat.Demo{Problem: sum})
	if err != nil || mark != 7.5 {
		t.Errorf("mark %v, %v", mark, err)
	}
	if u := meter.Usage()["judge"]; u != (agent.Usage{Calls: 2, PromptTokens: 4, Tokens: 2, Cost: 24}) {
		t.Errorf("%+v", u)
	}
	if _, err := judge(context.Background(), coat.Demo{Problem: sum}); !errors.Is(err, agent.ErrBudget) {
		t.Errorf("after the budget: %v", err)
	}
}

// The generator tells its prompts apart by the end of the prefix, and does not write
// what stands there.
func TestGenerator(t *testing.T) {
	m, asked := script(map[string][]string{
		"which are right": {"a\n\nStep: b\n\nStep: \\boxed{1}"},
		"Feedback: no":    {"Step: \\boxed{2}"},
	})
	g := agent.Generator(m, agent.Config{})
	verified, _ := coat.Parse("a<|reflect|> yes")
	more, err := g(context.Background(), sum, verified, 0)
	if err != nil || more.String() != `<|continue|> b<|continue|> \boxed{1}` {
		t.Errorf("%q, %v", more, err)
	}
	wrong, _ := coat.Parse("a<|reflect|> no<|explore|> so")
	if more, err = g(context.Background(), sum, wrong, 0); err != nil || more.String() != `<|continue|> \boxed{2}` {
		t.Errorf("%q, %v", more, err)
	}
	if asked["which are right"] != 1 || asked["Feedback: no"] != 1 {
		t.Errorf("asked %v", asked)
	}
	cut := func(context.Context, agent.Request) (agent.Reply, error) {
		return agent.Reply{Text: "a", Truncated: true}, nil
	}
	if _, err := agent.Generator(cut, agent.Config{})(context.Background(), sum, nil, 0); !errors.Is(err, synth.ErrTruncated) {
		t.Errorf("cut off: %v", err)
	}
}

// Solutions of another form are cut into steps by a function of the caller's.
func TestSplit(t *testing.T) {
	m, _ := script(map[string][]string{"reason step by step": {`a; b; \boxed{1}`}})
	got, err := agent.Generator(m, agent.Config{Split: func(text string) []string { return strings.Split(text, "; ") }})(context.Background(), sum, nil, 0)
	if err != nil || got.String() != `a<|continue|> b<|continue|> \boxed{1}` {
		t.Errorf("%q, %v", got, err)
	}
}
