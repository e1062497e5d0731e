package synth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"github.com/satori-go/satori/coat"
)

// A worker makes the demonstrations of one problem.
type worker struct {
	Config
	problem coat.Problem
	rng     *rand.Rand
	stats   Stats
	made    []coat.Demo
}

// result follows the procedure of appendix C, in its order.
func (w *worker) result(ctx context.Context) (r Result, err error) {
	w.stats.Problems = 1
	right, wrong, err := w.solutions(ctx)
	if err != nil {
		return r, err
	}
	r.Problem, r.Right, r.Wrong = w.problem, w.keep(right), w.keep(wrong)
	for _, t := range r.Right {
		if plain(t) {
			w.finish(t, coat.TypeI)
		}
		if err := w.verify(ctx, t); err != nil {
			return r, err
		}
	}
	for _, t := range r.Wrong {
		if err := w.correct(ctx, t, 0, 0, "III"); err != nil {
			return r, err
		}
	}
	r.Demos, err = w.choose(ctx)
	r.Stats = w.stats
	return r, err
}

// solutions samples the first solutions and divides them by their end.
func (w *worker) solutions(ctx context.Context) (right, wrong []coat.Trace, err error) {
	for range w.Solutions {
		t, err := w.Generate(ctx, w.problem, nil, w.rng.Uint64())
		if err != nil {
			if err := w.ended(err); err != nil {
				return nil, nil, fmt.Errorf("generator: %w", err)
			}
			continue
		}
		w.stats.Solutions++
		if !boxed(t) {
			w.stats.Invalid++
			continue
		}
		ok, err := w.right(ctx, t)
		switch {
		case err != nil:
			return nil, nil, err
		case ok:
			right = append(right, t)
		default:
			wrong = append(wrong, t)
		}
	}
	w.stats.Right, w.stats.Wrong = len(right), len(wrong)
	return right, wrong, nil
}

// keep draws a few of the solutions.
func (w *worker) keep(ts []coat.Trace) []coat.Trace {
	w.rng.Shuffle(len(ts), func(i, j int) { ts[i], ts[j] = ts[j], ts[i] })
	n := min(len(ts), w.Keep)
	w.stats.Surplus += len(ts) - n
	return ts[:n]
}

// verify asks the critic to verify a step of a right solution, and continues from there.
// If the continuation goes wrong, the rounds that are left correct it.
func (w *worker) verify(ctx context.Context, t coat.Trace) error {
	r, err := w.Critic.Verify(ctx, w.problem, t, w.rng.Uint64())
	if err := w.reviewed("verification", r, err, t, 0); err != nil {
		return w.ended(err)
	}
	prefix := join(t[:r.Step+1], coat.Trace{r.reflection()})
	t, ok, err := w.continued(ctx, prefix)
	switch {
	case err != nil:
		return w.ended(err)
	case ok:
		w.finish(t, coat.TypeII1)
		return nil
	}
	return w.correct(ctx, t, len(prefix), 1, "II")
}

// correct repairs a wrong trace by critic and generator while rounds are left. It cuts a
// first solution after the step that the critic names. A trace that was continued once
// keeps its box (appendix D.1, types II-II and III-II).
func (w *worker) correct(ctx context.Context, t coat.Trace, from, round int, kind coat.Kind) error {
	for ; round < w.Rounds; round++ {
		r, err := w.Critic.FirstWrong(ctx, w.problem, t, from, w.rng.Uint64())
		if err := w.reviewed("correction", r, err, t, from); err != nil {
			return w.ended(err)
		}
		if round == 0 {
			t = t[:r.Step+1]
		}
		prefix := join(t, coat.Trace{r.reflection(), {Action: coat.Explore, Text: r.Hint}})
		var ok bool
		if t, ok, err = w.continued(ctx, prefix); err != nil {
			return w.ended(err)
		}
		if ok {
			w.finish(t, kind+"-"+coat.Kind(strings.Repeat("I", round+1)))
			return nil
		}
		from = len(prefix)
	}
	w.stats.Unfixed++
	return nil
}

func (r Review) reflection() coat.Step {
	return coat.Step{Action: cmp.Or(r.Action, coat.Reflect), Text: r.Reflection}
}

// reviewed checks the review of a critic.
func (w *worker) reviewed(what string, r Review, err error, t coat.Trace, from int) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if r.Step < from || r.Step >= len(t) {
		return fmt.Errorf("%s: critic names step %d, the trace has %d to %d", what, r.Step, from, len(t)-1)
	}
	return nil
}

