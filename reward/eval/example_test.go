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
	var results []eval.Result
	for _, text := range []string{
		`\boxed{20 40} <|reflect|> 40 is not 10 <|explore|> \boxed{20 10}`, // corrected
		`20 10 <|continue|> \boxed{20 10}`,
		`20 <|continue|> 40`,
	} {
		attempt := coat.Attempt{Start: start, Text: text}
		verdict, err := reward.Func(reward.Exact).Verdict(ctx, attempt)
		if err != nil {
			panic(err)
		}
		results = append(results, eval.Result{Attempt: attempt, Right: verdict == coat.Right, Tokens: len(strings.Fields(text))})
	}
	summary := eval.Summarize(results)
	fmt.Printf("%.2f in [%.2f, %.2f]\n", summary.Accuracy, summary.Low, summary.High)

	correction, err := eval.SelfCorrection(ctx, results, reward.Exact, 0)
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
