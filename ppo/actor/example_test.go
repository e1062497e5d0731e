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

// Train a model with a critic that starts from a copy of its trunk. The reward counts a word.
func Example() {
	backend, err := model.OpenBackend("go")
	if err != nil {
		log.Fatal(err)
	}
	lm, err := model.Open(backend, "../testdata/words") // a Hugging Face directory
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
	defer policy.Close()

	green := func(_ context.Context, a coat.Attempt) (float64, error) {
		return float64(strings.Count(a.Text, "green")), nil
	}
	trainer := ppo.Trainer{
		Policy: policy,
		Rubric: reward.Rubric{
			{Name: "green", Weight: 1, Func: green},
			{Name: "overlong", Weight: -0.1, Func: reward.Overlong},
		},
		Config: ppo.Config{Iterations: 30, RolloutBatch: 32, MiniBatch: 16},
	}
	problems := []coat.Problem{{ID: "1", Question: "say"}}
	for step, err := range trainer.Train(context.Background(), ppo.Cycle(problems, 1)) {
		if err != nil {
			log.Fatal(err)
		}
		if step.Iteration == step.Of { // what you log, evaluate or stop at is the body of the loop
			fmt.Printf("iteration %d: %.0f of at most 4 words are green\n", step.Iteration, step.Rewards.Terms["green"])
		}
	}
	// Output:
	// iteration 30: 4 of at most 4 words are green
}
