package run

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/ppo"
)

// A Run is a training run in a directory.
type Run struct {
	Dir string // made where it does not exist; one process uses it at a time
	// Trainer has a policy that was made as for a new run, and a Config with Done 0. The
	// policy has to be a [Policy]; Train loads the weights of the checkpoint into it.
	Trainer ppo.Trainer
	// RolloutLog is the file that keeps every attempt, see [Record]. "": none.
	RolloutLog string
	Keep       int // number of checkpoints that stay, the newest; 0: 2
	// Attach holds pointers to further values that a checkpoint keeps, by names for their
	// files: metrics, a buffer of restarts. encoding/json writes and reads them.
	//
	// A value with a method Position() int, such as a rae.Mixer, is the one that the starts
	// come from. It keeps its own position in their stream.
	Attach map[string]any

	// Resumed is set by Train before the first iteration.
	Resumed Resumed
}

// A Policy is a [ppo.Policy] that a checkpoint can keep. *actor.Policy is one.
type Policy interface {
	ppo.Policy
	Save(dir string) error // writes weights, optimisers and settings into a new directory
	Load(dir string) error // reads what Save wrote
}

// Resumed says what a run found in its directory.
type Resumed struct {
	Iteration int           // of the checkpoint; 0: the run begins
	Skipped   []error       // why newer checkpoints were skipped; a program should show them
	Cut       rundir.Cursor // what was cut from the rollout log: attempts of iterations that are made again
}

// Train trains from the newest whole checkpoint, or from the beginning where there is none,
// and yields each iteration after its updates.
//
// An iteration is saved when the body of the loop has run to its end, with what the body
// changed in attached values. After break, return or a panic in the body it is not saved,
// as after a crash, and the next run makes it again. To stop with the iteration saved,
// cancel ctx in the body.
//
// starts begins anew each time: Train passes over the starts that were taken before, and
// compares them with those that it took. A stream that keeps its own position, such as that
// of a rae.Mixer, continues from it; it has to be attached, see Attach. A stream that
// stands anywhere else is an error.
//
// The settings that decide the results have to be what they were; the first one that is not
// is an error, which names it. Train compares the Config and the names, weights and ranges
// of the rubric's terms; actor.Policy.Load compares the actor.Config. They compare functions
// by their names: the caller sees to it that a term of the rubric, an AdvantageEstimator, a
// LossAgg or a KLEstimator of the same name does the same. They do not compare what a
// checkpoint of an earlier version lacks.
//
// It is an error, and changes nothing, if there are checkpoints of which none is whole, or
// if the rollout log is not the one that belongs to the checkpoint.
func (r *Run) Train(ctx context.Context, starts iter.Seq[coat.Start]) iter.Seq2[ppo.Step, error] {
	return func(yield func(ppo.Step, error) bool) {
		err := r.train(ctx, starts, yield)
		if err != nil && !errors.Is(err, errStopped) {
			yield(ppo.Step{}, err)
		}
	}
}

// errStopped says that the body of the loop ended it.
var errStopped = errors.New("stopped")

func (r *Run) train(ctx context.Context, starts iter.Seq[coat.Start], yield func(ppo.Step, error) bool) (err error) {
	fail := func(err error) error { return fmt.Errorf("ppo: run %s: %w", r.Dir, err) }
	if err := r.check(); err != nil {
		return fail(err)
	}
	lock, err := rundir.Acquire(r.Dir)
	if err != nil {
		return fail(err)
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	o := &open{Run: r, trainer: r.Trainer, checkpoints: rundir.Checkpoints{Dir: filepath.Join(r.Dir, "checkpoints"), Keep: r.Keep}}
	defer func() { err = errors.Join(err, o.close()) }()
	if err := o.resume(starts); err != nil {
		return fail(err)
	}
	for step, err := range o.trainer.Train(ctx, o.starts.rest) {
		if err != nil {
			return err // of the trainer, which says where
		}
		if !yield(step, nil) {
			return errStopped
		}
		if err := o.save(step); err != nil {
			return fail(fmt.Errorf("saving iteration %d: %w", step.Iteration, err))
		}
	}
	return nil
}

// check reports what is wrong with the fields.
func (r *Run) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if _, ok := r.Trainer.Policy.(Policy); !ok {
		fault("Trainer.Policy is a %T, which has no Save(dir) error and Load(dir) error", r.Trainer.Policy)
	}
	if done := r.Trainer.Config.Done; done != 0 {
		fault("Trainer.Config.Done is %d; the run sets it, leave it 0", done)
	}
	if r.Dir == "" {
		fault("Dir is empty")
	}
	if r.Keep < 0 {
		fault("Keep is %d, want it 0 or more", r.Keep)
	}
	positioned := 0
	for name, value := range r.Attach {
		if name == "" || name == "state" || name == "manifest" || filepath.Base(name) != name || name[0] == '.' {
			fault("Attach has the name %q, which cannot be that of its file; take another", name)
		}
		if err := pointer(value); err != nil {
			fault("Attach[%q] %w", name, err)
		}
		if _, ok := value.(positioner); ok {
			positioned++
		}
	}
	if positioned > 1 {
		fault("Attach has %d values with a method Position() int, and starts come from one", positioned)
	}
	return errors.Join(faults...)
}
