package actor_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
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
	policy, err := actor.New(lm, lm.WithScore(1), actor.Config{
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

// A failed check is a typed error, which names the rollouts at fault.
func ExampleCheckError() {
	var err error = &ppo.CheckError{Check: ppo.CheckRatio, Rows: []int{3}, Found: "the ratio is off by 0.1", Hint: "look at the temperature"}
	if failed := (*ppo.CheckError)(nil); errors.As(err, &failed) && failed.Check == ppo.CheckRatio {
		fmt.Println("rollouts", failed.Rows, "were not sampled by this policy")
	}
	// Output:
	// rollouts [3] were not sampled by this policy
}

// A loop that continues after two iterations, each of which took two starts.
func ExampleSkip() {
	problems := []coat.Problem{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}, {ID: "e"}}
	for start := range ppo.Skip(coat.Starts(problems), 2*2) {
		fmt.Println(start.Problem.ID)
	}
	// Output:
	// e
}

// From a score to advantages: a reward of each token with a penalty for leaving the
// reference, advantages by the critic's values, and whitening over all samples.
func ExampleGAE() {
	logProbs, reference := []float64{-1, -0.5}, []float64{-1.5, -0.5}
	rewards := ppo.TokenRewards(1, logProbs, reference, 0.1)
	advantages, returns := ppo.GAE(rewards, []float64{0.25, 0.5}, 1, 0.95)
	fmt.Printf("rewards %.3f, advantages %.3f, returns %.3f\n", rewards, advantages, returns)
	samples := []ppo.Sample{{Advantages: advantages}}
	ppo.Whiten(samples)
	fmt.Printf("whitened %.3f\n", samples[0].Advantages)
	// Output:
	// rewards [-0.050 1.000], advantages [0.675 0.500], returns [0.925 1.000]
	// whitened [0.707 -0.707]
}
