package ppo_test

import (
	"errors"
	"fmt"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/ppo"
)

// What three estimators make of the rewards of four responses to one start, and one of the
// caller's own, which a run knows by its name.
func ExampleAdvantageEstimator() {
	best := ppo.AdvantageEstimator{Name: "best of the group", Func: func(rewards []float64) []float64 {
		advantages := make([]float64, len(rewards))
		for i, r := range rewards {
			if r == 1 {
				advantages[i] = 1
			}
		}
		return advantages
	}}
	for _, e := range []ppo.AdvantageEstimator{ppo.GRPO(), ppo.DrGRPO(), ppo.RLOO(), best} {
		fmt.Printf("%s: %.2f\n", e.Name, e.Func([]float64{1, 0, 0, 0}))
	}
	// Output:
	// grpo: [1.50 -0.50 -0.50 -0.50]
	// dr_grpo: [0.75 -0.25 -0.25 -0.25]
	// rloo: [1.00 -0.33 -0.33 -0.33]
	// best of the group: [1.00 0.00 0.00 0.00]
}

// Options whose default is not 0 can be 0, and responses that the token limit cut off can be
// left out of training, or go on in the critic's estimate.
func ExampleConfig() {
	td := ppo.Config{Iterations: 100, Lambda: ppo.Frac(0), WarmupRatio: ppo.Frac(0), Truncated: ppo.Bootstrap}
	grpo := ppo.Config{Iterations: 100, Advantage: ppo.GRPO(), NumGenerations: 8, Truncated: ppo.Mask, KL: 0.05, KLUse: ppo.UseKLLoss}
	fmt.Println(td.Lambda, td.WarmupRatio, td.MinLRRatio)
	fmt.Println(grpo.Advantage.Name, "with", grpo.NumGenerations, "responses to each start")
	// Output:
	// 0 0 default
	// grpo with 8 responses to each start
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
