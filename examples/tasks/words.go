package tasks

import (
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
)

// verdict compares what was reached with what was asked for.
func verdict(got, want string) string {
	if got == want {
		return got + " is " + want
	}
	return got + " is not " + want
}

// drilled is a demonstration of one step: parts joined by a word that is none of
// the special tokens.
func drilled(p coat.Problem, parts []string) coat.Demo {
	p.ID = "drill"
	return coat.Demo{Problem: p, Trace: coat.Trace{{Text: strings.Join(parts, " ; ")}}, Kind: Drilled}
}

// played is a way as it stands in a drill: its steps, in a quarter of the cases its
// box, so that a base model can write one, and its check.
func played(w way, rng *rand.Rand) []string {
	parts := slices.Clone(w.steps)
	if rng.IntN(4) == 0 {
		parts = append(parts, w.box())
	}
	return append(parts, w.verdict())
}

// Drilled is the kind of what [Task.Drill] makes.
const Drilled coat.Kind = "drill"

// heldOut are the problems of all splits in a folder but train. They are part of the
// program, so a fault in them is one of the program.
func heldOut(folder string) iter.Seq[coat.Problem] {
	return func(yield func(coat.Problem) bool) {
		names, err := fs.Glob(files, folder+"/*.jsonl")
		for _, name := range names {
			if name == folder+"/train.jsonl" {
				continue
			}
			var problems []coat.Problem
			if problems, err = readFile(name); err != nil {
				break
			}
			for _, p := range problems {
				if !yield(p) {
					return
				}
			}
		}
		if err != nil {
			panic(fmt.Sprintf("tasks: %v", err))
		}
	}
}
