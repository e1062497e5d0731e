package actor_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/reward"
)

// With an adapter only its few weights learn. The weights below it stay, so the base model
// is the reference for free.
func ExampleNew_lora() {
	backend, err := model.OpenBackend("go")
	if err != nil {
		log.Fatal(err)
	}
	base, err := model.Open(backend, "../testdata/words")
	if err != nil {
		log.Fatal(err)
	}
	lm, err := base.WithLoRA(model.LoRA{Rank: 4, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	critic, err := base.Net.WithHeads(1, decoder.HeadScore)
	if err != nil {
		log.Fatal(err)
	}
	policy, err := actor.New(lm, critic, actor.Config{
		Template: coat.Bare, MaxTokens: 4, Temperature: 1, PolicyRate: 0.1, CriticRate: 1e-2, Reference: base,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer policy.Close()

	trainer := ppo.Trainer{
		Policy: policy,
		Rubric: reward.Rubric{{Name: "green", Weight: 1, Func: func(_ context.Context, a coat.Attempt) (float64, error) {
			return float64(strings.Count(a.Text, "green")), nil
		}}},
		Config: ppo.Config{Iterations: 30, RolloutBatch: 32, MiniBatch: 16, KL: 0.001},
	}
	for step, err := range trainer.Train(context.Background(), ppo.Cycle([]coat.Problem{{ID: "1", Question: "say"}}, 1)) {
		if err != nil {
			log.Fatal(err)
		}
		if step.Iteration == step.Of {
			fmt.Printf("%.0f words are green\n", step.Rewards.Total)
		}
	}
	fmt.Printf("%d of %d weights learn\n", lm.Parameters()-base.Parameters(), lm.Parameters())
	// Output:
	// 4 words are green
	// 1088 of 3840 weights learn
}
