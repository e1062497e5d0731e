package ppo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/reward"
)

// A RunConfig says what a [Run] keeps.
type RunConfig struct {
	Keep int // checkpoints, the newest; 0: 2

	// Journal is the file in which every attempt is kept, see [Entry]. "": none is.
	Journal string
	Rubric  reward.Rubric             // of the Trainer: names the parts of the journal's scores
	Verdict func(Sample) coat.Outcome // for the journal; nil: none is given
}

// A Run is a directory in which training survives whatever ends the program: started
// again it comes to the same weights and the same figures, byte for byte, as if nothing
// had happened. One process has it at a time.
//
//	run, err := ppo.OpenRun(dir, ppo.RunConfig{})
//	config, err = run.Resume(config)
//	policy, err := ... // run.Last.Open where run.Last is not nil, or else a new one
//	for step, err := range trainer.Train(ctx, starts) {
//		err := run.Save(config, step, policy.SaveIn, ...)
//	}
//
// A checkpoint holds weights, optimisers' moments and steps, the configuration with its
// seed, schedules and coefficients, how many iterations are done, by which every stream
// finds its place (starts, seeds of rollouts, shuffles), the end of the journal, and the
// caller's own files: a buffer, its metrics.
type Run struct {
	Last *Checkpoint   // what is gone on from; nil: the run begins
	Cut  rundir.Cursor // what was cut from the journal: lines of iterations to be made again, or torn

	config      RunConfig
	holder      *rundir.Lock
	checkpoints rundir.Checkpoints
	journal     *rundir.Log
}

// A Checkpoint is one that was found whole. Passed says why newer ones were passed over;
// the caller should show it.
type Checkpoint struct {
	rundir.Checkpoint
	state runState
}

// runState is what a checkpoint holds beside the policy and the caller's files.
type runState struct {
	Done    int               `json:"done"`
	KL      float64           `json:"kl"`
	Config  map[string]string `json:"config"`
	Journal *rundir.Cursor    `json:"journal,omitempty"`
}

const (
	stateFile = "state.json"
	actorDir  = "actor"
)

// OpenRun takes a directory, which it makes where there is none, finds the newest whole
// checkpoint in it and cuts the journal back to that. Where the directory has
// checkpoints and none is whole, or the journal is not the one that was written, that
// is an error, and neither is changed.
func OpenRun(dir string, c RunConfig) (r *Run, err error) {
	r = &Run{config: c, checkpoints: rundir.Checkpoints{Dir: filepath.Join(dir, "checkpoints"), Keep: c.Keep}}
	if r.holder, err = rundir.Acquire(dir); err != nil {
		return nil, fmt.Errorf("ppo: %w", err)
	}
	if err := r.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("ppo: run %s: %w", dir, err), r.Close())
	}
	return r, nil
}

func (r *Run) open() error {
	found, err := r.checkpoints.Newest()
	if err != nil {
		return err
	}
	var end rundir.Cursor
	if found.Dir != "" {
		r.Last = &Checkpoint{Checkpoint: found}
		data, err := os.ReadFile(filepath.Join(found.Dir, stateFile))
		if err == nil {
			err = json.Unmarshal(data, &r.Last.state)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", stateFile, err)
		}
		if c := r.Last.state.Journal; c != nil {
			end = *c
		}
	}
	if r.config.Journal == "" {
		return nil
	}
	if end == (rundir.Cursor{}) {
		if err := unbegun(r.config.Journal); err != nil {
			return err
		}
	}
	r.journal, r.Cut, err = rundir.OpenLog(r.config.Journal, end)
	return err
}

