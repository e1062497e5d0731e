package rae

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"github.com/satori-go/satori/coat"
)

// A Config says how states are cut. Its zero value is the paper's method.
type Config struct {
	MaxBack *int                  // T, the most steps to go back; nil: 2, as in algorithm 1
	Action  coat.Action           // the bare action that a state ends in; [coat.None]: [coat.Reflect], as in algorithm 1
	Fits    func(coat.Start) bool // whether a state is short enough to continue from; nil: all are
	Seed    uint64                // of the choices of Build

	// Of a buffer that is added to while the policy changes. The paper's is not.
	Capacity int // most states on a side, of which the oldest are dropped; 0: no bound
	MaxAge   int // calls of [Buffer.Age] after which a state is dropped; 0: none is
}

func (c Config) maxBack() int        { return *cmp.Or(c.MaxBack, new(2)) }
func (c Config) action() coat.Action { return cmp.Or(c.Action, coat.Reflect) }

// validate reports all faults at once.
func (c Config) validate() error {
	var faults []error
	if n := c.maxBack(); n < 0 {
		faults = append(faults, fmt.Errorf("rae: MaxBack is %d, want 0 or more", n))
	}
	if c.Capacity < 0 || c.MaxAge < 0 {
		faults = append(faults, fmt.Errorf("rae: Capacity is %d, MaxAge %d, want 0 (for no bound) or more", c.Capacity, c.MaxAge))
	}
	return errors.Join(faults...)
}

// A Buffer holds restart states. The zero Buffer is empty and ready to use. A Buffer is
// not safe for concurrent use, and must not be added to while a mixture of it runs in
// another goroutine.
type Buffer struct {
	Config Config
	Right  []coat.Start // D+: cut from right attempts
	Wrong  []coat.Start // D−: cut from wrong ones
	Counts Counts

	dropped [2]int   // how many states were dropped from each side, right and wrong
	marks   [][2]int // how many states each side had got by the last MaxAge calls of Age, the oldest first
}

// A Counts says how many attempts were cut and left out. [Build], which looks at the
// attempts at a problem together, counts problems as well.
type Counts struct {
	Attempts  int // that were to be cut; Build does not try those at too easy and too hard problems
	Truncated int // of these, left out: end at the token limit
	Broken    int // of these, left out: are no trace, or end in an empty step
	Long      int // of these, left out: gave a state that Config.Fits refused
	Dropped   int // states that were dropped for Config.Capacity or Config.MaxAge

	Problems int // that Build looked at
	Kept     int // of these, gave a state to each side
	AllRight int // of these, had no wrong attempt: too easy
	AllWrong int // of these, had no right attempt: too hard
	Unusable int // of these, had both, but none of one kind that could be cut
}

// ErrTruncated and ErrBroken are the faults for which [Cut] refuses an attempt.
var (
	ErrTruncated = errors.New("attempt is truncated")
	ErrBroken    = errors.New("attempt is not a trace of whole steps")
)

// Cut makes the state z of algorithm 1: the attempt, after the prefix of its own start,
// without its last back steps, followed by a bare action. The paper's action is
// [coat.Reflect]; it has to be one of the problem's set. At least one step stays. The text
// that stays is kept byte for byte. Where the attempt is kept whole, the white space
// before its last token is written before the new one as well.
func Cut(a coat.Judged, back int, action coat.Action) (coat.Start, error) {
	problem := a.Start.Problem
	fail := func(err error) (coat.Start, error) {
		return coat.Start{}, fmt.Errorf("rae: problem %q: %w", problem.ID, err)
	}
	switch {
	case a.Outcome != coat.Right && a.Outcome != coat.Wrong:
		return fail(errNoOutcome)
	case !problem.Actions.Has(action):
		return fail(fmt.Errorf("a state cannot end in %q, the problem has the actions %v", action, problem.Actions.List()))
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
		Problem: problem,
		Prefix:  append(steps[:kept], coat.Step{Action: action}),
		Prior:   a.Outcome,
	}, nil
}

// errNoOutcome refuses an attempt that nobody has judged.
var errNoOutcome = errors.New("attempt has no outcome; reward.Judge gives it one")

