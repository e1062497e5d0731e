package rae_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/eval"
)

// Two attempts at one problem become a state of D+ and one of D−.
func Example() {
	problem := coat.Problem{ID: "1", Question: "| 20 40 | 40 29 | 20 10 | 10 9 / 20 9 =", Answer: "20 10 9"}
	start := coat.Start{Problem: problem}
	right := coat.Attempt{Start: start, Text: `20 10 <|continue|> 10 9 <|continue|> \boxed{ 20 10 9 }`}
	wrong := coat.Attempt{Start: start, Text: `20 40 <|continue|> 40 29 <|continue|> \boxed{ 20 40 29 }`}
	attempts, err := reward.Judge(context.Background(), reward.Exact, []coat.Attempt{right, wrong}, 0)
	if err != nil {
		panic(err)
	}
	buffer, err := rae.Build(attempts, rae.Config{Seed: 1})
	if err != nil {
		panic(err)
	}
	fresh := slices.Values([]coat.Start{start})
	for s := range buffer.Mix(fresh, rae.Shares{}, rand.New(rand.NewPCG(1, 2))) {
		fmt.Printf("%v %q\n", s.Prior, s.Prefix.String())
	}
	// Output:
	// right "20 10 <|continue|> 10 9 <|reflect|>"
	// original ""
	// wrong "20 40 <|continue|> 40 29 <|reflect|>"
}

// Where nothing is cut the state asks for a second attempt. What cannot be cut is refused.
func ExampleCut() {
	attempt := coat.Judged{Attempt: coat.Attempt{Text: `20 40 <|continue|> \boxed{ 20 40 }`}, Outcome: coat.Wrong}
	for back := range 3 {
		start, err := rae.Cut(attempt, back, coat.Reflect)
		if err != nil {
			panic(err)
		}
		fmt.Println(start.Prefix)
	}
	attempt.Truncated = true
	_, err := rae.Cut(attempt, 0, coat.Reflect)
	fmt.Println("at the token limit:", errors.Is(err, rae.ErrTruncated))
	attempt.Truncated, attempt.Text = false, "20 <|continue|>"
	_, err = rae.Cut(attempt, 0, coat.Reflect)
	fmt.Println("no whole steps:", errors.Is(err, rae.ErrBroken))
	// Output:
	// 20 40 <|continue|> \boxed{ 20 40 } <|reflect|>
	// 20 40 <|reflect|>
	// 20 40 <|reflect|>
	// at the token limit: true
	// no whole steps: true
}

// Second attempts alone: nothing is cut. The counts say what became of the attempts.
func ExampleBuild() {
	var attempts []coat.Judged
	for _, a := range []struct {
		problem, text string
		outcome       coat.Outcome
	}{
		{"easy", `\boxed{1}`, coat.Right},
		{"hard", `\boxed{2}`, coat.Wrong},
		{"useful", `a <|continue|> \boxed{1}`, coat.Right},
		{"useful", `b <|continue|> \boxed{2}`, coat.Wrong},
	} {
		problem := coat.Problem{ID: a.problem, Answer: "1"}
		attempts = append(attempts, coat.Judged{Attempt: coat.Attempt{Start: coat.Start{Problem: problem}, Text: a.text}, Outcome: a.outcome})
	}
	buffer, err := rae.Build(attempts, rae.Config{MaxBack: new(0)})
	if err != nil {
		panic(err)
	}
	for _, s := range slices.Concat(buffer.Right, buffer.Wrong) {
		fmt.Println(s.Prior, s.Prefix)
	}
	fmt.Printf("%+v\n", buffer.Counts)
	// Output:
	// right a <|continue|> \boxed{1} <|reflect|>
	// wrong b <|continue|> \boxed{2} <|reflect|>
	// {Attempts:2 Truncated:0 Broken:0 Long:0 Dropped:0 Problems:3 Kept:1 AllRight:1 AllWrong:1 Unusable:0}
}

