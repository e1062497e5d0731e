package run_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/ppo/run"
	"github.com/satori-go/satori/reward"
)

// A program that ends in its third iteration and is started again: the run continues after
// the second, which was saved.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for start := range 2 {
		var rewards []float64 // kept in the checkpoints
		r := run.Run{Dir: dir, Trainer: trainer(), Attach: map[string]any{"rewards": &rewards}}
		for step, err := range r.Train(context.Background(), starts) {
			if err != nil {
				log.Fatal(err)
			}
			if rewards = append(rewards, step.Rewards.Total); step.Iteration == 3 && start == 0 {
				break // as if the program were killed here
			}
			fmt.Printf("iteration %d of %d, after %d before\n", step.Iteration, step.Of, r.Resumed.Iteration)
		}
		fmt.Println(len(rewards), "rewards")
	}
	// Output:
	// iteration 1 of 4, after 0 before
	// iteration 2 of 4, after 0 before
	// 3 rewards
	// iteration 3 of 4, after 2 before
	// iteration 4 of 4, after 2 before
	// 4 rewards
}

// trainer makes the trainer of a run that begins. The run loads a checkpoint into its policy.
func trainer() ppo.Trainer {
	backend, err := model.OpenBackend("go")
	if err != nil {
		log.Fatal(err)
	}
	lm, err := model.Open(backend, "../testdata/words")
	if err != nil {
		log.Fatal(err)
	}
	critic, err := lm.Net.WithHeads(1, decoder.HeadScore)
	if err != nil {
		log.Fatal(err)
	}
	policy, err := actor.New(lm, critic, actor.Config{
		Template: coat.Bare, MaxTokens: 4, Temperature: 1, PolicyRate: 1e-2, CriticRate: 1e-2,
	})
	if err != nil {
		log.Fatal(err)
	}
	return ppo.Trainer{
		Policy: policy,
		Rubric: reward.Rubric{{Name: "green", Weight: 1, Func: func(_ context.Context, a coat.Attempt) (float64, error) {
			return float64(strings.Count(a.Text, "green")), nil
		}}},
		Config: ppo.Config{Iterations: 4, RolloutBatch: 4, MiniBatch: 4},
	}
}

// starts begins anew each time that it is ranged over.
var starts = ppo.Cycle([]coat.Problem{{ID: "1", Question: "say"}}, 1)
