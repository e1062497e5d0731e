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
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/bt"
)

// A Recipe holds every number of a run. A number that is zero has the default of its field's
// documentation, mostly that of the paper.
type Recipe struct {
	Model model.Config // without vocabulary
	Base  Drills       // that the base model learns first: the facts of the task
	Boxes Drills       // that it learns then: to write an answer at any place

	Solutions int                   // first solutions of a problem in the synthesis, K
	Share     map[coat.Kind]float64 // of the demonstrations of each kind, which is kept
	Demos     int                   // demonstrations for format tuning
	FT        sft.Config

	Pairs     int // pairs of a problem for the reward model
	Problems  int // problems at which the format-tuned policy makes 8 attempts each
	RM        bt.Config
	MaxTokens int     // new tokens of an attempt at most
	Overlong  float64 // that the token limit takes from the reward of an attempt that it cuts off
	RL        ppo.Config
	Shares    rae.Shares
	Actor     actor.Config
	Critic    pipeline.Critic
	Layers    int // of a fresh critic

	Harvest int // problems at which the trained policy makes 4 attempts each for round 2
	Distill sft.Config
	Round2  ppo.Config

	Eval     int // problems of the test sets at most; 0: all
	Second   int // finished attempts that a model has to look at again, at most; 0: all
	MaxLevel int // of the problems for training and testing; 0: any
}

// Drills holds the lessons that train a base model, one after the other.
type Drills struct {
	Lessons []Lesson
	Train   sft.Config
}

// A Lesson is a number of lines of one kind.
type Lesson struct {
	tasks.Lesson
	Lines int
}

// recipe returns the default for a task. The numbers of path-star were chosen on the valid
// split, most of them with one seed, or to save time (iterations, samples). Those of countdown
// are path-star's, but for the ones below. The paper's numbers are for 7B parameters; a small
// model would not learn with them.
func recipe(task string) (Recipe, error) {
	r := Recipe{
		Model: model.Config{
			Dim: 96, IntermediateSize: 256, Layers: 4, Heads: 4, MaxPositions: 384,
			PartialRotary: 0.5, TokenShift: true, Tied: true, InitRange: 0.2,
		},
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
		Actor:     actor.Config{Temperature: 1, PolicyRate: 7e-4, CriticRate: 2e-3, ValueCoef: 0.1},
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

// amend sets the fields of the recipe that a JSON file has, under the names of config.json in a
// run. It replaces lists and maps as a whole.
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

// quick makes every stage take seconds, on the easiest problems. Such a run shows that all
// stages work, and not how well.
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
