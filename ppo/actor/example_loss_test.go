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
	out, err := losses.Exec(
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
