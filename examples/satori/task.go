package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/pipeline"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/tokenizer"
)

// A run is a pipeline with the recipe and the problems of a task.
type run struct {
	*pipeline.Run
	recipe   Recipe
	task     tasks.Task
	cot      bool                      // also train the chain-of-thought baseline
	quick    bool                      // a smoke test
	split    string                    // that models are evaluated on
	problems map[string][]coat.Problem // by split
}

// settings hold what decides the results. A directory belongs to one set of them.
type settings struct {
	Task     string `json:"task"`
	Seed     uint64 `json:"seed"`
	Backend  string `json:"backend"`
	Problems string `json:"problems,omitempty"` // SHA-256 of the file
	Split    string `json:"split"`
	Recipe   Recipe `json:"recipe"`
}

// newRun checks everything that can be checked before the first stage: the task, the
// problems, the backend, the directory.
func newRun(o options, out io.Writer) (*run, error) {
	recipe, err := recipe(o.task)
	if err != nil {
		return nil, err
	}
	if o.quick {
		recipe.quick(o.task)
	}
	if o.recipe != "" {
		if err := recipe.amend(o.recipe); err != nil {
			return nil, err
		}
	}
	i := slices.IndexFunc(tasks.All(), func(t tasks.Task) bool { return t.Name == o.task })
	r := &run{recipe: recipe, task: tasks.All()[i], cot: o.cot, quick: o.quick, split: o.split, problems: map[string][]coat.Problem{}}
	if !slices.Contains(r.task.Splits, o.split) {
		return nil, fmt.Errorf("%s has no split %q, it has %s", o.task, o.split, strings.Join(r.task.Splits, ", "))
	}
	hash, err := r.load(o.problems)
	if err != nil {
		return nil, err
	}
	backend, err := model.OpenBackend(o.backend)
	if err != nil {
		return nil, err
	}
	r.Run, err = pipeline.Open(pipeline.Config{
		Dir: o.out, Stages: stages, Until: o.until, Backend: backend, Seed: o.seed, Out: out,
		Task:     pipeline.Task{Name: o.task, Template: coat.Bare, Check: r.task.Check, MaxTokens: recipe.MaxTokens},
		Settings: settings{Task: o.task, Seed: o.seed, Backend: backend.Name(), Problems: hash, Split: o.split, Recipe: recipe},
	})
	return r, err
}

// load reads the task's problems and, instead of its training problems, those of a file, of
// which it returns the hash.
func (r *run) load(file string) (hash string, err error) {
	for _, split := range r.task.Splits {
		if r.problems[split], err = r.task.Problems(split); err != nil {
			return "", err
		}
	}
	if r.recipe.MaxLevel > 0 {
		for _, split := range []string{"train", "valid", "test"} {
			r.problems[split] = slices.DeleteFunc(r.problems[split], func(p coat.Problem) bool { return p.Level > r.recipe.MaxLevel })
		}
	}
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	r.problems["train"], err = coat.ReadProblems(bytes.NewReader(data), file, r.task.CheckGold)
	return fmt.Sprintf("%x", sha256.Sum256(data)), err
}

// evaluate evaluates a model on the split of the command line and on the hard problems.
func (r *run) evaluate(ctx context.Context, name string, lm *model.LM) error {
	test := r.Some(r.problems[r.split], r.recipe.Eval, 0x74)
	return r.Evaluate(ctx, name, lm, pipeline.Exam{
		Test: test, Hard: r.Some(r.problems["hard"], r.recipe.Eval, 0x74), Second: cmp.Or(r.recipe.Second, len(test)), Ways: r.task.Ways,
	})
}

// fresh makes the untrained model of the task. Its vocabulary is the words of the task, then
// the meta-actions.
func (r *run) fresh() (*model.LM, error) {
	words := append([]string{"<pad>", "<eos>"}, r.task.Words...)
	tok, err := tokenizer.NewWordLevel(words, coat.Actions{}.Tokens())
	if err != nil {
		return nil, err
	}
	c := r.recipe.Model
	c.VocabSize, c.Pad, c.EOS = tok.Len(), 0, 1
	net, err := model.NewNet(r.Backend, c, r.Seed)
	if err != nil {
		return nil, err
	}
	return model.NewLM(net, tok)
}

// lines makes the lines of drills, in the order of the lessons.
func (r *run) lines(d Drills) (lines []coat.Demo) {
	rng := r.Rand(0x6472)
	for _, l := range d.Lessons {
		for range l.Lines {
			lines = append(lines, r.task.Drill(rng, l.Lesson))
		}
	}
	return lines
}

// page says what the report shows.
func (r *run) page() pipeline.Page {
	p := pipeline.Page{
		Title:       "Satori: " + r.task.Name,
		Evaluations: []string{"ft", "rl", "round2", "cot_ft", "cot_rl"},
		Before:      "ft", After: "rl", Last: "round2",
		Notes: []string{
			fmt.Sprintf("Task: %s. A small transformer, trained from random weights in this run, on one machine.", r.task.Name),
			"Programs made the demonstrations, not language models: a generator that makes plausible mistakes, and an exact critic.",
			"An exact check decides whether an attempt is right.",
			fmt.Sprintf("The figures are measured on the %s problems of the task, none of which is a training problem. "+
				"Hard problems are harder than any training problem.", r.split),
			"The chain-of-thought baseline, if it was trained, has the same base model, the demonstrations without " +
				"reflection and exploration, the same reward model and the same number of rollouts. " +
				"It has no restarts, since these begin with a reflection.",
		},
	}
	if r.quick {
		p.Notes = slices.Insert(p.Notes, 0, "This run is a smoke test (-quick): it shows that every stage works, on small numbers. "+
			"Accuracies near 0 % are expected. They say nothing about the method.")
	}
	return p
}
