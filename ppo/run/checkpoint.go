package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strconv"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/ppo"
)

// A state is what a checkpoint holds beside the policy and the attached values. Earlier
// versions wrote no position.
type state struct {
	Done     int               `json:"done"` // iterations
	KL       float64           `json:"kl"`   // β of the next one
	Config   map[string]string `json:"config"`
	Position *position         `json:"position,omitempty"` // in the stream of starts
	Log      *rundir.Cursor    `json:"journal,omitempty"`  // the end of the rollout log
}

const (
	stateFile = "state.json"
	actorDir  = "actor"
)

// An open run has its directory locked.
type open struct {
	*Run
	trainer     ppo.Trainer // with Done and KL of the checkpoint
	checkpoints rundir.Checkpoints
	log         *rundir.Log // nil: none
	starts      *stream
}

func (o *open) close() error {
	if o.starts != nil {
		o.starts.stop()
	}
	if o.log != nil {
		return o.log.Close()
	}
	return nil
}

// resume finds the newest checkpoint, cuts the rollout log back to it, and loads it.
func (o *open) resume(starts iter.Seq[coat.Start]) error {
	found, err := o.checkpoints.Newest()
	if err != nil {
		return err
	}
	o.Resumed = Resumed{Iteration: found.Number, Skipped: found.Skipped}
	var was state
	if found.Dir != "" {
		if was, err = readState(found.Dir); err != nil {
			return err
		}
		if err := o.compare(was); err != nil {
			return fmt.Errorf("checkpoint %s: %w", found.Dir, err)
		}
	}
	if err := o.openLog(was.Log); err != nil {
		return err
	}
	o.starts = newStream(starts)
	if found.Dir == "" {
		return o.checkPosition()
	}
	if err := o.load(found.Dir, was); err != nil {
		return fmt.Errorf("checkpoint %s: %w", found.Dir, err)
	}
	return nil
}

func readState(dir string) (s state, err error) {
	path := filepath.Join(dir, stateFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	if s.Position != nil {
		return s, nil
	}
	var numbers [2]int // of the settings, which always have them
	for i, name := range []string{"Batch", "Group"} {
		if numbers[i], err = strconv.Atoi(s.Config[name]); err != nil || numbers[i] <= 0 {
			return s, fmt.Errorf("%s: config.%s is %q, want a positive number", path, name, s.Config[name])
		}
	}
	s.Position = &position{Starts: s.Done * (numbers[0] / numbers[1])}
	return s, nil
}

// compare compares the settings, and takes over what the checkpoint decides.
func (o *open) compare(was state) error {
	if err := o.trainer.CheckSettings(stateFile, was.Config); err != nil {
		return err
	}
	c := &o.trainer.Config
	if c.KLTarget == 0 { // nothing adapts it
		kl := func(x float64) map[string]string { return map[string]string{"Config.KL": fmt.Sprint(x)} }
		if err := rundir.CheckSettings(stateFile, kl(was.KL), kl(c.KL)); err != nil {
			return err
		}
	}
	c.Done, c.KL = was.Done, was.KL
	return nil
}

// load reads the policy and the attached values, and finds the place in the stream.
func (o *open) load(dir string, was state) error {
	if err := o.trainer.Policy.(Policy).Load(filepath.Join(dir, actorDir)); err != nil {
		return err
	}
	for name, value := range o.Attach {
		data, err := os.ReadFile(filepath.Join(dir, name+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("Attach[%q]: the run was saved without it: %w", name, err)
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, value); err != nil {
			return fmt.Errorf("Attach[%q]: %w", name, err)
		}
	}
	if o.positioner() == nil {
		return o.starts.skip(*was.Position)
	}
	o.starts.at = *was.Position
	return o.checkPosition()
}

// positioner returns the attached value that the starts come from, or nil.
func (o *open) positioner() positioner {
	for _, value := range o.Attach {
		if p, ok := value.(positioner); ok {
			return p
		}
	}
	return nil
}

// checkPosition checks that an attached value with a position gave out the starts that were
// taken, and no others.
func (o *open) checkPosition() error {
	p := o.positioner()
	if p == nil || p.Position() == o.starts.at.Starts {
		return nil
	}
	return fmt.Errorf("the attached %T has given out %d starts, and the run has taken %d; "+
		"the stream of Train has to come from it, and from nothing else before",
		p, p.Position(), o.starts.at.Starts)
}

// openLog opens the rollout log where there is one, and cuts it back to end.
func (o *open) openLog(end *rundir.Cursor) (err error) {
	if o.RolloutLog == "" {
		return nil
	}
	if end == nil {
		if err := begins(o.RolloutLog); err != nil {
			return err
		}
		end = new(rundir.Cursor)
	}
	o.log, o.Resumed.Cut, err = rundir.OpenLog(o.RolloutLog, *end)
	return err
}

// begins reports a log that must not be cut to nothing: a log that no checkpoint knows has
// at most the first iteration, and a last line that was not finished. Everything else
// belongs to somebody, or is damaged.
func begins(path string) error {
	for r, err := range ReadLog(path) {
		var torn *rundir.TornError
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.As(err, &torn) && torn.Begun:
			return nil
		case err != nil:
			return fmt.Errorf("rollout log %s is not one of this run's first iteration, and no checkpoint knows of it; move it away: %w", path, err)
		case r.Iteration > 1:
			return fmt.Errorf("rollout log %s is of another run: it has attempts of iteration %d, and no checkpoint knows of it; "+
				"move one of them away", path, r.Iteration)
		}
	}
	return nil
}

// save adds the attempts of an iteration to the rollout log and makes a checkpoint, whole
// or not at all.
func (o *open) save(step ppo.Step) (err error) {
	if err := o.checkPosition(); err != nil {
		return err
	}
	s := state{Done: step.Iteration, KL: step.NextKL, Position: &o.starts.at}
	if s.Config, err = o.trainer.Settings(); err != nil {
		return err
	}
	if o.log != nil {
		for r := range records(o.trainer, step) {
			if err := o.log.Append(r); err != nil {
				return err
			}
		}
		end, err := o.log.Sync()
		if err != nil {
			return err
		}
		s.Log = &end
	}
	return o.checkpoints.Save(step.Iteration, func(dir string) error {
		if err := o.trainer.Policy.(Policy).Save(filepath.Join(dir, actorDir)); err != nil {
			return err
		}
		for name, value := range o.Attach {
			data, err := json.Marshal(value)
			if err != nil {
				return fmt.Errorf("Attach[%q]: %w", name, err)
			}
			if err := os.WriteFile(filepath.Join(dir, name+".json"), data, 0o644); err != nil {
				return err
			}
		}
		data, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, stateFile), append(data, '\n'), 0o644)
	})
}

// pointer reports a value that encoding/json could not read into.
func pointer(value any) error {
	if v := reflect.ValueOf(value); v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("is a %T, want a pointer to what is kept", value)
	}
	return nil
}
