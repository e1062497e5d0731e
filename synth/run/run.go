package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/synth"
	"github.com/satori-go/satori/synth/agent"
)

// A Config says what the manifest records beside the numbers of [synth.Config], and how the
// run is counted and ended.
type Config struct {
	Models   map[string]string  // by role
	Prompts  map[string]string  // hashes, see [agent.Config.Hashes]
	Sampling map[string]float64 // temperatures and token limits, by name
	Reading  map[string]string  // how replies are read, if not as by default, such as stop texts

	// Meter counts the calls, those of earlier sessions included. Nil: nothing is counted.
	Meter *agent.Meter
	Grace time.Duration // for calls in flight when the context ends; 0 means 30 seconds
}

// The files of a run.
const (
	callsFile    = "calls.jsonl"
	resultsFile  = "results.jsonl"
	manifestFile = "manifest.json"
)

// A Run is a directory that this program works in.
type Run struct {
	dir            string
	config         Config
	lock           *rundir.Lock
	calls, results *rundir.Log
	known          map[key]int64 // where in calls the replies of earlier sessions begin
}

// Open makes or opens a directory and locks it until Close. If another program works in it
// the error is [rundir.ErrLocked].
func Open(dir string, c Config) (*Run, error) {
	c.Grace = cmp.Or(c.Grace, 30*time.Second)
	if c.Meter == nil {
		c.Meter = new(agent.Meter)
	}
	r := &Run{dir: dir, config: c}
	if err := r.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("run: %s: %w", dir, err), r.Close())
	}
	return r, nil
}

func (r *Run) path(name string) string { return filepath.Join(r.dir, name) }

func (r *Run) open() (err error) {
	if r.lock, err = rundir.Acquire(r.dir); err != nil {
		return err
	}
	if r.calls, err = rundir.OpenLines(r.path(callsFile)); err != nil {
		return err
	}
	if r.results, err = rundir.OpenLines(r.path(resultsFile)); err != nil {
		return err
	}
	return r.readCalls()
}

// Close closes the files and unlocks the directory.
func (r *Run) Close() error {
	var errs []error
	for _, l := range []*rundir.Log{r.calls, r.results} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	if r.lock != nil {
		errs = append(errs, r.lock.Release())
	}
	return errors.Join(errs...)
}

// Results yields the results of earlier sessions, which it reads, and then those of
// [synth.Results] for the problems that are left. The problems have to be those of the
// earlier sessions, in their order; there may be more of them now. Settings that are not
// as they were are a [*rundir.MismatchError]. Results stops at the first error. Everything
// that it has yielded is written.
func (r *Run) Results(ctx context.Context, problems iter.Seq[coat.Problem], c synth.Config) iter.Seq2[synth.Result, error] {
	c = c.Resolved()
	return func(yield func(synth.Result, error) bool) {
		if err := r.begin(c); err != nil {
			yield(synth.Result{}, fmt.Errorf("run: %w", err))
			return
		}
		next, stop := iter.Pull(problems)
		defer stop()
		for result, err := range written(r.dir, c.Actions) {
			if err == nil {
				err = isNext(result.Problem, c.Actions, next)
			}
			if err == nil && c.Stats != nil {
				c.Stats.Add(result.Stats)
			}
			if !yield(result, err) || err != nil {
				return
			}
		}
		rest := func(yield func(coat.Problem) bool) {
			for p, ok := next(); ok && yield(p); p, ok = next() {
			}
		}
		for result, err := range synth.Results(ctx, rest, c) {
			if err == nil {
				err = r.write(result)
			}
			if !yield(result, err) || err != nil {
				return
			}
		}
	}
}

// isNext checks that the next problem is the one that was done, with the actions of the
// run where it has none of its own.
func isNext(done coat.Problem, actions coat.Actions, next func() (coat.Problem, bool)) error {
	p, ok := next()
	p.Actions = cmp.Or(p.Actions, actions)
	switch {
	case !ok:
		return fmt.Errorf("run: problem %s is done and is not among the problems any more", done.ID)
	case p != done:
		return fmt.Errorf("run: problem %s is in the place of %s, which was there when the run began", p.ID, done.ID)
	}
	return nil
}
