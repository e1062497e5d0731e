package train_test

import (
	"fmt"
	"log"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/train"
)

// A learner trains a network to predict the next token. The loss is a sum over a micro-batch,
// divided by the count of the whole batch, which is the batch's one scalar.
func Example() {
	b, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	net, err := network.New(b, decoder.Config{VocabSize: 8, Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 16}, 1)
	if err != nil {
		log.Fatal(err)
	}
	crossEntropy := train.Loss{Build: func(d decoder.Decoder, in []*Node) train.Terms {
		tokens, mask, count := in[0], in[1], in[2]
		logp, entropy := d.LogProbs(d.Hidden(tokens), tokens, nil) // [batch, seq]
		return train.Terms{
			Loss: Neg(Div(ReduceAllSum(Mul(logp, mask)), count)),
			Rows: ReduceAndKeep(Mul(entropy, mask), ReduceSum, -1), // [batch, 1]
		}
	}}
	learner := train.NewLearner(net, crossEntropy, train.AdamW{})
	defer learner.Close()

	// Two rows; the mask leaves out the first token of each, which has no log-probability.
	batch := train.Batch{
		Rows: []train.Row{
			{IDs: []int32{1, 2, 3, 4}, Columns: [][]float32{{1, 1, 1}}},
			{IDs: []int32{5, 6}, Columns: [][]float32{{1}}},
		},
		Scalars: []float32{4},
	}
	schedule := train.Schedule{Peak: 1e-2, WarmupRatio: 0.1, MinLRRatio: 0.1}
	var first, last train.Stat
	for step := range 40 {
		if last, err = learner.Step(batch, schedule.Rate(step, 40)); err != nil {
			log.Fatal(err)
		}
		if step == 0 {
			first = last
		}
	}
	fmt.Println(learner.Steps(), "steps of", last.Tokens, "tokens")
	fmt.Println("the loss falls to a tenth:", last.Loss < first.Loss/10)
	fmt.Println("the entropy of row 1 falls:", last.Rows[1][0] < first.Rows[1][0])
	// Output:
	// 40 steps of 6 tokens
	// the loss falls to a tenth: true
	// the entropy of row 1 falls: true
}

// A learning rate warms up over a tenth of the updates and then falls to a tenth of its peak.
func ExampleSchedule() {
	s := train.Schedule{Peak: 1, WarmupRatio: 0.1, MinLRRatio: 0.1}
	for _, update := range []int{0, 10, 55, 100} {
		fmt.Printf("%.2f ", s.Rate(update, 100))
	}
	fmt.Println()
	// Output:
	// 0.00 1.00 0.55 0.10
}
