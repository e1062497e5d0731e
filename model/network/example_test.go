package network_test

import (
	"context"
	"fmt"
	"log"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/network"
)

// A network scores rows of tokens. A copy of it gets a head for values, beside the one for tokens.
func Example() {
	b, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	net, err := network.New(b, decoder.Config{VocabSize: 8, Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 16}, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer net.Close()
	fmt.Println(net.Parameters(), "parameters")

	rows := [][]int32{{1, 2, 3}, {4, 5}}
	logp, err := net.TokenLogProbs(context.Background(), rows, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(logp[0]), len(logp[1]), "log-probabilities, the first is", logp[0][0])

	actor, err := net.WithHeads(2, decoder.HeadLM, "value")
	if err != nil {
		log.Fatal(err)
	}
	defer actor.Close()
	values, err := actor.Scores(context.Background(), "value", rows)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(values[0]), len(values[1]), "values")
	// Output:
	// 2864 parameters
	// 3 2 log-probabilities, the first is 0
	// 3 2 values
}
