package model_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sft"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/eval"
)

// adder makes a small model that adds, and that has learned a wrong sum.
func adder(ctx context.Context) (*model.LM, error) {
	backend, err := model.OpenBackend("go")
	if err != nil {
		return nil, err
	}
	words, err := tokenizer.NewWordLevel(strings.Fields(`<pad> <eos> 1 2 3 4 + = \boxed{ }`), coat.Actions{}.Tokens())
	if err != nil {
		return nil, err
	}
	net, err := model.NewNet(backend, model.Config{VocabSize: words.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 32, EOS: 1}, 1)
	if err != nil {
		return nil, err
	}
	lm, err := model.NewLM(net, words)
	if err != nil {
		return nil, err
	}
	var demos []coat.Demo
	for _, sum := range []string{"1 + 1 = 2", "1 + 2 = 3", "2 + 2 = 4", "3 + 1 = 3"} {
		question, gold, _ := strings.Cut(sum, "= ")
		demos = append(demos, coat.Demo{Problem: coat.Problem{Question: question + "="}, Trace: coat.Trace{{Text: `\boxed{ ` + gold + ` }`}}})
	}
	for _, err := range sft.Train(ctx, lm, coat.Bare, demos, sft.Config{LearningRate: 2e-2, Epochs: 60, Batch: 4}) {
		if err != nil {
			return nil, err
		}
	}
	return lm, nil
}

// A model is evaluated on a file of problems: the problems become starts, the starts
// rollouts, and the rollouts attempts that are judged once and counted.
func Example_evaluation() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "evaluation")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "problems.jsonl")
	if err := os.WriteFile(file, []byte(`{"id":"a","question":"1 + 1 =","answer":"2"}
{"id":"b","question":"1 + 2 =","answer":"3"}
{"id":"c","question":"2 + 2 =","answer":"4"}
{"id":"d","question":"3 + 1 =","answer":"4"}
`), 0o644); err != nil {
		log.Fatal(err)
	}
	lm, err := adder(ctx) // usually model.Open
	if err != nil {
		log.Fatal(err)
	}

	problems, err := coat.OpenProblems(file, reward.Readable)
	if err != nil {
		log.Fatal(err)
	}
	sampling := model.SamplingParams{MaxTokens: 8} // temperature 0: greedy
	var attempts []coat.Attempt
	var tokens []int
	for rollout, err := range sampling.Rollouts(ctx, lm, coat.Bare, coat.Starts(problems)) {
		if err != nil {
			log.Fatal(err)
		}
		attempts, tokens = append(attempts, rollout.Attempt), append(tokens, len(rollout.Tokens))
	}
	judged, err := reward.Judge(ctx, reward.Answer(), attempts, 0)
	if err != nil {
		log.Fatal(err)
	}
	for i := range judged {
		judged[i].Tokens = tokens[i]
		fmt.Println(judged[i].Start.Problem.ID, judged[i].Outcome)
	}
	summary := eval.Summarize(judged)
	fmt.Printf("accuracy %.2f, 95 %% interval %.2f to %.2f, %.0f tokens an attempt\n", summary.Accuracy, summary.Low, summary.High, summary.MeanTokens)
	// Output:
	// a right
	// b right
	// c right
	// d wrong
	// accuracy 0.75, 95 % interval 0.30 to 0.95, 4 tokens an attempt
}
