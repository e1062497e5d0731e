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

// A divergence from the model that training began with keeps the policy near it. Here it is
// a term of the loss, estimated by K2; with UseKLInReward it is a part of the rewards.
func ExampleKLEstimator() {
	backend, err := model.OpenBackend("go")
	if err != nil {
		log.Fatal(err)
	}
	for _, beta := range []float64{0.001, 10} {
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
			Reference: lm.Clone(), KLLoss: actor.K2(),
		})
		if err != nil {
			log.Fatal(err)
		}
		trainer := ppo.Trainer{
			Policy: policy,
			Rubric: reward.Rubric{{Name: "green", Weight: 1, Func: func(_ context.Context, a coat.Attempt) (float64, error) {
				return float64(strings.Count(a.Text, "green")), nil
			}}},
			Config: ppo.Config{Iterations: 30, RolloutBatch: 32, MiniBatch: 16, KL: beta, KLUse: ppo.UseKLLoss},
		}
		for step, err := range trainer.Train(context.Background(), ppo.Cycle([]coat.Problem{{ID: "1", Question: "say"}}, 1)) {
			if err != nil {
				log.Fatal(err)
			}
			if step.Iteration == step.Of {
				fmt.Printf("β %g: over 3 words are green: %t, over 1 nat from the reference: %t\n", beta, step.Rewards.Total > 3, step.KL > 1)
			}
		}
		policy.Close()
	}
	// Output:
	// β 0.001: over 3 words are green: true, over 1 nat from the reference: true
	// β 10: over 3 words are green: false, over 1 nat from the reference: false
}
