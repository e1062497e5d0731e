package rae

import (
	"cmp"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/satori-go/satori/coat"
)

// Shares says in which proportions starts are mixed. The zero value is the paper's 1:1:1.
type Shares struct {
	Fresh, Right, Wrong uint
}

// Mix interleaves fresh starts with restarts. It goes in rounds, each with as many
// fresh starts, D+ and D− as the shares say, in random order. Fresh starts come in
// their own order. D+ and D− are shuffled; each state comes once before any comes again.
// A side of the buffer that is empty has no share.
//
// The mixture ends after the round in which the fresh starts end, and is endless where
// they are. Where they have no share it is endless, too, or empty if no side of the
// buffer has one.
//
// The mixture may be ranged over more than once if fresh may. The order is another one
// each time, since the state of rng moves on. An rng with the same seed makes the same
// mixture of a buffer that does not change. A [Mixer] can continue in the middle of a
// mixture, and of a buffer that changes.
func (b *Buffer) Mix(fresh iter.Seq[coat.Start], shares Shares, rng *rand.Rand) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		m := Mixer{buffer: b, shares: shares.resolved(), rng: rng}
		m.Starts(fresh)(yield)
	}
}

func (s Shares) resolved() Shares { return cmp.Or(s, Shares{1, 1, 1}) }

// Problems returns the problems with a state in D+ or D−, each once: the x of algorithm 1,
// at which the format-tuned policy is neither always right nor always wrong.
func (b *Buffer) Problems() []coat.Problem {
	var problems []coat.Problem
	seen := map[coat.Problem]bool{}
	for _, s := range slices.Concat(b.Right, b.Wrong) {
		if !seen[s.Problem] {
			seen[s.Problem] = true
			problems = append(problems, s.Problem)
		}
	}
	return problems
}
