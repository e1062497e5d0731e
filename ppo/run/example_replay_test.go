package run_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/ppo/run"
	"github.com/satori-go/satori/reward"
)

// From the weights that a run began with, its log makes the same updates again, without
// sampling and scoring.
func ExampleReplay() {
	dir, err := os.MkdirTemp("", "replay")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	questions := ppo.Cycle([]coat.Problem{{ID: "1", Question: "say"}}, 1)
	r := run.Run{Dir: dir, Trainer: newTrainer(), RolloutLog: filepath.Join(dir, "rollouts.jsonl")}
	for _, err := range r.Train(context.Background(), questions) {
		if err != nil {
			log.Fatal(err)
		}
	}

	again := newTrainer()
	replay, err := run.Replay(again, run.ReadLog(r.RolloutLog))
	if err != nil {
		log.Fatal(err)
	}
	for _, err := range replay.Train(context.Background(), questions) {
		if err != nil {
			log.Fatal(err)
		}
	}
	weights := func(t ppo.Trainer) []float32 {
		w, _ := t.Policy.(*actor.Policy).LM.Tensor("model.norm.weight")
		return w
	}
	fmt.Println("the same weights:", slices.Equal(weights(r.Trainer), weights(again)))
	// Output:
	// the same weights: true
}

// newTrainer makes a trainer with fresh weights.
func newTrainer() ppo.Trainer {
	backend, err := model.OpenBackend("go")
	if err != nil {
		log.Fatal(err)
	}
	lm, err := model.Open(backend, "../testdata/words")
	if err != nil {
		log.Fatal(err)
	}
	critic, err := lm.Net.WithHeads(1, decoder.HeadScore)
	if err != nil {
		log.Fatal(err)
	}
	policy, err := actor.New(lm, critic, actor.Config{
		Template: coat.Bare, MaxTokens: 4, Temperature: 1, PolicyRate: 1e-2, CriticRate: 1e-2,
	})
	if err != nil {
		log.Fatal(err)
	}
	return ppo.Trainer{
		Policy: policy,
		Rubric: reward.Rubric{{Name: "green", Weight: 1, Func: func(_ context.Context, a coat.Attempt) (float64, error) {
			return float64(strings.Count(a.Text, "green")), nil
		}}},
		Config: ppo.Config{Iterations: 4, RolloutBatch: 4, MiniBatch: 4},
	}
}
