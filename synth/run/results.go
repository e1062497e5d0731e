package run

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/synth"
)

// A record is a line of results.jsonl.
type record struct {
	Problem coat.Problem `json:"problem"`
	Demos   []demo       `json:"demos,omitempty"`
	Right   []string     `json:"right,omitempty"`
	Wrong   []string     `json:"wrong,omitempty"`
	Stats   synth.Stats  `json:"stats"`
}

type demo struct {
	Kind  coat.Kind `json:"kind"`
	Trace string    `json:"trace"`
}

// write appends a result. The calls that it came from are on the disk before it is.
func (r *Run) write(result synth.Result) error {
	line := record{Problem: result.Problem, Right: texts(result.Right), Wrong: texts(result.Wrong), Stats: result.Stats}
	for _, d := range result.Demos {
		line.Demos = append(line.Demos, demo{d.Kind, d.Trace.String()})
	}
	if err := errors.Join(r.syncCalls(), r.results.Append(line)); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

func (r *Run) syncCalls() error {
	_, err := r.calls.Sync()
	return err
}

// written yields the results of the lines that are there.
func written(dir string, actions coat.Actions) iter.Seq2[synth.Result, error] {
	return func(yield func(synth.Result, error) bool) {
		for line, err := range rundir.ReadLines[record](filepath.Join(dir, resultsFile)) {
			var result synth.Result
			if err == nil {
				result, err = line.result(actions)
			}
			if !yield(result, err) || err != nil {
				return
			}
		}
	}
}

// Done counts the problems that have a result.
func (r *Run) Done() (n int, err error) {
	for _, err := range rundir.ReadLines[struct{}](r.path(resultsFile)) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Read yields the results that a directory has now, also while a program works in it. The
// actions are those of its manifest.
func Read(dir string) iter.Seq2[synth.Result, error] {
	return func(yield func(synth.Result, error) bool) {
		m, err := ReadManifest(dir)
		if err != nil {
			yield(synth.Result{}, err)
			return
		}
		written(dir, m.Actions)(yield)
	}
}

// result reads a line. Its problem has the actions of the run where the line names none.
func (line record) result(actions coat.Actions) (synth.Result, error) {
	line.Problem.Actions = cmp.Or(line.Problem.Actions, actions)
	result := synth.Result{Problem: line.Problem, Stats: line.Stats}
	var err error
	for _, d := range line.Demos {
		t, fault := line.Problem.Actions.Parse(d.Trace)
		err = errors.Join(err, fault)
		result.Demos = append(result.Demos, coat.Demo{Problem: line.Problem, Trace: t, Kind: d.Kind})
	}
	for _, side := range []struct {
		texts []string
		into  *[]coat.Trace
	}{{line.Right, &result.Right}, {line.Wrong, &result.Wrong}} {
		for _, text := range side.texts {
			t, fault := line.Problem.Actions.Parse(text)
			if fault != nil { // a first solution need not be one that can be read back
				t = coat.Trace{{Text: text}}
			}
			*side.into = append(*side.into, t)
		}
	}
	if err != nil {
		return result, fmt.Errorf("run: problem %s: %w", line.Problem.ID, err)
	}
	return result, nil
}

func texts(ts []coat.Trace) []string {
	var all []string
	for _, t := range ts {
		all = append(all, t.String())
	}
	return all
}
