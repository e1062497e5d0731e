package tasks

import (
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"strings"

	"github.com/satori-go/satori/coat"
)

// verdict writes a check: whether what was reached is what was asked for.
func verdict(got, want string) string {
	if got == want {
		return got + " is " + want
	}
	return got + " is not " + want
}

// Separators of drills: before a step, before a check, before another way. They are words;
// demonstrations have special tokens in these places.
const (
	nextStep = " ; "
	nextTest = " . "
	nextWay  = " ! "
)

// Separators returns the words of drills in the places where demonstrations have
// meta-actions.
func Separators() map[coat.Action]string {
	return map[coat.Action]string{coat.Continue: ";", coat.Reflect: ".", coat.Explore: "!"}
}

// drilled makes a demonstration of one step.
func drilled(p coat.Problem, text string) coat.Demo {
	p.ID = "drill"
	return coat.Demo{Problem: p, Trace: coat.Trace{{Text: text}}, Kind: Drilled}
}

// played writes a way for a drill: its steps, its box if boxed is true, and its check.
func played(w way, boxed bool) string {
	text := strings.Join(w.steps, nextStep)
	if boxed {
		text += nextStep + w.box()
	}
	return text + nextTest + w.verdict()
}

// playedAll writes ways one after the other. A share of them is boxed. If share is not 0, the
// text ends in the box of the last way.
func playedAll(ways []way, rng *rand.Rand, share float64) string {
	var parts []string
	for _, w := range ways {
		parts = append(parts, played(w, rng.Float64() < share))
	}
	if share > 0 {
		parts[len(parts)-1] += nextStep + ways[len(ways)-1].box()
	}
	return strings.Join(parts, nextWay)
}

// Drilled is the kind of the demonstrations that [Task.Drill] makes.
const Drilled coat.Kind = "drill"

// heldOut yields the problems of all splits in a folder but train. It panics if they cannot
// be read, since they are part of the program.
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
