package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"os"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/pipeline"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sft"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/bt"
)

// A Recipe is every number of a run. What it leaves zero has the default that the
// field's own documentation names, mostly the paper's.
type Recipe struct {
	Model model.Config // without vocabulary
	Base  Drills       // what the base model is trained on: the facts
	Boxes Drills       // ... and then: to write an answer anywhere

	Solutions int                   // first solutions a problem in the synthesis, K
	Share     map[coat.Kind]float64 // of the demonstrations of each kind that is kept
	Demos     int                   // demonstrations for format tuning
	FT        sft.Config

	Pairs     int // pairs a problem for the reward model
	Problems  int // problems that the format-tuned policy is sampled on, 8 times each
	RM        bt.Config
	MaxTokens int     // new tokens an attempt
	Overlong  float64 // what an attempt loses that the token limit cuts off
	RL        ppo.Config
	Shares    rae.Shares
	Actor     ppo.ActorConfig
	Critic    pipeline.Critic
	Layers    int // of a fresh critic

	Harvest int // problems that the trained policy is sampled on for round 2, 4 times each
	Distill sft.Config
	Round2  ppo.Config

	Eval     int // problems of the test sets at most; 0: all
	Second   int // finished attempts that are put before the model again at most; 0: all
	MaxLevel int // problems of higher levels are left out of training and testing; 0: none are
}

// Drills are lines that a base model is trained on, lesson after lesson.
type Drills struct {
	Lessons []Lesson
	Train   sft.Config
}

// A Lesson is a number of lines of one sort.
type Lesson struct {
	tasks.Lesson
	Lines int
}

// recipe is the default for a task. The numbers of path-star were chosen on the valid
// split, most with one seed, or to save time (iterations, samples); those of
// countdown are path-star's where nothing else is said. Those of the paper are for 7B
// parameters and would not move a small model.
func recipe(task string) (Recipe, error) {
	r := Recipe{
		Model:     model.Config{Dim: 96, IntermediateSize: 256, Layers: 4, Heads: 4, MaxPositions: 384, PartialRotary: 0.5, TokenShift: true, Tied: true, InitRange: 0.2},
		Base:      Drills{Train: sft.Config{LearningRate: 4e-3, Batch: 8, Curriculum: true}},
		Boxes:     Drills{Train: sft.Config{LearningRate: 4e-3, Batch: 8}},
		Solutions: 24,
		Demos:     800,
		FT:        sft.Config{LearningRate: 2e-3, Batch: 16},
		Pairs:     2,
		Problems:  400,
		RM:        bt.Config{LearningRate: 1e-3, Batch: 32, Epochs: 1},
		MaxTokens: 160,
		Overlong:  1,
		RL:        ppo.Config{Iterations: 16, RolloutBatch: 256, MiniBatch: 64, CriticWarmup: 1, MinLRRatio: ppo.Frac(0.3)},
		Shares:    rae.Shares{Fresh: 8, Right: 1, Wrong: 1},
		Actor:     ppo.ActorConfig{Temperature: 1, PolicyRate: 7e-4, CriticRate: 2e-3, ValueCoef: 0.1},
		Layers:    2,
		Harvest:   600,
		Second:    300,
		Distill:   sft.Config{LearningRate: 2e-3, Batch: 16, Epochs: 4},
		Round2:    ppo.Config{Iterations: 4, RolloutBatch: 256, MiniBatch: 64, CriticWarmup: 1},
	}
	switch task {
	case "path-star":
		r.Base.Lessons = []Lesson{lesson(2, 0, 3500), lesson(3, 0, 2500), lesson(4, 0, 1500), lesson(0, 0, 4600)}
		r.Boxes.Lessons = []Lesson{lesson(0, 0.5, 3600)}
		r.Share = map[coat.Kind]float64{coat.TypeI: 1, coat.TypeII1: 0.6, coat.TypeII2: 0.5, coat.TypeIII1: 0.5, coat.TypeIII2: 0.5}
	case "countdown":
		r.Base.Lessons = []Lesson{lesson(1, 0, 15000), lesson(2, 0, 4000)}
		r.Boxes.Lessons = []Lesson{lesson(3, 0.25, 20000)}
		r.Solutions, r.Demos = 48, 8000
		r.RL.Iterations = 30
	default:
		return r, fmt.Errorf("there is no task %q; the tasks are path-star and countdown", task)
	}
	return r, nil
}

// ppo says how PPO trains a policy by the paper's reward.
func (p Recipe) ppo(check reward.Func, rm *bt.Model, starts iter.Seq[coat.Start], c ppo.Config) pipeline.Reinforcement {
	return pipeline.Reinforcement{
		Rubric: pipeline.Rubric(check, rm, p.Overlong), Starts: starts, Config: c,
		Actor: p.Actor, Critic: p.Critic, Layers: p.Layers, RewardModel: rm,
	}
}

// amend reads a JSON file with some of the recipe's fields, named as config.json of a run
// names them, and puts them in place. Lists and maps are replaced whole.
func (r *Recipe) amend(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var named struct {
		Base, Boxes struct{ Lessons []Lesson }
		Share       map[coat.Kind]float64
	}
	if err := json.Unmarshal(data, &named); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if named.Base.Lessons != nil {
		r.Base.Lessons = nil
	}
	if named.Boxes.Lessons != nil {
		r.Boxes.Lessons = nil
	}
	if named.Share != nil {
		r.Share = nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func lesson(level int, boxed float64, lines int) Lesson {
	return Lesson{tasks.Lesson{Level: level, Boxed: boxed}, lines}
}

// quick cuts every stage to seconds, on the easiest problems: it shows that all is
// there, and how it looks, not how well it works.
func (r *Recipe) quick(task string) {
	if task == "countdown" {
		r.Base.Lessons = []Lesson{lesson(1, 0, 4000), lesson(2, 0, 1000)}
		r.Boxes.Lessons = []Lesson{lesson(3, 0.25, 2000)}
	} else {
		r.Model.Layers, r.MaxLevel = 2, 2
		r.Base.Lessons = []Lesson{lesson(2, 0, 2500)}
		r.Boxes.Lessons = []Lesson{lesson(2, 0.5, 800)}
	}
	r.Demos, r.Problems, r.Harvest, r.Eval = 800, 48, 48, 100
	r.MaxTokens = 64
	r.RL.Iterations, r.RL.RolloutBatch, r.RL.CriticWarmup = 4, 64, 1
	r.Round2.Iterations, r.Round2.RolloutBatch, r.Round2.CriticWarmup = 2, 64, 1
}