// ended counts a path that an agent ended, and returns other errors.
func (w *worker) ended(err error) error {
	if !errors.Is(err, ErrSkip) {
		return err
	}
	w.stats.Skipped++
	switch {
	case errors.Is(err, ErrUnparsable):
		w.stats.Unparsable++
	case errors.Is(err, ErrTruncated):
		w.stats.Truncated++
	case errors.Is(err, errUnboxed):
		w.stats.Unboxed++
	}
	return nil
}

// continued asks the generator for the rest and reports whether its end is right. A
// continuation without a box is neither right nor wrong and ends the path: a second
// reflection follows a boxed answer (appendix D.1).
func (w *worker) continued(ctx context.Context, prefix coat.Trace) (coat.Trace, bool, error) {
	more, err := w.Generate(ctx, w.problem, prefix, w.rng.Uint64())
	if err != nil {
		return nil, false, fmt.Errorf("generator: %w", err)
	}
	if !boxed(more) {
		return nil, false, errUnboxed
	}
	t := join(prefix, more)
	ok, err := w.right(ctx, t)
	return t, ok, err
}

func (w *worker) right(ctx context.Context, t coat.Trace) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	verdict, err := w.Check.Verdict(ctx, coat.Attempt{Start: coat.Start{Problem: w.problem}, Text: t.String()})
	if err != nil {
		return false, fmt.Errorf("check: %w", err)
	}
	return verdict == coat.Right, nil
}

// finish makes a trace into a demonstration if the trace can be read back.
func (w *worker) finish(t coat.Trace, kind coat.Kind) {
	t = trimEnd(t)
	if again, err := w.problem.Actions.Parse(t.String()); err != nil || !slices.Equal(again, t) {
		w.stats.Malformed++
		return
	}
	w.made = append(w.made, coat.Demo{Problem: w.problem, Trace: t, Kind: kind})
}

// choose keeps the best of each kind and draws the shares. The result is in the order of
// the names of the kinds, which is the order of the paper.
func (w *worker) choose(ctx context.Context) ([]coat.Demo, error) {
	score := map[string]float64{}
	if w.Select != nil {
		for _, d := range w.made {
			s, err := w.Select(ctx, d)
			if errors.Is(err, ErrSkip) {
				w.stats.Unscored++
				s = math.Inf(-1)
			} else if err != nil {
				return nil, fmt.Errorf("selector: %w", err)
			}
			score[d.Trace.String()] = s
		}
	}
	slices.SortStableFunc(w.made, func(a, b coat.Demo) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(score[b.Trace.String()], score[a.Trace.String()]))
	})
	var chosen []coat.Demo
	n := 0 // demonstrations of the kind so far
	for i, d := range w.made {
		if n++; i == 0 || w.made[i-1].Kind != d.Kind {
			n = 1
		}
		switch {
		case n > w.Top:
			w.stats.Outranked = count(w.stats.Outranked, d.Kind, 1)
		case w.Share != nil && w.rng.Float64() >= w.Share[d.Kind]:
			w.stats.Unshared = count(w.stats.Unshared, d.Kind, 1)
		default:
			w.stats.Demos = count(w.stats.Demos, d.Kind, 1)
			chosen = append(chosen, d)
		}
	}
	return chosen, nil
}

// join appends more to prefix. An opening step that follows another step becomes the rest
// of that step's text.
func join(prefix, more coat.Trace) coat.Trace {
	t := slices.Clone(prefix)
	if len(t) > 0 && len(more) > 0 && more[0].Action == coat.None {
		t[len(t)-1].Text += more[0].Text
		more = more[1:]
	}
	return append(t, more...)
}

// trimEnd drops white space at the end of a trace.
func trimEnd(t coat.Trace) coat.Trace {
	t = slices.Clone(t)
	if n := len(t); n > 0 {
		t[n-1].Text = strings.TrimRightFunc(t[n-1].Text, unicode.IsSpace)
	}
	return t
}

// plain reports whether a trace has no other action than continue.
func plain(t coat.Trace) bool {
	return !slices.ContainsFunc(t, func(s coat.Step) bool { return s.Action != coat.None && s.Action != coat.Continue })
}

func boxed(t coat.Trace) bool {
	return slices.ContainsFunc(t, func(s coat.Step) bool { return strings.Contains(s.Text, `\boxed`) })
}
