package actor_test

import (
	"fmt"
	"log"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo/actor"
)

// The losses of four tokens, in a graph.
func ExamplePolicyLoss() {
	backend, err := model.OpenBackend("go")
	if err != nil {
		log.Fatal(err)
	}
	losses, err := graph.NewExec(backend, func(ratio, advantage, value, old, ret *graph.Node) (policy, critic *graph.Node) {
		return actor.PolicyLoss(ratio, advantage, 0.2, 0.2), actor.ValueLoss(value, old, ret, 0.2)
	})
	if err != nil {
		log.Fatal(err)
	}
	out, err := losses.Call(
		[][]float32{{1, 1.5, 1.5, 0.5}}, [][]float32{{2, 2, -2, -2}}, // the clip bounds the second and the fourth
		[][]float32{{1, 1, 1, 1}}, [][]float32{{1, 0.9, 0.5, 1}}, [][]float32{{0, 0, 0, 1}}, // that of values none here
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("policy %.2f\ncritic %.2f\n", out[0].Value(), out[1].Value())
	// Output:
	// policy [[-2.00 -2.40 3.00 1.60]]
	// critic [[0.50 0.50 0.50 0.00]]
}

// What the estimators of the divergence make of a token that the policy likes more than the
// reference does, and of one that it likes less.
func ExampleK1() {
	backend, err := model.OpenBackend("go")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range []actor.KLEstimator{actor.K1(), actor.K2(), actor.K3(), actor.K3Plus()} {
		out, err := graph.CallOnce(backend, e.Func, [][]float32{{-1, -2}}, [][]float32{{-1.5, -1.5}})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%-3s %.3f\n", e.Name, out.Value())
	}
	// Output:
	// k1  [[0.500 -0.500]]
	// k2  [[0.125 0.125]]
	// k3  [[0.107 0.149]]
	// k3+ [[0.107 0.149]]
}

// The weight of a token of a response of 1 token and of one of 3, in the loss of both.
func ExampleLossAgg() {
	for _, a := range []actor.LossAgg{actor.TokenMean(), actor.SeqMeanTokenMean(), actor.SeqMeanTokenSumNorm(4)} {
		fmt.Printf("%s: %.3f %.3f\n", a.Name, a.Weight(2, 4, 1), a.Weight(2, 4, 3))
	}
	// Output:
	// token-mean: 0.250 0.250
	// seq-mean-token-mean: 0.500 0.167
	// seq-mean-token-sum-norm 4: 0.125 0.125
}
