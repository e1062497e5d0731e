// Embed shows how your own program uses the library. It makes a small model and trains it by
// PPO with a reward that is a Go function: the model learns to write the word green.
//
//	go run ./examples/embed
package main

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/backend/allocator"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/reward"
)

func main() {
	allocator.Tune()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	backend, err := model.OpenBackend("") // XLA where it is installed, or else Go
	if err != nil {
		return err
	}
	// A new model; model.Open reads one from a Hugging Face directory or a .gguf file.
	words, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> say red green blue"), coat.Actions{}.Tokens())
	if err != nil {
		return err
	}
	config := model.Config{VocabSize: words.Len(), Dim: 32, IntermediateSize: 64, Layers: 1, Heads: 2, MaxPositions: 64, EOS: 1}
	net, err := model.NewNet(backend, config, 1)
	if err != nil {
		return err
	}
	lm, err := model.NewLM(net, words)
	if err != nil {
		return err
	}

	// A reward is a function of an attempt. This one counts the word green.
	green := func(_ context.Context, a coat.Attempt) (float64, error) {
		return float64(strings.Count(a.Text, "green")), nil
	}
	rubric := reward.Rubric{
		{Name: "green", Weight: 1, Func: green},
		{Name: "length", Func: reward.Length}, // weight 0: a metric
	}

	critic, err := net.WithHeads(2, decoder.HeadScore)
	if err != nil {
		return err
	}
	policy, err := actor.New(lm, critic, actor.Config{
		Template: coat.Bare, MaxTokens: 6, Temperature: 1, PolicyRate: 3e-3, CriticRate: 3e-3,
	})
	if err != nil {
		return err
	}
	defer policy.Close()
	trainer := ppo.Trainer{Policy: policy, Rubric: rubric, Config: ppo.Config{Iterations: 20, RolloutBatch: 64, MiniBatch: 32}}
	starts := ppo.Cycle([]coat.Problem{{ID: "1", Question: "say", Answer: "-"}}, 3)
	for step, err := range trainer.Train(ctx, starts) {
		if err != nil {
			return err
		}
		if step.Iteration%10 == 0 { // logging, evaluation and stopping are the body of your loop
			fmt.Printf("iteration %d: %.1f greens an attempt\n", step.Iteration, step.Rewards.Terms["green"])
		}
	}
	return nil
}
