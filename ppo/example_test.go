package ppo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward"
)

// A writer is what the examples train.
var (
	writer = ppo.ActorConfig{Template: coat.Bare, MaxTokens: 4, Temperature: 1, PolicyRate: 1e-2, CriticRate: 1e-2}
	likesC = reward.Rubric{{Name: "c", Weight: 1, Func: func(_ context.Context, a coat.Attempt) (float64, error) {
		return float64(strings.Count(a.Text, "c")), nil
	}}}
)

func newWriter(b model.Backend) (*ppo.ActorCritic, error) {
	lm, err := smallModel(b)
	if err != nil {
		return nil, err
	}
	return ppo.NewActorCritic(lm, lm.Net.WithScore(1), writer)
}

// A counter is a stream that goes on by itself: it knows how far it is.
type counter struct{ Drawn int }

func (c *counter) starts(yield func(coat.Start) bool) {
	for {
		c.Drawn++
		if !yield(coat.Start{Problem: coat.Problem{ID: fmt.Sprint(c.Drawn), Question: "a b"}}) {
			return
		}
	}
}

func (c *counter) save(dir string) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "counter.json"), data, 0o644)
}

func (c *counter) load(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, "counter.json"))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, c)
}

// A program that ends after two iterations of four, however that comes, and is started
// again.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	b, err := model.OpenBackend("go")
	if err != nil {
		panic(err)
	}
	program := func(end int) (err error) {
		run, err := ppo.OpenRun(dir, ppo.RunConfig{Journal: filepath.Join(dir, "journal.jsonl"), Rubric: likesC})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, run.Close()) }()
		config, err := run.Resume(ppo.Config{Iterations: 4, RolloutBatch: 4, MiniBatch: 4})
		if err != nil {
			return err
		}
		var policy *ppo.ActorCritic
		var stream counter
		if run.Last == nil {
			policy, err = newWriter(b)
		} else if err = stream.load(run.Last.Dir); err == nil {
			policy, err = run.Last.Open(b, writer)
		}
		if err != nil {
			return err
		}
		defer policy.Close()
		fmt.Println("begins behind iteration", config.Done)
		trainer := ppo.Trainer{Policy: policy, Rubric: likesC, Config: config}
		// The stream goes on by itself; the trainer passes over the starts of iterations that are done.
		for step, err := range trainer.Train(context.Background(), ppo.After(config.Done*config.RolloutBatch, stream.starts)) {
			if err != nil {
				return err
			}
			if err := run.Save(config, step, policy.SaveIn, stream.save); err != nil {
				return err
			}
			last := len(step.Samples) - 1
			fmt.Printf("iteration %d: problems %s to %s\n", step.Iteration, step.Samples[0].Start.Problem.ID, step.Samples[last].Start.Problem.ID)
			if step.Iteration == end {
				return nil
			}
		}
		return nil
	}
	for _, end := range []int{2, 4} {
		if err := program(end); err != nil {
			panic(err)
		}
	}
	// Output:
	// begins behind iteration 0
	// iteration 1: problems 1 to 4
	// iteration 2: problems 5 to 8
	// begins behind iteration 2
	// iteration 3: problems 9 to 12
	// iteration 4: problems 13 to 16
}

// From the weights that a run began with, its journal makes the same updates again.
func ExampleReplay() {
	dir, err := os.MkdirTemp("", "replay")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	b, err := model.OpenBackend("go")
	if err != nil {
		panic(err)
	}
	config := ppo.Config{Iterations: 2, RolloutBatch: 4, MiniBatch: 4, Parallel: 1}
	starts := ppo.Cycle([]coat.Problem{{ID: "1", Question: "a b"}, {ID: "2", Question: "d"}}, 1)
	journal := filepath.Join(dir, "journal.jsonl")
	asked := 0
	rubric := reward.Rubric{{Name: "c", Weight: 1, Func: func(ctx context.Context, a coat.Attempt) (float64, error) {
		asked++
		return likesC[0].Func(ctx, a)
	}}}

	policy, err := newWriter(b)
	if err != nil {
		panic(err)
	}
	run, err := ppo.OpenRun(dir, ppo.RunConfig{Journal: journal, Rubric: rubric})
	if err != nil {
		panic(err)
	}
	trainer := ppo.Trainer{Policy: policy, Rubric: rubric, Config: config}
	for step, err := range trainer.Train(context.Background(), starts) {
		if err == nil {
			err = run.Save(config, step, policy.SaveIn)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := run.Close(); err != nil {
		panic(err)
	}
	fmt.Println("scored", asked)

	again, err := newWriter(b)
	if err != nil {
		panic(err)
	}
	trainer.Policy, trainer.Rubric, err = ppo.Replay(again, ppo.ReadJournal(journal), rubric, 0)
	if err != nil {
		panic(err)
	}
	for _, err := range trainer.Train(context.Background(), starts) {
		if err != nil {
			panic(err)
		}
	}
	fmt.Println("scored", asked)
	one, _ := policy.LM.Tensor("model.norm.weight")
	two, _ := again.LM.Tensor("model.norm.weight")
	fmt.Println("the same weights:", slices.Equal(one, two))
	// Output:
	// scored 8
	// scored 8
	// the same weights: true
}
