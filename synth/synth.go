package synth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// A Generator writes a solution of p or, if prefix is not empty, the steps that come
// after prefix, without the prefix. A prefix may end anywhere: in a step, in a
// reflection, in the hint of an exploration, or in a bare <|reflect|> whose text the
// generator then writes as an opening step. The generator may have nothing to add.
type Generator func(ctx context.Context, p coat.Problem, prefix coat.Trace, seed uint64) (coat.Trace, error)

// A Critic reviews solutions. It may read the reference answer but must not tell it.
type Critic struct {
	// FirstWrong reviews a trace that ends in a wrong answer. Among the steps from index
	// from on it names the first that can be seen to be wrong, says why, and hints at
	// another way.
	FirstWrong func(ctx context.Context, p coat.Problem, t coat.Trace, from int, seed uint64) (Review, error)
	// Verify reviews a trace that ends in the right answer. It names a step and says why
	// all steps up to it are right.
	Verify func(ctx context.Context, p coat.Problem, t coat.Trace, seed uint64) (Review, error)
}

// A Review is the judgement of a critic on the steps of a trace up to one of them.
type Review struct {
	Step       int         // its index in the trace
	Reflection string      // text of the reflection
	Action     coat.Action // that opens it; None means coat.Reflect
	Hint       string      // text of the exploration; a verification has none
}

// A Selector scores a demonstration; more is better.
type Selector func(ctx context.Context, d coat.Demo) (float64, error)

// ErrSkip is the error of an agent that has nothing to say, such as a critic that finds
// no wrong step. It ends the path, which is counted; it does not end the run.
var ErrSkip = errors.New("synth: nothing to say")

// ErrUnparsable and ErrTruncated are reasons to skip that are counted apart: a reply that
// cannot be read, and a reply that ends at the token limit. Both wrap [ErrSkip].
var (
	ErrUnparsable = fmt.Errorf("%w: the reply cannot be read", ErrSkip)
	ErrTruncated  = fmt.Errorf("%w: the reply was cut off at the token limit", ErrSkip)
	errUnboxed    = fmt.Errorf("%w: the continuation has no box", ErrSkip)
)

// A Config says who the agents are and how much they work.
type Config struct {
	Generate Generator
	Critic   Critic
	Check    reward.Func // gives 1 for right and 0 for wrong
	Select   Selector    // nil: the first of each kind

	Solutions int // first solutions of a problem, K; 0 means 100 (appendix D.1)
	Keep      int // right ones kept, and wrong ones; 0 means 4 (appendix D.1)
	Rounds    int // rounds with the critic, m; 0 means 2 (appendix D.1), at most 3
	Top       int // demonstrations kept of each kind; 0 means 1 (appendix D.1)

	// Share says which share of the demonstrations of each kind is kept, drawn by
	// problem. A kind that is not listed is dropped. Nil keeps all. The paper does not
	// say which mix it used.
	Share map[coat.Kind]float64

	// Actions is the set of meta-actions that agents write. It becomes the set of every
	// problem that has the zero set; the zero value leaves them as they are.
	Actions coat.Actions

	Parallel int    // problems worked on at once; 0 means GOMAXPROCS
	Seed     uint64 // the output depends on it and on the problem, not on Parallel
	Stats    *Stats // filled as problems are done; nil: not wanted
}

// A Stats counts what became of solutions, paths and demonstrations. It is written by the
// goroutine that ranges, so the body of its loop may read it.
type Stats struct {
	Problems  int `json:"problems"`
	Solutions int `json:"solutions"`
	Right     int `json:"right"` // first solutions by their end
	Wrong     int `json:"wrong"`
	Invalid   int `json:"invalid"` // first solutions without a box, dropped
	// Surplus counts first solutions, right and wrong, that were dropped since there were
	// more than Config.Keep of their side.
	Surplus int `json:"surplus"`

	Skipped    int `json:"passed"`  // solutions and paths that ended by ErrSkip
	Unparsable int `json:"garbled"` // of these by ErrUnparsable
	Truncated  int `json:"cut"`     // of these by ErrTruncated
	Unboxed    int `json:"unboxed"` // of these since a continuation had no box

	Unscored  int `json:"unscored"`  // demonstrations that the selector skipped, ranked last
	Unfixed   int `json:"unfixed"`   // paths still wrong after the last round, dropped
	Malformed int `json:"malformed"` // traces that cannot be read back, dropped

	// Outranked counts demonstrations that were dropped since Config.Top better ones of
	// their kind were kept for the same problem.
	Outranked map[coat.Kind]int `json:"outranked,omitempty"`
	// Unshared counts demonstrations that were dropped by the draw of Config.Share.
	Unshared map[coat.Kind]int `json:"unshared,omitempty"`
	Demos    map[coat.Kind]int `json:"demos,omitempty"` // demonstrations that were yielded
}

