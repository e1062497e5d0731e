package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/examples/progress"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/reward"
)

// A Config says what a run is and where it works.
type Config struct {
	Dir      string   // the output directory; it is made where it does not exist
	Settings any      // everything that decides the results, as JSON; config.json keeps it
	Stages   []string // the names of all stages, in the order in which the report lists them
	Until    string   // the last stage that runs; "": all run
	Task     Task
	Backend  model.Backend
	Seed     uint64    // of everything random
	Out      io.Writer // for the line of progress and the figures of a report
}

// A Task says how problems become prompts and what judges the responses.
type Task struct {
	Name      string
	Template  coat.Template
	Check     reward.Func // 1 for a right attempt, 0 for a wrong one
	MaxTokens int         // new tokens of an attempt at most
}

// A Run is a pipeline that works in a directory. Its Task.Check remembers what it gave, so that
// everything that uses it checks an attempt once. Each stage leaves a file that says that it
// is whole. What a stage made is read from its files, so that a run that was interrupted
// sees the same as one that was not.
type Run struct {
	Config

	line *progress.Line
	lock *rundir.Lock
}

// Open takes the directory of a run, which may have been begun before. It is an error if
// the directory was begun with other settings, or if another process works in it. Close
// gives the directory up.
func Open(c Config) (*Run, error) {
	if c.Dir == "" || c.Task.Template == nil || c.Task.Check == nil || c.Task.MaxTokens <= 0 || c.Out == nil {
		return nil, errors.New("pipeline: Dir, Task.Template, Task.Check, Task.MaxTokens and Out are needed")
	}
	if c.Until != "" && !slices.Contains(c.Stages, c.Until) {
		return nil, fmt.Errorf("there is no stage %q; the stages are %s", c.Until, strings.Join(c.Stages, ", "))
	}
	c.Task.Check = reward.Memo(c.Task.Check)
	r := &Run{Config: c}
	if err := r.claim(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.line = progress.New(c.Out)
	return r, nil
}

// claim locks the directory and compares the settings that it was begun with.
func (r *Run) claim() (err error) {
	if r.lock, err = rundir.Acquire(r.Path("stages")); err != nil {
		return fmt.Errorf("output directory: %w", err)
	}
	old, err := os.ReadFile(r.Path("config.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if others, _ := os.ReadDir(r.Path("stages")); len(others) > 1 {
			return fmt.Errorf("output directory %s has stages of a run, but no config.json; choose another directory", r.Dir)
		}
		text, err := json.MarshalIndent(r.Settings, "", "  ")
		if err != nil {
			return err
		}
		return r.writeFile("config.json", append(text, '\n'))
	case err != nil:
		return fmt.Errorf("output directory: %w", err)
	}
	if err := rundir.CheckSettings(r.Path("config.json"), json.RawMessage(old), r.Settings); err != nil {
		return fmt.Errorf("output directory %s belongs to a run of another configuration: %w", r.Dir, err)
	}
	return r.writeFile("config.json", old) // a directory that can be read may still be read-only
}

// Close gives the directory up.
func (r *Run) Close() error {
	if r.lock == nil {
		return nil
	}
	return r.lock.Release()
}

// Path returns the path of a file of the run.
func (r *Run) Path(parts ...string) string {
	return filepath.Join(append([]string{r.Dir}, parts...)...)
}

// Rand makes a source of random numbers from the seed of the run. Another salt gives other
// numbers.
func (r *Run) Rand(salt uint64) *rand.Rand {
	return rand.New(rand.NewPCG(sampler.FoldIn(r.Seed, salt), 0x7361746f)) // "sato"
}

// Some draws n of the problems, or all where n is 0, in a random order.
func (r *Run) Some(problems []coat.Problem, n int, salt uint64) []coat.Problem {
	if n == 0 || n > len(problems) {
		n = len(problems)
	}
	var list []coat.Problem
	for _, i := range r.Rand(salt).Perm(len(problems))[:n] {
		list = append(list, problems[i])
	}
	return list
}

// Fits returns a function that reports whether the prompt of a start leaves a model enough
// positions for an attempt of Task.MaxTokens.
func (r *Run) Fits(lm *model.LM) func(coat.Start) bool {
	return func(s coat.Start) bool {
		ids, err := lm.Prompt(r.Task.Template, s)
		return err == nil && len(ids)+r.Task.MaxTokens <= lm.Config.MaxPositions
	}
}

// writeFile writes a file of the run, whole or not at all.
func (r *Run) writeFile(name string, data []byte) error {
	err := rundir.WriteFile(r.Path(name), func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return fmt.Errorf("output directory: %w", err)
	}
	return nil
}

// writeLines writes a JSON Lines file of the run.
func writeLines[T any](r *Run, name string, values []T) error {
	var b bytes.Buffer
	if err := coat.WriteLines(&b, slices.Values(values)); err != nil {
		return err
	}
	return r.writeFile(name, b.Bytes())
}

// readLines reads a JSON Lines file of the run.
func readLines[T any](r *Run, name string) ([]T, error) {
	f, err := os.Open(r.Path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return model.Collect(coat.ReadLines[T](f, r.Path(name)))
}

// readJudged reads attempts that were judged. Files of earlier versions have only the
// attempts, which are judged now, or have them in another layout.
func (r *Run) readJudged(ctx context.Context, name string) ([]coat.Judged, error) {
	lines, err := readLines[struct {
		coat.Judged
		Old   *coat.Attempt `json:"Attempt"`
		Right *bool         `json:"Right"`
	}](r, name)
	if err != nil {
		return nil, err
	}
	judged := make([]coat.Judged, len(lines))
	for i, line := range lines {
		judged[i] = line.Judged
		if line.Old != nil {
			judged[i].Attempt = *line.Old
		}
		switch {
		case line.Right != nil && *line.Right:
			judged[i].Outcome = coat.Right
		case line.Right != nil:
			judged[i].Outcome = coat.Wrong
		case judged[i].Outcome == coat.Unknown:
			one, err := reward.Judge(ctx, r.Task.Check, []coat.Attempt{judged[i].Attempt}, 1)
			if err != nil {
				return nil, fmt.Errorf("%s: line %d: %w", r.Path(name), i+1, err)
			}
			judged[i].Outcome = one[0].Outcome
		}
	}
	return judged, nil
}