// trailing returns the white space at the end of a text.
func trailing(text string) string { return text[len(strings.TrimRight(text, " \t\r\n")):] }

// Build fills a buffer as algorithm 1 does: of every problem that has a right and a wrong
// attempt it cuts one of each, chosen at random among those that can be cut. The attempts
// at a problem may be apart. What a problem gives depends on the seed, the problem and the
// order of its own attempts, not on other problems.
func Build(attempts []coat.Judged, c Config) (*Buffer, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	b := &Buffer{Config: c}
	type samples struct{ right, wrong []coat.Judged }
	byProblem := map[coat.Problem]*samples{}
	var problems []coat.Problem
	for _, a := range attempts {
		if err := b.cuttable(a); err != nil {
			return nil, err
		}
		p := a.Start.Problem
		s := byProblem[p]
		if s == nil {
			s = new(samples)
			byProblem[p] = s
			problems = append(problems, p)
		}
		if a.Right() {
			s.right = append(s.right, a)
		} else {
			s.wrong = append(s.wrong, a)
		}
	}
	for _, p := range problems {
		b.addProblem(p, byProblem[p].right, byProblem[p].wrong)
	}
	return b, nil
}

// cuttable refuses an attempt that was not judged, and one at a problem that does not have
// the action that states end in.
func (b *Buffer) cuttable(a coat.Judged) error {
	problem, action := a.Start.Problem, b.Config.action()
	switch {
	case a.Outcome != coat.Right && a.Outcome != coat.Wrong:
		return fmt.Errorf("rae: problem %q: %w", problem.ID, errNoOutcome)
	case !problem.Actions.Has(action):
		return fmt.Errorf("rae: problem %q: Config.Action is %v, the problem has the actions %v", problem.ID, action, problem.Actions.List())
	}
	return nil
}

func (b *Buffer) addProblem(p coat.Problem, right, wrong []coat.Judged) {
	b.Counts.Problems++
	switch {
	case len(wrong) == 0:
		b.Counts.AllRight++
	case len(right) == 0:
		b.Counts.AllWrong++
	default:
		rng := problemRand(b.Config.Seed, p)
		plus, okPlus := b.pick(right, rng)
		minus, okMinus := b.pick(wrong, rng)
		if !okPlus || !okMinus {
			b.Counts.Unusable++
			return
		}
		b.Counts.Kept++
		b.Right = append(b.Right, plus)
		b.Wrong = append(b.Wrong, minus)
	}
}

// pick cuts the first of the attempts, in random order, that can be cut. It tries all, so
// that the counts do not depend on the order.
func (b *Buffer) pick(attempts []coat.Judged, rng *rand.Rand) (start coat.Start, ok bool) {
	for _, i := range rng.Perm(len(attempts)) {
		if s, fine := b.cut(attempts[i], rng); fine && !ok {
			start, ok = s, true
		}
	}
	return start, ok
}

// cut goes back a random number of steps and counts the attempt.
func (b *Buffer) cut(a coat.Judged, rng *rand.Rand) (coat.Start, bool) {
	b.Counts.Attempts++
	start, err := Cut(a, rng.IntN(b.Config.maxBack()+1), b.Config.action())
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

// Add cuts one attempt and adds the state to D+ or D−, as the outcome of the attempt says.
// It reports whether the attempt could be cut; [Counts] says why not. An attempt without
// an outcome is an error. Add does not balance the two sides.
func (b *Buffer) Add(a coat.Judged, rng *rand.Rand) (added bool, err error) {
	if err := errors.Join(b.Config.validate(), b.cuttable(a)); err != nil {
		return false, err
	}
	start, ok := b.cut(a, rng)
	switch {
	case ok && a.Right():
		b.Right = append(b.Right, start)
	case ok:
		b.Wrong = append(b.Wrong, start)
	}
	if most := b.Config.Capacity; most > 0 {
		b.drop(0, len(b.Right)-most)
		b.drop(1, len(b.Wrong)-most)
	}
	return ok, nil
}

// problemRand makes the generator of one problem.
func problemRand(seed uint64, p coat.Problem) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q", p.ID, p.Question)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
