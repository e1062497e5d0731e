package rae

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"strings"

	"github.com/satori-go/satori/coat"
)

// Config says how states are cut. Its zero value is the paper's method.
type Config struct {
	MaxBack int                   // T, the most steps to go back; 0: 2, as in algorithm 1 (to go back none, see [Cut])
	Fits    func(coat.Start) bool // whether a state is short enough to continue from; nil: all are
	Seed    uint64                // of the choices of Build

	// Of a buffer that is added to while the policy changes. The paper's is not.
	Capacity int // states a side, of which the oldest go; 0: no bound
	MaxAge   int // calls of [Buffer.Tick] after which a state goes; 0: none goes
}

func (c Config) maxBack() int { return cmp.Or(c.MaxBack, 2) }

// A Buffer holds restart states. The zero Buffer is empty and ready to use. It is
// not safe for concurrent use, nor may it be added to while [Buffer.Mix] runs in
// another goroutine.
type Buffer struct {
	Config Config
	Right  []coat.Start // D+: cut from right attempts
	Wrong  []coat.Start // D−: cut from wrong ones
	Counts Counts

	gone  [2]int   // how many states have left each side, right and wrong
	marks [][2]int // how many had come to each side by the last MaxAge ticks, the oldest first
}

// Counts says what became of the attempts and, where [Build] looked at them
// together, of the problems.
type Counts struct {
	Attempts  int // that were to be cut; Build does not try those of too easy and too hard problems
	Truncated int // of these, left out: hit the token limit
	Broken    int // ... are no trace, or end in an empty step
	Long      int // ... gave a state that Config.Fits refused
	Dropped   int // states that went for Config.Capacity or Config.MaxAge

	Problems int // looked at
	Kept     int // of these, gave a state to either side
	AllRight int // ... had no wrong attempt: too easy
	AllWrong int // ... had no right attempt: too hard
	Unusable int // ... had both, but of one kind none that could be cut
}

// ErrTruncated and ErrBroken are the faults for which [Cut] refuses an attempt.
var (
	ErrTruncated = errors.New("attempt is truncated")
	ErrBroken    = errors.New("attempt is not a trace of whole steps")
)

// Cut is the state z of algorithm 1: the attempt, after the prefix of its own start,
// without its last back steps, and a bare <|reflect|>. At least one step stays. The
// text that stays is kept byte for byte; where the attempt is kept whole, the
// white space that stood before its last token is put before the new one.
func Cut(a coat.Attempt, prior coat.Outcome, back int) (coat.Start, error) {
	fail := func(err error) (coat.Start, error) {
		return coat.Start{}, fmt.Errorf("rae: problem %q: %w", a.Start.Problem.ID, err)
	}
	switch {
	case prior != coat.Right && prior != coat.Wrong:
		return fail(errors.New("attempt has no verdict"))
	case back < 0:
		return fail(fmt.Errorf("going back %d steps, want 0 or more", back))
	case a.Truncated:
		return fail(ErrTruncated)
	}
	steps, err := a.Trace()
	if err != nil {
		return fail(fmt.Errorf("%w: %w", ErrBroken, err))
	}
	if len(steps) == 0 || strings.TrimSpace(steps[len(steps)-1].Text) == "" {
		return fail(fmt.Errorf("%w: its last step is empty", ErrBroken))
	}
	kept := max(1, len(steps)-back)
	if last := &steps[kept-1]; kept == len(steps) && kept > 1 && trailing(last.Text) == "" {
		last.Text += trailing(steps[kept-2].Text)
	}
	return coat.Start{
		Problem: a.Start.Problem,
		Prefix:  append(steps[:kept], coat.Step{Action: coat.Reflect}),
		Prior:   prior,
	}, nil
}

// trailing is the white space at the end of a text.
func trailing(text string) string { return text[len(strings.TrimRight(text, " \t\r\n")):] }

