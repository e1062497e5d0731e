package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/satori-go/satori/examples/progress"
	"github.com/satori-go/satori/examples/report"
)

// A Stage is a part of a run that is under way.
type Stage struct {
	report.Stage
	run     *Run
	metrics []report.Metric
	shown   string // the title of the line of progress
	started time.Time
	cores   float64
}

// ErrUntil says that a run has ended after the stage Config.Until.
var ErrUntil = errors.New("stopped after the last stage that was asked for")

// Stage does a piece of work once: it skips a stage that is whole. In the end it records
// what the stage cost. After the stage Config.Until it returns ErrUntil.
func (r *Run) Stage(name string, work func(*Stage) error) error {
	if !slices.Contains(r.Stages, name) {
		return fmt.Errorf("pipeline: stage %q is not one of Config.Stages, %s", name, strings.Join(r.Stages, ", "))
	}
	done := filepath.Join("stages", name+".json")
	if _, err := os.Stat(r.Path(done)); err != nil {
		if err := r.do(name, done, work); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if name == r.Until {
		return ErrUntil
	}
	return nil
}

func (r *Run) do(name, done string, work func(*Stage) error) error {
	s := &Stage{Stage: report.Stage{Name: name}, run: r}
	s.resume(nil)
	defer r.line.Done()
	s.open("", 0) // the clock starts before the first step
	if err := work(s); err != nil {
		return err
	}
	data, err := s.state()
	if err != nil {
		return err
	}
	return r.writeFile(done, data)
}

// A record holds the cost and the metrics of a stage. The stage leaves one when it ends, and one
// in each checkpoint.
type record struct {
	Stage   report.Stage    `json:"stage"`
	Metrics []report.Metric `json:"metrics,omitempty"`
}

// state returns the record of the stage up to now.
func (s *Stage) state() ([]byte, error) {
	now := s.Stage
	now.Seconds += time.Since(s.started).Seconds()
	now.CoreSeconds += coreSeconds() - s.cores
	return json.Marshal(record{now, s.metrics})
}

// resume starts the clock, and continues an earlier record of the same stage.
func (s *Stage) resume(old *record) {
	s.started, s.cores = time.Now(), coreSeconds()
	if old != nil {
		s.Stage, s.metrics = old.Stage, old.Metrics
	}
}

// Tokens counts what a step took.
type Tokens struct{ Sampled, Trained int }

// Step reports a step: on the line of progress, and in metrics.jsonl. A stage with several
// phases gives each a name.
func (s *Stage) Step(phase string, step, of int, used Tokens, values map[string]float64) {
	s.open(phase, of)
	s.Tokens += used.Sampled + used.Trained
	s.Sampled += used.Sampled
	s.metrics = append(s.metrics, report.Metric{Stage: s.shown, Step: step, Of: of, Values: values})
	fields := []progress.Field{progress.Tokens(used.Sampled + used.Trained)}
	for _, name := range []string{"loss", "reward"} {
		if v, ok := values[name]; ok {
			fields = append(fields, progress.Value(name, v))
		}
	}
	if v, ok := values["accuracy"]; ok {
		fields = append(fields, progress.Share("accuracy", v))
	}
	s.run.line.Step(step, fields...)
}

// open starts the line of progress of a stage, or of a phase of it. 0: the number of steps is not known yet.
func (s *Stage) open(phase string, of int) {
	s.shown = strings.TrimSpace(s.Name + " " + phase)
	s.run.line.Stage(s.shown, of)
}

// records reads those of the stages that are whole, in the order of Config.Stages.
func (r *Run) records() ([]record, error) {
	var list []record
	for _, name := range r.Stages {
		data, err := os.ReadFile(r.Path("stages", name+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var rec record
		if err == nil {
			err = json.Unmarshal(data, &rec)
		}
		if err != nil {
			return nil, fmt.Errorf("stage %s: %w", name, err)
		}
		list = append(list, rec)
	}
	return list, nil
}
