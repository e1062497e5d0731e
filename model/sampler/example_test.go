package sampler_test

import (
	"context"
	"fmt"
	"log"

	"github.com/satori-go/satori/model/sampler"
)

// echo is a model that repeats the prompt.
type echo struct{}

func (echo) Sample(_ context.Context, r sampler.Request) ([]sampler.Completion, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	n := min(len(r.Prompt), r.MaxTokens)
	c := sampler.Completion{Tokens: r.Prompt[:n], LogProbs: make([]float32, n), Truncated: n < len(r.Prompt)}
	done := make([]sampler.Completion, max(1, r.N))
	for i := range done {
		done[i] = c
	}
	return done, nil
}

// Two requests are completed side by side.
func ExampleAll() {
	done, err := sampler.All(context.Background(), echo{}, []sampler.Request{
		{Prompt: []int32{7, 8}, MaxTokens: 4},
		{Prompt: []int32{1, 2, 3}, MaxTokens: 2, N: 2},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, completions := range done {
		for _, c := range completions {
			fmt.Println(c.Tokens, c.Truncated)
		}
	}
	// Output:
	// [7 8] false
	// [1 2] true
	// [1 2] true
}
