package actor_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/reward"
)

// GRPO needs no critic: eight responses to each start are compared with each other.
func ExampleGRPO() {
	backend, err := model.OpenBackend("go")
	if err != nil {
		log.Fatal(err)
	}
	lm, err := model.Open(backend, "../testdata/words")
	if err != nil {
		log.Fatal(err)
	}
	policy, err := actor.New(lm, nil, actor.Config{
		Template: coat.Bare, MaxTokens: 4, Temperature: 1, PolicyRate: 1e-2,
		LossAgg: actor.SeqMeanTokenMean(), // as in the paper of GRPO
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
		Config: ppo.Config{Iterations: 30, RolloutBatch: 32, MiniBatch: 16, NumGenerations: 8, Advantage: ppo.GRPO()},
	}
	starts := ppo.Cycle([]coat.Problem{{ID: "1", Question: "say"}, {ID: "2", Question: "say say"}}, 1)
	for step, err := range trainer.Train(context.Background(), starts) {
		if err != nil {
			log.Fatal(err)
		}
		if step.Iteration == step.Of {
			fmt.Printf("iteration %d: reward %.0f, %d groups of 8\n", step.Iteration, step.Rewards.Total, step.Diagnostics.Groups)
		}
	}
	// Output:
	// iteration 30: reward 4, 4 groups of 8
}
