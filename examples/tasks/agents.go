package tasks

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/synth"
)

// How often the agents do what. Where they had no choice, demonstrations would tell
// a model at which place to expect a mistake.
const (
	careless  = 0.25 // what a search finds wrong is boxed without a check
	namesBox  = 0.9  // the wrong box is reflected upon, not the step before it
	checksBox = 0.8  // a verification comes after the box, not before it
)

// A puzzle is a question as the agents see it: the ways that can be tried.
type puzzle struct {
	ways []way
	// favour is how often a right way is taken where there is a wrong one too; 0
	// means that all ways are alike.
	favour float64
	// listed is whether ways are tried in their order; else they are drawn.
	listed bool
	// searches is how often a first solution checks what it tries instead of boxing it.
	searches float64
	// most is after how many wrong ways a search gives up; 0 means never.
	most int
}

// A way is one attempt: its steps, what a check after each of them says, and the
// answer it comes to.
type way struct {
	steps  []string
	checks []string
	answer string
	right  bool
}

func (w way) box() string { return `\boxed{ ` + w.answer + " }" }

func (w way) verdict() string { return w.checks[len(w.checks)-1] }

// agents are the generator and the critic of a kind of puzzles.
func agents(read func(question string) (puzzle, error)) (synth.Generator, synth.Critic) {
	open := func(p coat.Problem, t coat.Trace, seed uint64) (*solver, error) {
		z, err := read(p.Question)
		if err != nil {
			return nil, fmt.Errorf("tasks: %w", err)
		}
		s := &solver{puzzle: z, rng: rand.New(rand.NewPCG(seed, 0))}
		return s, s.read(t)
	}
	generate := func(_ context.Context, p coat.Problem, prefix coat.Trace, seed uint64) (coat.Trace, error) {
		s, err := open(p, prefix, seed)
		if err != nil {
			return nil, err
		}
		if err := s.solve(prefix); err != nil {
			return nil, err
		}
		return s.trace, nil
	}
	wrong := func(_ context.Context, p coat.Problem, t coat.Trace, from int, seed uint64) (synth.Review, error) {
		s, err := open(p, t, seed)
		if err != nil {
			return synth.Review{}, err
		}
		return s.firstWrong(t, from)
	}
	verify := func(_ context.Context, p coat.Problem, t coat.Trace, seed uint64) (synth.Review, error) {
		s, err := open(p, t, seed)
		if err != nil {
			return synth.Review{}, err
		}
		return s.verify(t)
	}
	return generate, synth.Critic{FirstWrong: wrong, Verify: verify}
}

// A solver goes through a trace, read or written, way by way.
type solver struct {
	puzzle
	rng   *rand.Rand
	tried []int // ways taken to their end, in order; none is taken twice
	open  []int // ways that begin with the steps taken since then
	done  int   // how many steps these are
	trace coat.Trace
}

// solve is the generator. A first solution takes one way and boxes it, as plain
// chain of thought does, or searches: it checks the end of each wrong way and
// explores another, until it comes to a right one or is careless. What continues
// after a correction searches too, and verifies what is right before the box.
//
// What continues after a verification of a wrong way, as the critic of right
// solutions writes it, takes another wrong way and boxes it. Without this slip there
// would be no demonstrations of type II-II: in these puzzles a right way, once
// begun, is not missed.
func (s *solver) solve(prefix coat.Trace) error {
	if len(prefix) == 0 {
		return s.search(coat.None, s.rng.Float64() < s.searches, false)
	}
	last := prefix[len(prefix)-1]
	if last.Action != coat.Reflect {
		return s.search(coat.Explore, true, slices.ContainsFunc(prefix, isReflection))
	}
	bare := strings.TrimSpace(last.Text) == ""
	switch {
	case s.done > 0: // in the middle of a way, which goes on
		if bare {
			s.rest(s.ways[s.open[0]].checks[s.done-1])
		}
		return s.search(coat.Explore, true, true)
	case len(s.tried) == 0:
		return synth.ErrSkip
	}
	if bare {
		s.rest(s.last().verdict())
	}
	wrong := s.untried(func(w way) bool { return !w.right })
	switch {
	case s.last().right:
		s.box()
	case bare || len(wrong) == 0:
		return s.search(coat.Explore, true, true)
	default:
		s.open = wrong
		s.take(coat.Explore)
		s.box()
	}
	return nil
}

// search goes on with the open way, or opens one with the action given, and goes
// from way to way if it checks them.
func (s *solver) search(a coat.Action, check, verify bool) error {
	for {
		if s.done == 0 {
			s.open = s.untried(nil)
		}
		if len(s.open) == 0 || s.most > 0 && len(s.tried) >= s.most {
			return synth.ErrSkip
		}
		s.take(a)
		right := s.last().right
		if right && verify {
			s.step(coat.Reflect, s.last().verdict())
		}
		if right || !check || s.rng.Float64() < careless {
			s.box()
			return nil
		}
		s.step(coat.Reflect, s.last().verdict())
		a, verify = coat.Explore, true
	}
}