// A Result is the demonstrations of one problem, with what they were made from.
type Result struct {
	Problem      coat.Problem
	Demos        []coat.Demo
	Right, Wrong []coat.Trace // the first solutions that were kept
	Stats        Stats
}

// Resolved returns c with the default of each number that was left at zero.
func (c Config) Resolved() Config {
	c.Solutions = cmp.Or(c.Solutions, 100)
	c.Keep = cmp.Or(c.Keep, 4)
	c.Rounds = cmp.Or(c.Rounds, 2)
	c.Top = cmp.Or(c.Top, 1)
	c.Parallel = cmp.Or(c.Parallel, runtime.GOMAXPROCS(0))
	return c
}

func (c Config) validate() error {
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("synth: Config."+format, args...))
		}
	}
	need(c.Generate != nil, "Generate is nil")
	need(c.Critic.FirstWrong != nil, "Critic.FirstWrong is nil")
	need(c.Critic.Verify != nil, "Critic.Verify is nil")
	need(c.Check != nil, "Check is nil")
	need(c.Solutions > 0, "Solutions is %d", c.Solutions)
	need(c.Keep > 0, "Keep is %d", c.Keep)
	need(c.Rounds > 0 && c.Rounds <= 3, "Rounds is %d, want 1 to 3", c.Rounds)
	need(c.Top > 0, "Top is %d", c.Top)
	need(c.Parallel > 0, "Parallel is %d", c.Parallel)
	for _, kind := range slices.Sorted(maps.Keys(c.Share)) {
		s := c.Share[kind]
		need(s >= 0 && s <= 1, "Share[%s] is %v, want 0 to 1", kind, s)
	}
	return errors.Join(faults...)
}

// Demos synthesises demonstrations, problem by problem in the given order. It stops at the
// first error.
func Demos(ctx context.Context, problems iter.Seq[coat.Problem], c Config) iter.Seq2[coat.Demo, error] {
	return func(yield func(coat.Demo, error) bool) {
		for r, err := range Results(ctx, problems, c) {
			if err != nil {
				yield(coat.Demo{}, err)
				return
			}
			for _, d := range r.Demos {
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

// Results synthesises demonstrations as [Demos] does, and yields everything that is known
// of each problem. A problem without demonstrations has a result, too.
func Results(ctx context.Context, problems iter.Seq[coat.Problem], c Config) iter.Seq2[Result, error] {
	c = c.Resolved()
	return func(yield func(Result, error) bool) {
		if err := c.validate(); err != nil {
			yield(Result{}, err)
			return
		}
		work := func(ctx context.Context, p coat.Problem) (Result, error) {
			p.Actions = cmp.Or(p.Actions, c.Actions)
			w := worker{Config: c, problem: p, rng: seeded(c.Seed, p)}
			r, err := w.result(ctx)
			if err != nil {
				return Result{}, fmt.Errorf("synth: problem %s: %w", p.ID, err)
			}
			return r, nil
		}
		for r, err := range inOrder(ctx, problems, c.Parallel, work) {
			if err == nil && c.Stats != nil {
				c.Stats.Add(r.Stats)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// CoT makes demonstrations into plain chain of thought, see [coat.Trace.CoT].
func CoT(demos []coat.Demo) []coat.Demo {
	plain := make([]coat.Demo, len(demos))
	for i, d := range demos {
		d.Trace = trimEnd(d.Trace.CoT())
		plain[i] = d
	}
	return plain
}

// Add adds the counts of s to t.
func (t *Stats) Add(s Stats) {
	t.Problems += s.Problems
	t.Solutions += s.Solutions
	t.Right += s.Right
	t.Wrong += s.Wrong
	t.Invalid += s.Invalid
	t.Surplus += s.Surplus
	t.Skipped += s.Skipped
	t.Unparsable += s.Unparsable
	t.Truncated += s.Truncated
	t.Unboxed += s.Unboxed
	t.Unscored += s.Unscored
	t.Unfixed += s.Unfixed
	t.Malformed += s.Malformed
	t.Outranked = merge(t.Outranked, s.Outranked)
	t.Unshared = merge(t.Unshared, s.Unshared)
	t.Demos = merge(t.Demos, s.Demos)
}

func merge(into, from map[coat.Kind]int) map[coat.Kind]int {
	for kind, n := range from {
		into = count(into, kind, n)
	}
	return into
}

func count(m map[coat.Kind]int, kind coat.Kind, n int) map[coat.Kind]int {
	if m == nil {
		m = map[coat.Kind]int{}
	}
	m[kind] += n
	return m
}

// seeded makes the random source of one problem, whatever its place in the stream.
func seeded(seed uint64, p coat.Problem) *rand.Rand {
	hash := fnv.New64a()
	hash.Write([]byte(p.ID + "\x00" + p.Question))
	return rand.New(rand.NewPCG(seed, hash.Sum64()))
}
