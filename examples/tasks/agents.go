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

// Probabilities of what the agents do. Without chance, a model would learn at which place of
// a demonstration to expect a mistake.
const (
	careless  = 0.25 // a search boxes a wrong way without a check
	namesBox  = 0.9  // the critic reflects on a wrong box, else on the step before it
	checksBox = 0.8  // the critic verifies after a right box, else before it
)

// A puzzle holds the ways that the agents can try for a question.
type puzzle struct {
	ways     []way
	favour   float64 // probability of a right way where there is a wrong one too; 0: all ways are equally likely
	listed   bool    // ways are tried in their order; false: in random order
	searches float64 // probability that a first solution checks what it tries
	most     int     // number of wrong ways after which a search gives up; 0: no limit
}

// A way is one possible solution: its steps, the text of a check after each step, and its
// answer.
type way struct {
	steps  []string
	checks []string
	answer string
	right  bool
}

func (w way) box() string { return `\boxed{ ` + w.answer + " }" }

func (w way) verdict() string { return w.checks[len(w.checks)-1] }

// agents makes the generator and the critic of a kind of puzzles.
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

// A solver follows or writes a trace, way by way.
type solver struct {
	puzzle
	rng   *rand.Rand
	tried []int // ways taken to their end, in order; no way occurs twice
	open  []int // ways that begin with the steps taken since the last of these
	done  int   // number of those steps
	trace coat.Trace
}

// solve is the generator. A first solution either takes one way and boxes it, as plain chain
// of thought does, or it searches: it checks the end of each wrong way and explores another,
// until it finds a right one or is careless. A continuation after a correction searches too,
// and it verifies a right way before the box.
//
// A continuation after a verification of a wrong way, which the critic of right solutions
// writes, takes another wrong way and boxes it. Without this mistake there would be no
// demonstrations of type II-II, since a right way that was begun always ends right here.
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
	case s.done > 0: // in the middle of a way: continue it
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

// search continues the open way, or begins one with the given action. If it checks ways, it
// tries one after another.
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

// choose returns one of the given ways.
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

// untried returns the ways that were not taken. If only is not nil, it returns those for
// which only is true.
func (s *solver) untried(only func(way) bool) []int {
	var left []int
	for i, w := range s.ways {
		if !slices.Contains(s.tried, i) && (only == nil || only(w)) {
			left = append(left, i)
		}
	}
	return left
}

// last returns the way taken last.
func (s *solver) last() way { return s.ways[s.tried[len(s.tried)-1]] }

// step writes a step. Single spaces separate all words and special tokens. So each step ends
// in the space before the next token, and each but the first begins with a space.
func (s *solver) step(a coat.Action, words string) {
	text := spaced(words)
	if a == coat.None {
		text = words + " "
	}
	s.trace = append(s.trace, coat.Step{Action: a, Text: text})
}

// rest writes the text of a step whose token was written before.
func (s *solver) rest(words string) {
	s.trace = append(s.trace, coat.Step{Text: spaced(words)})
}

// box writes the answer of the last way.
func (s *solver) box() { s.step(coat.Continue, s.last().box()) }

// read follows the ways of a trace. It skips checks and boxes.
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
			return fmt.Errorf("tasks: step %d is %q, want a step of the puzzle that was not tried before", n, text)
		}
		if s.done++; s.done == len(s.ways[s.open[0]].steps) {
			s.tried, s.open, s.done = append(s.tried, s.open[0]), nil, 0
		}
	}
	return nil
}

// firstWrong is the critic of a wrong answer. The first step that is visibly wrong is the
// end of the boxed way; mostly the critic names the box itself, see namesBox. The hint is the
// first step of a way that was not tried, right or wrong.
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

// verify is the critic of a right answer. If the answer was found at once, the critic
// verifies its box, or the end of its way (see checksBox), so that a model also learns to keep
// a right answer that it checks again. If wrong ways came before, the critic verifies one of
// those after which more wrong ways are left to try.
func (s *solver) verify(t coat.Trace) (synth.Review, error) {
	if len(s.tried) == 1 {
		r := synth.Review{Step: len(t) - 1, Reflection: spaced(s.last().verdict())}
		if s.rng.Float64() >= checksBox {
			r.Step--
		}
		return r, nil
	}
	wrong := len(s.untried(func(w way) bool { return !w.right })) // after the last way
	var ends []int                                                // steps at which wrong ways end
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
