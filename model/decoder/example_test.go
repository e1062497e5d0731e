package decoder_test

import (
	"fmt"
	"log"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
)

// A config lists its tensors; bound in a graph they make a decoder. The tensors here are zero, so
// every token is equally likely.
func Example() {
	config, err := decoder.Config{VocabSize: 8, Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 16, Tied: true}.Resolve()
	if err != nil {
		log.Fatal(err)
	}
	b, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	var inputs []any
	for _, s := range config.Specs() {
		inputs = append(inputs, backend.Floats(make([]float32, s.Size()), s.Dims...))
	}
	inputs = append(inputs, backend.Ints([]int32{1, 2, 3}, 1, 3)) // tokens [batch, seq]
	fmt.Println(len(config.Specs()), "tensors, the first is", config.Specs()[0].Name)

	logp, err := CallOnce(b, func(in []*Node) *Node {
		d, rest := config.Bind(in)
		tokens := rest[0]
		logp, _ := d.LogProbs(d.Hidden(tokens), tokens, nil) // [batch, seq]
		return logp
	}, inputs...)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(logp)
	// Output:
	// 11 tensors, the first is model.embed_tokens.weight
	// [1][3]float32{{0, -2.079, -2.079}}
}
