package remote_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/remote"
	"github.com/satori-go/satori/model/tokenizer"
)

// vLLM answers as a server of vLLM does: with the ids of the tokens and their
// log-probabilities, here always "two three" and the end of the text.
func vLLM(w http.ResponseWriter, r *http.Request) {
	json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{
		"finish_reason": "stop",
		"token_ids":     []int32{3, 4, 1},
		"logprobs":      map[string]any{"token_logprobs": []float32{-0.5, -0.25, -0.125}},
	}}})
}

// Rollouts are sampled by a server; the model on this machine gives the tokenizer. A trainer
// compares the server's log-probabilities with those of its own weights.
func ExampleRemote() {
	server := httptest.NewServer(http.HandlerFunc(vLLM)) // in life: vllm serve DIR
	defer server.Close()
	far, err := remote.New(remote.Config{URL: server.URL + "/v1", Model: "policy"})
	if err != nil {
		log.Fatal(err)
	}
	defer far.Close()

	backend, err := model.OpenBackend("go")
	if err != nil {
		log.Fatal(err)
	}
	words, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> one two three"), coat.Actions{}.Tokens())
	if err != nil {
		log.Fatal(err)
	}
	net, err := model.NewNet(backend, model.Config{VocabSize: words.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 32, EOS: 1}, 1)
	if err != nil {
		log.Fatal(err)
	}
	lm, err := model.NewLM(net, words)
	if err != nil {
		log.Fatal(err)
	}

	starts := []coat.Start{{Problem: coat.Problem{Question: "one"}}}
	sampling := model.SamplingParams{MaxTokens: 8, Temperature: 1, Sampler: far}
	for rollout, err := range sampling.Rollouts(context.Background(), lm, coat.Bare, slices.Values(starts)) {
		if err != nil {
			log.Fatal(err)
		}
		own, err := lm.LogProbs(context.Background(), [][]int32{slices.Concat(rollout.Prompt, rollout.Tokens)})
		if err != nil {
			log.Fatal(err)
		}
		own[0] = own[0][len(rollout.Prompt)-1:] // those of the new tokens
		fmt.Printf("%q %v\n", rollout.Text, rollout.LogProbs)
		fmt.Println(len(own[0]), "log-probabilities of this machine's weights")
	}
	// Output:
	// "two three" [-0.5 -0.25 -0.125]
	// 3 log-probabilities of this machine's weights
}
