package reward_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// The reward of the paper, with a function in place of its Bradley-Terry model.
func Example() {
	preference := func(context.Context, coat.Attempt) (float64, error) { return 0, nil } // σ(0) = ½
	check := reward.Memo(reward.Exact)
	rubric := reward.Rubric{
		{Name: "rule", Weight: 1, Func: reward.Correct(check)},
		{Name: "bonus", Weight: 1, Func: reward.Reflection(check, 0.5)},
		{Name: "preference", Weight: 1, Func: reward.Sigmoid(preference)},
		{Name: "words", Weight: 0, Func: reward.Length}, // a metric
		{Name: "format", Weight: 0, Func: reward.Format},
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
		words, _ := s.Part("words")
		fmt.Println(s.Total, s.Parts, words)
	}
	fmt.Println("mean rule:", reward.Means(scores)["rule"])
	// Output:
	// -0.5 [-1 0 0.5 7 1] 7
	// 1 [0 0.5 0.5 13 1] 13
	// mean rule: -0.5
}

// A reward that fails stops the scoring. The error names the term and the attempt.
func ExampleScoreError() {
	rubric := reward.Rubric{{Name: "rule", Weight: 1, Func: reward.Correct(reward.Exact)}}
	attempts := []coat.Attempt{
		{Start: coat.Start{Problem: coat.Problem{ID: "a", Answer: "1"}}, Text: `\boxed{1}`},
		{Start: coat.Start{Problem: coat.Problem{ID: "b"}}, Text: `\boxed{1}`}, // a problem without an answer
	}
	_, err := rubric.Score(context.Background(), attempts, 0)
	var failed *reward.ScoreError
	if errors.As(err, &failed) {
		fmt.Println(failed.Term, failed.Attempt, failed.Problem)
	}
	fmt.Println(err)
	// Output:
	// rule 1 b
	// reward: term "rule": attempt 1 (problem "b"): the problem has no answer to compare with
}
