package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/satori-go/satori/examples/progress"
	"github.com/satori-go/satori/examples/report"
)

// A Stage is a part of the run under way.
type Stage struct {
	report.Stage
	run     *Run
	metrics []report.Metric
	shown   string // on the terminal
	started time.Time
	cores   float64
}

// Stage does work once: a run that is gone on with passes over the stages that are
// whole. It ends by recording what the stage cost.
func (r *Run) Stage(name string, work func(*Stage) error) error {
	done := filepath.Join("stages", name+".json")
	if _, err := os.Stat(r.path(done)); err == nil {
		return r.last(name)
	}
	s := &Stage{Stage: report.Stage{Name: name}, run: r}
	s.resume(nil)
	defer r.line.Done()
	if err := work(s); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	data, err := s.state()
	if err != nil {
		return err
	}
	if err := r.writeFile(done, data); err != nil {
		return err
	}
	return r.last(name)
}

// last is errUntil at the stage that -until names.
func (r *Run) last(name string) error {
	if name == r.until {
		return errUntil
	}
	return nil
}

// errUntil ends a run at the stage that -until names.
var errUntil = errors.New("stopped after the stage that -until names")

// record is what a stage leaves, and a checkpoint of one: its cost and its metrics.
type record struct {
	Stage   report.Stage    `json:"stage"`
	Metrics []report.Metric `json:"metrics,omitempty"`
}

// state is the stage's record up to now.
func (s *Stage) state() ([]byte, error) {
	now := s.Stage
	now.Seconds += time.Since(s.started).Seconds()
	now.CoreSeconds += coreSeconds() - s.cores
	return json.Marshal(record{now, s.metrics})
}

// resume starts the clock, on top of an earlier record of the same stage.
func (s *Stage) resume(old *record) {
	s.started, s.cores = time.Now(), coreSeconds()
	if old != nil {
		s.Stage, s.metrics = old.Stage, old.Metrics
	}
}

// tokens are what a step took.
type tokens struct{ sampled, trained int }

// Step reports a step: to the terminal, and for metrics.jsonl. A phase of several in
// one stage has a name after the stage's.
func (s *Stage) Step(phase string, step, of int, used tokens, values map[string]float64) {
	s.open(phase, of)
	s.Tokens += used.sampled + used.trained
	s.Sampled += used.sampled
	s.metrics = append(s.metrics, report.Metric{Stage: s.shown, Step: step, Of: of, Values: values})
	fields := []progress.Field{progress.Tokens(used.sampled + used.trained)}
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

// open starts the line of a stage or of a phase of it.
func (s *Stage) open(phase string, of int) {
	if title := strings.TrimSpace(s.Name + " " + phase); title != s.shown {
		s.run.line.Stage(title, of)
		s.shown = title
	}
}

// records are those of the stages that are whole, in the order of names.
func (r *Run) records(names []string) ([]record, error) {
	var list []record
	for _, name := range names {
		data, err := os.ReadFile(r.path("stages", name+".json"))
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
