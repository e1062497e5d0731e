package actor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/remote"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/reward"
)

// vLLM answers as a server of vLLM does, here always "green blue" and the end of the text.
// It counts how often it is given new weights.
func vLLM(published *int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/completions":
			json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{
				"finish_reason": "stop", "token_ids": []int32{4, 5, 1}, "logprobs": map[string]any{"token_logprobs": []float32{-0.5, -0.25, -0.125}},
			}}})
		case "/collective_rpc": // reload_weights
			*published++
		case "/reset_prefix_cache":
		default:
			http.NotFound(w, r)
		}
	}
}

// A server makes the rollouts; this program trains, and gives the server the new weights
// before the first iteration and after each.
func ExampleConfig_sampler() {
	published := 0
	server := httptest.NewServer(vLLM(&published)) // in life: VLLM_SERVER_DEV_MODE=1 vllm serve DIR
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
	lm, err := model.Open(backend, "../testdata/words") // the model that the server has, with its tokenizer
	if err != nil {
		log.Fatal(err)
	}
	critic, err := lm.Net.WithHeads(1, decoder.HeadScore)
	if err != nil {
		log.Fatal(err)
	}
	policy, err := actor.New(lm, critic, actor.Config{
		Template: coat.Bare, MaxTokens: 4, Temperature: 1, PolicyRate: 1e-2, CriticRate: 1e-2,
		Sampler: far, // PublishDir: a directory that the server sees, too
	})
	if err != nil {
		log.Fatal(err)
	}
	defer policy.Close()

	trainer := ppo.Trainer{
		Policy: policy,
		Rubric: reward.Rubric{{Name: "green", Weight: 1, Func: func(_ context.Context, a coat.Attempt) (float64, error) {
			return float64(strings.Count(a.Text, "green")), nil
		}}},
		Config: ppo.Config{Iterations: 2, RolloutBatch: 4},
	}
	for step, err := range trainer.Train(context.Background(), ppo.Cycle([]coat.Problem{{ID: "1", Question: "say"}}, 1)) {
		if err != nil {
			log.Fatal(err)
		}
		d := step.Diagnostics
		fmt.Printf("iteration %d: reward %g, the server's log-probabilities differ: %t, the ratio is off: %t\n",
			step.Iteration, step.Rewards.Total, d.SamplerError > 0.1, d.RatioError > 1e-5)
	}
	fmt.Println("weights published", published, "times")
	// Output:
	// iteration 1: reward 1, the server's log-probabilities differ: true, the ratio is off: false
	// iteration 2: reward 1, the server's log-probabilities differ: true, the ratio is off: false
	// weights published 3 times
}