// take writes the rest of one of the open ways.
func (s *solver) take(a coat.Action) {
	i := s.choose(s.open)
	for _, text := range s.ways[i].steps[s.done:] {
		if s.done > 0 {
			a = coat.Continue
		}
		s.step(a, text)
		s.done++
	}
	s.tried, s.open, s.done = append(s.tried, i), nil, 0
}

// choose takes one of the ways given.
func (s *solver) choose(from []int) int {
	if s.favour > 0 {
		right, wrong := []int{}, []int{}
		for _, i := range from {
			if s.ways[i].right {
				right = append(right, i)
			} else {
				wrong = append(wrong, i)
			}
		}
		if len(wrong) == 0 || len(right) > 0 && s.rng.Float64() < s.favour {
			from = right
		} else {
			from = wrong
		}
	}
	if s.listed {
		return slices.Min(from)
	}
	return from[s.rng.IntN(len(from))]
}

// untried are the ways not taken; where only is not nil, those of them that it takes.
func (s *solver) untried(only func(way) bool) []int {
	var left []int
	for i, w := range s.ways {
		if !slices.Contains(s.tried, i) && (only == nil || only(w)) {
			left = append(left, i)
		}
	}
	return left
}

// last is the way taken last.
func (s *solver) last() way { return s.ways[s.tried[len(s.tried)-1]] }

// step, rest and box write: words, special tokens among them, are separated by
// single spaces. So every step ends in the space that comes before the next token,
// and all but the opening begin with one.
func (s *solver) step(a coat.Action, words string) {
	text := spaced(words)
	if a == coat.None {
		text = words + " "
	}
	s.trace = append(s.trace, coat.Step{Action: a, Text: text})
}

// rest writes the text of a step of which the token stands already.
func (s *solver) rest(words string) {
	s.trace = append(s.trace, coat.Step{Text: spaced(words)})
}

func (s *solver) box() { s.step(coat.Continue, s.last().box()) }

// read follows the ways of a trace. Checks and boxes are passed over.
func (s *solver) read(t coat.Trace) error {
	for n, step := range t {
		text := strings.Join(strings.Fields(step.Text), " ")
		if step.Action == coat.Reflect || strings.HasPrefix(text, `\boxed{`) {
			continue
		}
		if step.Action != coat.Continue {
			s.open, s.done = s.untried(nil), 0
		}
		s.open = slices.DeleteFunc(s.open, func(i int) bool { return s.ways[i].steps[s.done] != text })
		if len(s.open) == 0 {
			return fmt.Errorf("tasks: step %d is %q, which is no step, or one tried before", n, text)
		}
		if s.done++; s.done == len(s.ways[s.open[0]].steps) {
			s.tried, s.open, s.done = append(s.tried, s.open[0]), nil, 0
		}
	}
	return nil
}

// firstWrong is the critic of a wrong answer: the first that can be seen to be wrong
// is the end of the way that was boxed, or in half of the cases the box. The hint is
// the first step of a way that was not tried, right or wrong.
func (s *solver) firstWrong(t coat.Trace, from int) (synth.Review, error) {
	left := s.untried(nil)
	if len(s.tried) == 0 || len(left) == 0 {
		return synth.Review{}, synth.ErrSkip
	}
	r := synth.Review{
		Step:       len(t) - 1,
		Reflection: spaced(s.last().verdict()),
		Hint:       spaced(s.ways[s.choose(left)].steps[0]),
	}
	if from == 0 && s.rng.Float64() >= namesBox {
		r.Step--
	}
	return r, nil
}

// verify is the critic of a right answer. Where it was found at once, the
// verification is of the end of its way or, in half of the cases, of the box, so that
// a model also learns to keep a right answer that it looks at again. Where
// wrong ways came before, it is of one of them that leaves more wrong ones to try.
func (s *solver) verify(t coat.Trace) (synth.Review, error) {
	if len(s.tried) == 1 {
		r := synth.Review{Step: len(t) - 1, Reflection: spaced(s.last().verdict())}
		if s.rng.Float64() >= checksBox {
			r.Step--
		}
		return r, nil
	}
	wrong := len(s.untried(func(w way) bool { return !w.right })) // after the last
	var ends []int                                                // of wrong ways, as steps
	for i, step := range t {
		n := len(ends) // the way that ends here
		if step.Action == coat.Reflect && n < len(s.tried)-1 && wrong+len(s.tried)-2-n > 0 {
			ends = append(ends, i-1)
		}
	}
	if len(ends) == 0 {
		return synth.Review{}, synth.ErrSkip
	}
	n := s.rng.IntN(len(ends))
	return synth.Review{Step: ends[n], Reflection: spaced(s.ways[s.tried[n]].verdict())}, nil
}

func isReflection(s coat.Step) bool { return s.Action == coat.Reflect }

func spaced(words string) string { return " " + words + " " }
