package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/examples/progress"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/reward"
)

// A Run is a pipeline that writes into a directory and can be gone on with: each stage
// leaves a file that says it is whole, and what it made is read back from disk, so
// that a run that was cut off sees the same as one that was not.
type Run struct {
	Recipe Recipe
	Task   tasks.Task
	Seed   uint64
	CoT    bool // train the chain-of-thought twin

	dir      string
	backend  model.Backend
	line     *progress.Line
	lock     *rundir.Lock              // of the directory
	split    string                    // what is evaluated on
	until    string                    // the last stage
	problems map[string][]coat.Problem // by split
}

// setup is what has to be equal for a directory to be gone on with.
type setup struct {
	Task     string `json:"task"`
	Seed     uint64 `json:"seed"`
	Backend  string `json:"backend"`
	Problems string `json:"problems,omitempty"` // SHA-256 of the file
	Split    string `json:"split"`
	Recipe   Recipe `json:"recipe"`
}

// NewRun checks everything that can be checked before the first stage: the task, the
// problems, the backend, the directory.
func NewRun(o options, out *os.File) (*Run, error) {
	recipe, err := recipe(o.task)
	if err != nil {
		return nil, err
	}
	if o.quick {
		recipe.quick(o.task)
	}
	if o.until != "" && !slices.Contains(stages, o.until) {
		return nil, fmt.Errorf("there is no stage %q; the stages are %s", o.until, strings.Join(stages, ", "))
	}
	if o.recipe != "" {
		if err := recipe.amend(o.recipe); err != nil {
			return nil, err
		}
	}
	i := slices.IndexFunc(tasks.All(), func(t tasks.Task) bool { return t.Name == o.task })
	r := &Run{Recipe: recipe, Task: tasks.All()[i], Seed: o.seed, CoT: o.cot, dir: o.out, split: o.split, until: o.until, problems: map[string][]coat.Problem{}}
	if !slices.Contains(r.Task.Splits, o.split) {
		return nil, fmt.Errorf("%s has no split %q, it has %s", o.task, o.split, strings.Join(r.Task.Splits, ", "))
	}
	hash, err := r.load(o.problems)
	if err != nil {
		return nil, err
	}
	if r.backend, err = model.OpenBackend(o.backend); err != nil {
		return nil, err
	}
	s := setup{Task: o.task, Seed: o.seed, Backend: r.backend.Name(), Problems: hash, Split: o.split, Recipe: recipe}
	if err := r.claim(s); err != nil {
		r.release()
		return nil, err
	}
	r.line = progress.New(out)
	return r, nil
}

// load reads the task's problems and, instead of its training problems, a file's, of
// which it gives the hash.
func (r *Run) load(file string) (hash string, err error) {
	for _, split := range r.Task.Splits {
		if r.problems[split], err = r.Task.Problems(split); err != nil {
			return "", err
		}
	}
	if r.Recipe.MaxLevel > 0 {
		for _, split := range []string{"train", "valid", "test"} {
			r.problems[split] = slices.DeleteFunc(r.problems[split], func(p coat.Problem) bool { return p.Level > r.Recipe.MaxLevel })
		}
	}
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	r.problems["train"], err = coat.ReadProblems(bytes.NewReader(data), file, r.Task.CheckGold)
	return fmt.Sprintf("%x", sha256.Sum256(data)), err
}

// claim makes the directory ours, or finds that it is another configuration's.
func (r *Run) claim(s setup) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if r.lock, err = rundir.Acquire(r.path("stages")); err != nil {
		return fmt.Errorf("output directory: %w", err)
	}
	old, err := os.ReadFile(r.path("config.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if others, _ := os.ReadDir(r.path("stages")); len(others) > 1 {
			return fmt.Errorf("output directory %s holds stages of a run without config.json; choose another with -out", r.dir)
		}
		return r.writeFile("config.json", append(text, '\n'))
	case err != nil:
		return fmt.Errorf("output directory: %w", err)
	}
	if err := rundir.CheckSettings(r.path("config.json"), json.RawMessage(old), s); err != nil {
		return fmt.Errorf("output directory %s belongs to a run of another configuration; choose another with -out, or remove it: %w", r.dir, err)
	}
	// Going on: what can be read may still be read-only.
	return r.writeFile("config.json", old)
}

// release gives the directory up.
func (r *Run) release() {
	if r.lock != nil {
		r.lock.Release()
	}
}

func (r *Run) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

// writeFile writes a file of the run whole or not at all.
func (r *Run) writeFile(name string, data []byte) error {
	err := rundir.WriteFile(r.path(name), func(w io.Writer) error {
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

// readLines reads it back.
func readLines[T any](r *Run, name string) ([]T, error) {
	f, err := os.Open(r.path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return model.Collect(coat.ReadLines[T](f, r.path(name)))
}

// readJudged reads attempts that were judged. Files of earlier versions have only the
// attempts, which are judged then, or have them in another layout.
func readJudged(ctx context.Context, r *Run, name string) ([]coat.Judged, error) {
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
				return nil, fmt.Errorf("%s: line %d: %w", r.path(name), i+1, err)
			}
			judged[i].Outcome = one[0].Outcome
		}
	}
	return judged, nil
}

// versions names what the figures depend on.
func versions() map[string]string {
	v := map[string]string{"go": runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, m := range info.Deps {
		if strings.HasPrefix(m.Path, "github.com/gomlx/") {
			v[m.Path] = m.Version
		}
	}
	return v
}
