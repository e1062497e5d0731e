package eval_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/eval"
)

func Example() {
	ctx := context.Background()
	start := coat.Start{Problem: coat.Problem{ID: "1", Answer: "20 10", Level: 2}}
	var attempts []coat.Attempt
	for _, text := range []string{
		`\boxed{20 40} <|reflect|> 40 is not 10 <|explore|> \boxed{20 10}`, // corrected
		`20 10 <|continue|> \boxed{20 10}`,
		`20 <|continue|> 40`,
	} {
		attempts = append(attempts, coat.Attempt{Start: start, Text: text})
	}
	judged, err := reward.Judge(ctx, reward.Exact, attempts, 0)
	if err != nil {
		panic(err)
	}
	for i := range judged {
		judged[i].Tokens = len(strings.Fields(judged[i].Text))
	}
	summary := eval.Summarize(judged)
	fmt.Printf("%.2f in [%.2f, %.2f]\n", summary.Accuracy, summary.Low, summary.High)

	correction, err := eval.SelfCorrection(ctx, judged, reward.Exact, 0)
	if err != nil {
		panic(err)
	}
	fmt.Printf("F→T %d, T→F %d\n", correction.F2T, correction.T2F)

	summary.SelfCorrection = &correction
	json.NewEncoder(os.Stdout).Encode(summary.Levels)
	// Output:
	// 0.67 in [0.21, 0.94]
	// F→T 1, T→F 0
	// [{"level":2,"n":3,"accuracy":0.6666666666666666,"low":0.20765960080204768,"high":0.9385080552796037,"mean_tokens":6}]
}

// What the traces of a policy look like, and how several attempts at a problem do together.
func ExampleSummarize() {
	start := coat.Start{Problem: coat.Problem{ID: "1", Answer: "2"}}
	attempts, err := reward.Judge(context.Background(), reward.Exact, []coat.Attempt{
		{Start: start, Text: `1 <|reflect|> no <|explore|> \boxed{2}`},
		{Start: start, Text: `\boxed{2}`},
		{Start: start, Text: `\boxed{3}`},
	}, 0)
	if err != nil {
		panic(err)
	}
	s := eval.Summarize(attempts)
	fmt.Printf("parsed %.0f, %.2f steps, %.2f reflections, %.2f explorations\n", s.Form.Parsed, s.Form.Steps, s.Form.Reflections, s.Form.Explorations)
	g := s.Groups
	fmt.Printf("%d problem with %d attempts: pass@1 %.2f, pass@3 %.0f, maj@3 %.0f\n", g.Problems, g.Size, g.Pass1, g.PassN, g.MajN)
	// Output:
	// parsed 1, 1.67 steps, 0.33 reflections, 0.33 explorations
	// 1 problem with 3 attempts: pass@1 0.67, pass@3 1, maj@3 1
}

// A vote over answers that are written in different ways.
func ExampleAnswers() {
	start := coat.Start{Problem: coat.Problem{ID: "1", Answer: "1/2"}}
	var attempts []coat.Attempt
	for _, text := range []string{`\boxed{0.5}`, `\boxed{\frac{1}{2}}`, `\boxed{2}`, `\boxed{2}`, `The answer is 1/2.`} {
		attempts = append(attempts, coat.Attempt{Start: start, Text: text})
	}
	judged, err := reward.Judge(context.Background(), reward.Answer(), attempts, 0)
	if err != nil {
		panic(err)
	}
	for _, votes := range [][]string{eval.Boxes(judged), eval.Answers(judged)} {
		share, err := eval.Majority(judged, votes)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%q: maj@5 is %v\n", votes, share)
	}
	// Output:
	// ["0.5" "\\frac{1}{2}" "2" "2" ""]: maj@5 is 0
	// ["0.5" "0.5" "2" "2" "0.5"]: maj@5 is 1
}

// Figures of one problem with three attempts, and of scores that choose among them.
func ExampleBestOfN() {
	problem := coat.Problem{ID: "1"}
	var attempts []coat.Judged
	for _, outcome := range []coat.Outcome{coat.Wrong, coat.Right, coat.Wrong} {
		attempts = append(attempts, coat.Judged{Attempt: coat.Attempt{Start: coat.Start{Problem: problem}}, Outcome: outcome})
	}
	pass, err := eval.PassAt(3, 1, 2)
	if err != nil {
		panic(err)
	}
	best, err := eval.BestOfN(attempts, []float64{0.1, 0.9, 0.4})
	if err != nil {
		panic(err)
	}
	fmt.Printf("pass@2 %.2f, best of 3 %v\n", pass, best)
	// Output:
	// pass@2 0.67, best of 3 1
}
