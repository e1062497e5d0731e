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
// The mixture ends after the round in which the fresh starts end, and is endless where
// they are. Where they have no share it is endless, too, or empty if no side of the
// buffer has one. A negative share panics.
//
// It may be ranged over more than once where fresh may; rng goes on, so that the order is
// another one each time. Of a buffer that does not change an rng with the same seed makes
// the same mixture; to go on in the middle of one of a buffer that does change, see
// [Mixer].
func (b *Buffer) Mix(fresh iter.Seq[coat.Start], shares Shares, rng *rand.Rand) iter.Seq[coat.Start] {
	shares = shares.resolve()
	return func(yield func(coat.Start) bool) {
		m := Mixer{buffer: b, shares: shares, rng: rng}
		m.Starts(fresh)(yield)
	}
}

func (s Shares) resolve() Shares {
	s = cmp.Or(s, Shares{1, 1, 1})
	if min(s.Fresh, s.Right, s.Wrong) < 0 {
		panic(fmt.Sprintf("rae: shares %+v, want none below 0", s))
	}
	return s
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
