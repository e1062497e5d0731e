package tasks

import (
	"embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/synth"
)

//go:embed pathstar/*.jsonl countdown/*.jsonl
var files embed.FS

// A Task is a domain of problems with the programs that solve and check them.
type Task struct {
	Name   string
	Words  []string // every word of questions, solutions and drills, without special tokens
	Splits []string // the names for Problems

	Check     reward.Func              // 1 right, 0 wrong
	CheckGold func(coat.Problem) error // returns an error if Check cannot judge a problem

	Generate synth.Generator
	Critic   synth.Critic

	// Drill makes one line that trains a base model before any demonstration: a new
	// problem, which is in no split but train, and a response of one step. The response
	// exercises the steps of solutions, without a search and without meta-actions.
	Drill func(rng *rand.Rand, l Lesson) coat.Demo

	folder string
	read   func(question string) (puzzle, error)
}

// A Lesson says what drills exercise.
type Lesson struct {
	Level int     // the task defines levels; 0: a random level for each line
	Boxed float64 // share of the ways of a line that are boxed; 0: no boxes
}

// All lists the tasks.
func All() []Task { return []Task{PathStar(), Countdown()} }

// For finds the task that can read a question.
func For(question string) (Task, bool) {
	tasks := All()
	i := slices.IndexFunc(tasks, func(t Task) bool { _, err := t.read(question); return err == nil })
	if i < 0 {
		return Task{}, false
	}
	return tasks[i], true
}

// Problems returns the problems of a split. A problem that Check cannot judge is an error.
func (t Task) Problems(split string) ([]coat.Problem, error) {
	if !slices.Contains(t.Splits, split) {
		return nil, fmt.Errorf("tasks: %s has no split %q, want one of %s", t.Name, split, strings.Join(t.Splits, ", "))
	}
	name := t.folder + "/" + split + ".jsonl"
	problems, err := readFile(name)
	if err != nil {
		return nil, err
	}
	for i, p := range problems {
		if err := t.CheckGold(p); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err) // line i+1, as the files have no blank lines
		}
	}
	return problems, nil
}

func readFile(name string) ([]coat.Problem, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return coat.ReadProblems(f, name)
}
