package reward_test

import (
	"context"
	"fmt"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// The reward of the paper, with a stand-in for its Bradley-Terry model.
func Example() {
	preference := func(context.Context, coat.Attempt) (float64, error) { return 0, nil } // σ(0) = ½
	check := reward.Memo(reward.Exact)
	rubric := reward.Rubric{
		{Name: "rule", Weight: 1, Func: reward.Correct(check)},
		{Name: "bonus", Weight: 1, Func: reward.Reflection(check, 0.5)},
		{Name: "preference", Weight: 1, Func: reward.Sigmoid(preference)},
		{Name: "words", Weight: 0, Func: reward.Length}, // a metric
	}

	problem := coat.Problem{ID: "1", Question: "| 20 40 | 20 10 | 10 9 / 20 9 =", Answer: "20 10 9"}
	fromWrong := coat.Start{
		Problem: problem,
		Prefix:  coat.Trace{{Text: "20 40 "}, {Action: coat.Reflect}},
		Prior:   coat.Wrong,
	}
	attempts := []coat.Attempt{
		{Start: coat.Start{Problem: problem}, Text: `20 40 <|continue|> \boxed{ 20 40 }`},
		{Start: fromWrong, Text: ` 40 is not 9 <|explore|> 20 10 <|continue|> \boxed{ 20 10 9 }`},
	}
	scores, err := rubric.Score(context.Background(), attempts, 2)
	if err != nil {
		panic(err)
	}
	for _, s := range scores {
		fmt.Println(s.Total, s.Parts)
	}
	// Output:
	// -0.5 [-1 0 0.5 7]
	// 1 [0 0.5 0.5 13]
}