// Build is algorithm 1: of every problem that has a right and a wrong attempt, one
// of each, chosen at random among those that can be cut. The attempts of a problem
// need not stand together. What a problem gives depends on the seed, the problem and
// the order of its own attempts, not on other problems.
func Build(attempts iter.Seq2[coat.Attempt, coat.Outcome], c Config) (*Buffer, error) {
	if c.MaxBack < 0 {
		return nil, fmt.Errorf("rae: MaxBack is %d, want 0 (for 2) or more", c.MaxBack)
	}
	type samples struct{ right, wrong []coat.Attempt }
	byProblem := map[coat.Problem]*samples{}
	var problems []coat.Problem
	for a, outcome := range attempts {
		p := a.Start.Problem
		s := byProblem[p]
		if s == nil {
			s = new(samples)
			byProblem[p] = s
			problems = append(problems, p)
		}
		switch outcome {
		case coat.Right:
			s.right = append(s.right, a)
		case coat.Wrong:
			s.wrong = append(s.wrong, a)
		default:
			return nil, fmt.Errorf("rae: problem %q: attempt has no verdict", p.ID)
		}
	}
	b := &Buffer{Config: c}
	for _, p := range problems {
		b.addProblem(p, byProblem[p].right, byProblem[p].wrong)
	}
	return b, nil
}

func (b *Buffer) addProblem(p coat.Problem, right, wrong []coat.Attempt) {
	b.Counts.Problems++
	switch {
	case len(wrong) == 0:
		b.Counts.AllRight++
	case len(right) == 0:
		b.Counts.AllWrong++
	default:
		rng := problemRand(b.Config.Seed, p)
		plus, okPlus := b.pick(right, coat.Right, rng)
		minus, okMinus := b.pick(wrong, coat.Wrong, rng)
		if !okPlus || !okMinus {
			b.Counts.Unusable++
			return
		}
		b.Counts.Kept++
		b.Right = append(b.Right, plus)
		b.Wrong = append(b.Wrong, minus)
	}
}

// pick cuts the first of the attempts, in random order, that can be cut. All are
// looked at, so that the counts do not depend on the order.
func (b *Buffer) pick(attempts []coat.Attempt, prior coat.Outcome, rng *rand.Rand) (start coat.Start, ok bool) {
	for _, i := range rng.Perm(len(attempts)) {
		if s, fine := b.cut(attempts[i], prior, rng); fine && !ok {
			start, ok = s, true
		}
	}
	return start, ok
}

// cut goes back a random number of steps and counts the attempt.
func (b *Buffer) cut(a coat.Attempt, prior coat.Outcome, rng *rand.Rand) (coat.Start, bool) {
	b.Counts.Attempts++
	start, err := Cut(a, prior, rng.IntN(b.Config.maxBack()+1))
	switch {
	case errors.Is(err, ErrTruncated):
		b.Counts.Truncated++
	case err != nil:
		b.Counts.Broken++
	case b.Config.Fits != nil && !b.Config.Fits(start):
		b.Counts.Long++
	default:
		return start, true
	}
	return coat.Start{}, false
}

// Add cuts one attempt and adds the state to D+ or D−, as its prior outcome says. It
// tells whether the attempt could be cut, and panics where prior is neither
// [coat.Right] nor [coat.Wrong]. It does not balance the two sides.
func (b *Buffer) Add(a coat.Attempt, prior coat.Outcome, rng *rand.Rand) bool {
	if prior != coat.Right && prior != coat.Wrong {
		panic(fmt.Sprintf("rae: problem %q: attempt has no verdict", a.Start.Problem.ID))
	}
	start, ok := b.cut(a, prior, rng)
	switch {
	case ok && prior == coat.Right:
		b.Right = append(b.Right, start)
	case ok:
		b.Wrong = append(b.Wrong, start)
	}
	if most := b.Config.Capacity; most > 0 {
		b.drop(0, len(b.Right)-most)
		b.drop(1, len(b.Wrong)-most)
	}
	return ok
}

// problemRand gives each problem a generator of its own.
func problemRand(seed uint64, p coat.Problem) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q", p.ID, p.Question)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
