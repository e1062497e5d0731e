package main

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/synth"
)

// Fresh makes the untrained model of the task: its words, then the meta-actions.
func (r *Run) Fresh() (*model.LM, error) {
	words := append([]string{"<pad>", "<eos>"}, r.Task.Words...)
	tok, err := tokenizer.NewWordLevel(words, coat.Actions{}.Tokens())
	if err != nil {
		return nil, err
	}
	c := r.Recipe.Model
	c.VocabSize, c.Pad, c.EOS = tok.Len(), 0, 1
	net, err := model.NewNet(r.backend, c, r.Seed)
	if err != nil {
		return nil, err
	}
	return model.NewLM(net, tok)
}

// Lines are the drills' lines, in the order of the lessons.
func (r *Run) Lines(d Drills) (lines []coat.Demo) {
	rng := r.rand(0x6472)
	for _, l := range d.Lessons {
		for range l.Lines {
			lines = append(lines, r.Task.Drill(rng, l.Lesson))
		}
	}
	return lines
}

// Demos is a stage that synthesises demonstrations of all kinds.
func (r *Run) Demos(ctx context.Context, problems []coat.Problem) ([]coat.Demo, error) {
	const file = "demos.jsonl"
	err := r.Stage("demos", func(s *Stage) error {
		var demos []coat.Demo
		config := synth.Config{
			Generate: r.Task.Generate, Critic: r.Task.Critic, Check: r.Task.Check,
			Solutions: r.Recipe.Solutions, Share: r.Recipe.Share, Seed: r.Seed,
		}
		empty, pass := 0, uint64(0)       // passes in a row that gave nothing, and all
		for len(demos) < r.Recipe.Demos { // again with another seed where one pass is too few
			before := len(demos)
			for d, err := range synth.Demos(ctx, slices.Values(r.some(problems, 0, 0)), config) {
				if err != nil {
					return err
				}
				if demos = append(demos, d); len(demos)%500 == 0 {
					s.Step("", len(demos), r.Recipe.Demos, tokens{}, nil)
				}
				if len(demos) == r.Recipe.Demos {
					break
				}
			}
			if len(demos) > before {
				empty = 0
			} else if empty++; empty == 20 { // Recipe.Share drops most of those of few problems
				return errors.New("the synthesis gave no demonstrations of these problems")
			}
			pass++
			config.Seed = sampler.FoldIn(r.Seed, pass)
		}
		return writeLines(r, file, demos)
	})
	if err != nil {
		return nil, err
	}
	return readLines[coat.Demo](r, file)
}

// some is the first n of problems in an order of the seed's; all where n is 0.
func (r *Run) some(problems []coat.Problem, n int, salt uint64) []coat.Problem {
	if n == 0 || n > len(problems) {
		n = len(problems)
	}
	var list []coat.Problem
	for _, i := range r.rand(salt).Perm(len(problems))[:n] {
		list = append(list, problems[i])
	}
	return list
}

// Fits tells whether a start leaves room for a whole attempt.
func (r *Run) Fits(lm *model.LM) func(coat.Start) bool {
	return func(s coat.Start) bool {
		ids, err := lm.Prompt(coat.Bare, s)
		return err == nil && len(ids)+r.Recipe.MaxTokens <= lm.Config.MaxPositions
	}
}

func (r *Run) rand(salt uint64) *rand.Rand {
	return rand.New(rand.NewPCG(sampler.FoldIn(r.Seed, salt), 0x7361746f))
} // "sato"

// Restarts makes the buffers D+ and D− from attempts.
func (r *Run) Restarts(attempts []coat.Judged, fits func(coat.Start) bool) (*rae.Buffer, error) {
	return rae.Build(attempts, rae.Config{Seed: r.Seed, Fits: fits})
}

// times repeats each start n times in a row.
func times(n int, starts iter.Seq[coat.Start]) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		for s := range starts {
			for range n {
				if !yield(s) {
					return
				}
			}
		}
	}
}
