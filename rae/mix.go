package rae

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/satori-go/satori/coat"
)

// Shares are the proportions of a mixture of starts. The zero value is the paper's
// 1:1:1.
type Shares struct {
	Fresh, Right, Wrong int
}

// Mix interleaves fresh starts with restarts. It goes in rounds, each with as many
// fresh starts, D+ and D− as the shares say, in random order. Fresh starts come in
// their own order; D+ and D− are shuffled and gone through again and again. A side
// of the buffer that is empty has no share.
//
// The mixture ends after the round in which the fresh starts end, and is endless
// where they are, or where they have no share. It may be ranged over more than once
// where fresh may; rng is not set back. A negative share panics.
func (b *Buffer) Mix(fresh iter.Seq[coat.Start], shares Shares, rng *rand.Rand) iter.Seq[coat.Start] {
	shares = cmp.Or(shares, Shares{1, 1, 1})
	if min(shares.Fresh, shares.Right, shares.Wrong) < 0 {
		panic(fmt.Sprintf("rae: shares %+v, want none below 0", shares))
	}
	return func(yield func(coat.Start) bool) {
		right, wrong := deck{from: &b.Right, rng: rng}, deck{from: &b.Wrong, rng: rng}
		round := func(starts []coat.Start) bool {
			starts = right.deal(starts, shares.Right)
			starts = wrong.deal(starts, shares.Wrong)
			rng.Shuffle(len(starts), func(i, j int) { starts[i], starts[j] = starts[j], starts[i] })
			for _, s := range starts {
				if !yield(s) {
					return false
				}
			}
			return len(starts) > 0
		}
		if shares.Fresh == 0 {
			for round(nil) {
			}
			return
		}
		var starts []coat.Start
		for s := range fresh {
			if starts = append(starts, s); len(starts) < shares.Fresh {
				continue
			}
			if !round(starts) {
				return
			}
			starts = starts[:0]
		}
		if len(starts) > 0 {
			round(starts)
		}
	}
}

// A deck deals states in random order, all of them before any a second time. States
// that are added to the buffer come with the next shuffle.
type deck struct {
	from  *[]coat.Start
	rng   *rand.Rand
	order []int
}

func (d *deck) deal(hand []coat.Start, n int) []coat.Start {
	for ; n > 0 && len(*d.from) > 0; n-- {
		if len(d.order) == 0 {
			d.order = d.rng.Perm(len(*d.from))
		}
		hand = append(hand, (*d.from)[d.order[0]])
		d.order = d.order[1:]
	}
	return hand
}

// Problems are those with a state in D+ or D−, each once: the x of algorithm 1, for
// which the format-tuned policy is neither always right nor always wrong.
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

// Write writes D+ and then D− as JSON Lines of [coat.Start].
func (b *Buffer) Write(w io.Writer) error {
	if err := coat.WriteLines(w, slices.Values(slices.Concat(b.Right, b.Wrong))); err != nil {
		return fmt.Errorf("rae: writing the buffer: %w", err)
	}
	return nil
}

// Read reads what [Buffer.Write] wrote. The name stands in errors. A start that does
// not end in a bare <|reflect|>, or has no prior outcome, is refused.
func Read(r io.Reader, name string) (*Buffer, error) {
	b := new(Buffer)
	for s, err := range coat.ReadLines[coat.Start](r, name) {
		n := len(b.Right) + len(b.Wrong)
		switch {
		case err != nil:
			return nil, fmt.Errorf("rae: reading the buffer: %w", err)
		case len(s.Prefix) < 2 || s.Prefix[len(s.Prefix)-1] != coat.Step{Action: coat.Reflect}:
			return nil, fmt.Errorf("rae: %s: start %d does not end in a bare %v", name, n, coat.Reflect)
		case s.Prior == coat.Right:
			b.Right = append(b.Right, s)
		case s.Prior == coat.Wrong:
			b.Wrong = append(b.Wrong, s)
		default:
			return nil, fmt.Errorf("rae: %s: start %d has no prior outcome", name, n)
		}
	}
	return b, nil
}