// Restarts with a fourth action: attempts are cut at its steps, and the states end in it.
func ExampleConfig_action() {
	const plan = coat.Action("plan")
	problem := coat.Problem{ID: "1", Question: "What is 2 + 3 · 4?", Answer: "14", Actions: coat.NewActions(plan, coat.Continue, coat.Reflect, coat.Explore)}
	start := coat.Start{Problem: problem}
	attempts, err := reward.Judge(context.Background(), reward.Exact, []coat.Attempt{
		{Start: start, Text: `3 · 4 = 12 <|plan|> add 2 <|continue|> \boxed{14}`},
		{Start: start, Text: `2 + 3 = 5 <|plan|> multiply by 4 <|continue|> \boxed{20}`},
	}, 0)
	if err != nil {
		panic(err)
	}
	buffer, err := rae.Build(attempts, rae.Config{Action: plan, Seed: 1})
	if err != nil {
		panic(err)
	}
	for _, s := range slices.Concat(buffer.Right, buffer.Wrong) {
		fmt.Println(s.Prior, s.Prefix)
	}
	fmt.Println("steps with a plan:", eval.Summarize(attempts).Form.Others[plan])

	// A reward for planning again, as a Func that reads the trace.
	planned := func(_ context.Context, a coat.Attempt) (float64, error) {
		trace, err := a.Trace()
		if err != nil {
			return 0, nil // no trace, no reward
		}
		for _, step := range trace[min(len(trace), len(a.Start.Prefix)):] {
			if step.Action == plan {
				return 1, nil
			}
		}
		return 0, nil
	}
	rubric := reward.Rubric{{Name: "planned", Weight: 0.5, Func: planned}, {Name: "format", Func: reward.Format}}
	again := coat.Attempt{Start: buffer.Wrong[0], Text: ` first the product <|plan|> 12, then add <|continue|> \boxed{14}`}
	scores, err := rubric.Score(context.Background(), []coat.Attempt{again}, 0)
	if err != nil {
		panic(err)
	}
	fmt.Println(reward.Means(scores))
	// Output:
	// right 3 · 4 = 12 <|plan|> add 2 <|continue|> \boxed{14} <|plan|>
	// wrong 2 + 3 = 5 <|plan|>
	// steps with a plan: 1
	// map[format:1 planned:1]
}

// A buffer that follows the policy: the loop adds what the policy makes, old states are
// dropped, and an interrupted mixture continues from a checkpoint.
func ExampleMixer() {
	problems := []coat.Problem{{ID: "1", Question: "q", Answer: "1"}, {ID: "2", Question: "r", Answer: "1"}}
	begin := func() (*rae.Buffer, *rae.Mixer) {
		b := &rae.Buffer{Config: rae.Config{Capacity: 100, MaxAge: 2}}
		return b, rae.NewMixer(b, rae.Shares{Fresh: 1, Right: 1, Wrong: 1}, 7)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	buffer, mixer := begin()
	var checkpoint []byte
	for start := range mixer.Starts(coat.Starts(problems)) {
		fmt.Printf("%d: %v %q\n", mixer.Position(), start.Prior, start.Prefix.String())

		// The policy answers, the answer is judged, and the buffer learns of it.
		attempts := []coat.Attempt{{Start: start, Text: ` 2 <|continue|> \boxed{2}`}}
		judged, err := reward.Judge(context.Background(), reward.Exact, attempts, 0)
		if err != nil {
			panic(err)
		}
		if _, err := buffer.Add(judged[0], rng); err != nil {
			panic(err)
		}
		buffer.Age()
		if checkpoint, err = json.Marshal(mixer); err != nil {
			panic(err)
		}
		break // something ends the program
	}
	buffer, mixer = begin()
	if err := json.Unmarshal(checkpoint, mixer); err != nil {
		panic(err)
	}
	fmt.Println("goes on behind", mixer.Position(), "with", len(buffer.Wrong), "state")
	for start := range mixer.Starts(coat.Starts(problems)) {
		fmt.Printf("%d: %v of problem %s\n", mixer.Position(), start.Prior, start.Problem.ID)
	}
	// Output:
	// 1: original ""
	// goes on behind 1 with 1 state
	// 2: original of problem 2
	// 3: wrong of problem 1
}