// unbegun tells that a journal may be cut to nothing: it holds no more than the first
// iteration, which no checkpoint followed, and at most a last line that was not finished.
// Whatever else it holds is somebody's, or damaged, and stays.
func unbegun(path string) error {
	for e, err := range ReadJournal(path) {
		var torn *rundir.TornError
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.As(err, &torn) && torn.Begun:
			return nil
		case err != nil:
			return fmt.Errorf("journal %s is no journal of this run's first iteration, and no checkpoint knows of it; move it away: %w", path, err)
		case e.Iteration > 1:
			return fmt.Errorf("journal %s is of another run: it has attempts of iteration %d, and no checkpoint knows of it; move one of them away", path, e.Iteration)
		}
	}
	return nil
}

// Resume is a configuration to go on with: c where the run begins, or else c with Done of
// the checkpoint, and its KL where KLTarget steers that. What else decides the results has
// to be as it was; the first field that is not is an error. To change one all the same, set
// Done yourself and open the policy with [OpenActorCritic].
func (r *Run) Resume(c Config) (Config, error) {
	if r.Last == nil {
		return c, nil
	}
	now, err := configSettings(c)
	if err != nil {
		return c, fmt.Errorf("ppo: %w", err)
	}
	if err := sameSettings("Config", r.Last.state.Config, now); err != nil {
		return c, fmt.Errorf("ppo: %s: %w", r.Last.Dir, err)
	}
	// A KL that nothing steers is the one that the run began with. It is not among the
	// settings.
	if was := r.Last.state.KL; c.KLTarget == 0 && c.KL != was {
		err := sameSettings("Config", map[string]string{"KL": fmt.Sprint(was)}, map[string]string{"KL": fmt.Sprint(c.KL)})
		return c, fmt.Errorf("ppo: %s: %w", r.Last.Dir, err)
	}
	c.Done, c.KL = r.Last.state.Done, r.Last.state.KL
	return c, nil
}

// Save keeps an iteration: its attempts in the journal, then a checkpoint, whole or not
// at all. Each fill writes files into the checkpoint's directory; one has to be the
// policy's, such as [ActorCritic.SaveIn]. After an error the run goes on from the
// checkpoint before, once it is opened again.
func (r *Run) Save(c Config, step Step, fill ...func(dir string) error) error {
	if err := r.save(c, step, fill); err != nil {
		return fmt.Errorf("ppo: saving iteration %d: %w", step.Iteration, err)
	}
	return nil
}

func (r *Run) save(c Config, step Step, fill []func(dir string) error) (err error) {
	for k, x := range step.Samples {
		if n := len(r.config.Rubric); r.journal != nil && len(x.Score.Parts) != n {
			return fmt.Errorf("RunConfig.Rubric has %d terms, and the score of attempt %d has %d parts; it has to be the rubric of the Trainer", n, k, len(x.Score.Parts))
		}
	}
	state := runState{Done: step.Iteration, KL: step.NextKL}
	if state.Config, err = configSettings(c); err != nil {
		return err
	}
	if r.journal != nil {
		for e := range entries(c.Seed, step, r.config) {
			if err := r.journal.Append(e); err != nil {
				return err
			}
		}
		end, err := r.journal.Sync()
		if err != nil {
			return err
		}
		state.Journal = &end
	}
	data, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	return r.checkpoints.Save(step.Iteration, func(dir string) error {
		for _, write := range fill {
			if err := write(dir); err != nil {
				return err
			}
		}
		return os.WriteFile(filepath.Join(dir, stateFile), append(data, '\n'), 0o644)
	})
}

// Close lets go of the directory.
func (r *Run) Close() (err error) {
	if r.journal != nil {
		err = r.journal.Close()
	}
	return errors.Join(err, r.holder.Release())
}

// After is a stream behind n starts that were taken from it before: n blanks, which
// Config.Done has passed over, and then the stream. It is for a stream that goes on by
// itself, such as a rae.Mixer of a checkpoint. One that begins anew each time, such as
// [Cycle], needs nothing.
func After(n int, starts iter.Seq[coat.Start]) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		for range n {
			if !yield(coat.Start{}) {
				return
			}
		}
		starts(yield)
	}
}
