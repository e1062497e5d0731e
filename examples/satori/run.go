package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/progress"
	"github.com/satori-go/satori/examples/report"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/synth"
)

// A Run is a pipeline that writes into a directory and can be gone on with: each stage
// leaves a file that says it is whole, and what it made is read back from disk, so
// that a run that was cut off sees the same as one that was not.
type Run struct {
	Recipe Recipe
	Task   tasks.Task
	Seed   uint64

	dir      string
	backend  model.Backend
	line     *progress.Line
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
	recipe, err := recipe(o.task, o.quick)
	if err != nil {
		return nil, err
	}
	if o.recipe != "" {
		if err := recipe.amend(o.recipe); err != nil {
			return nil, err
		}
	}
	i := slices.IndexFunc(tasks.All(), func(t tasks.Task) bool { return t.Name == o.task })
	r := &Run{Recipe: recipe, Task: tasks.All()[i], Seed: o.seed, dir: o.out, split: o.split, until: o.until, problems: map[string][]coat.Problem{}}
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
	if err := os.MkdirAll(filepath.Join(r.dir, "stages"), 0o755); err != nil {
		return fmt.Errorf("output directory: %w", err)
	}
	old, err := os.ReadFile(r.path("config.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if others, _ := os.ReadDir(r.path("stages")); len(others) > 0 {
			return fmt.Errorf("output directory %s holds stages of a run without config.json; choose another with -out", r.dir)
		}
		return r.writeFile("config.json", append(text, '\n'))
	case err != nil:
		return fmt.Errorf("output directory: %w", err)
	case !bytes.Equal(bytes.TrimSpace(old), text):
		return fmt.Errorf("output directory %s belongs to a run of another configuration (see config.json in it); choose another with -out, or remove it", r.dir)
	}
	// Going on: what can be read may still be read-only.
	return r.writeFile("config.json", old)
}

func (r *Run) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

// writeFile writes a file of the run whole or not at all.
func (r *Run) writeFile(name string, data []byte) error {
	f, err := os.CreateTemp(r.dir, ".tmp")
	if err != nil {
		return fmt.Errorf("output directory: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), r.path(name))
}

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

// Step reports a step: to the terminal, and for metrics.jsonl. A phase of several in
// one stage has a name after the stage's.
func (s *Stage) Step(phase string, step, of, tokens int, values map[string]float64) {
	s.open(phase, of)
	s.Tokens += tokens
	s.metrics = append(s.metrics, report.Metric{Stage: s.shown, Step: step, Of: of, Values: values})
	fields := []progress.Field{progress.Tokens(tokens)}
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

// coreSeconds is the processor time of this process.
func coreSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime) + seconds(u.Stime)
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

// Fresh makes the untrained model of the task: its words, then the meta-actions.
func (r *Run) Fresh() (*model.LM, error) {
	words := append([]string{"<pad>", "<eos>"}, r.Task.Words...)
	tok, err := tokenizer.NewWordLevel(words, coat.Tokens(coat.Actions...))
	if err != nil {
		return nil, err
	}
	c := r.Recipe.Model
	c.VocabSize, c.Pad, c.EOS = tok.Len(), 0, 1
	net, err := model.NewNet(r.backend, c, r.Seed)
	if err != nil {
		return nil, err
	}
	return model.NewLM(net, tok)
}

// Lines are the drills' lines, in the order of the lessons.
func (r *Run) Lines(d Drills) (lines []coat.Demo) {
	rng := r.rand(0x6472)
	for _, l := range d.Lessons {
		for range l.Lines {
			lines = append(lines, r.Task.Drill(rng, l.Lesson))
		}
	}
	return lines
}

// Demos is a stage that synthesises demonstrations of all kinds.
func (r *Run) Demos(ctx context.Context, problems []coat.Problem) ([]coat.Demo, error) {
	const file = "demos.jsonl"
	err := r.Stage("demos", func(s *Stage) error {
		var demos []coat.Demo
		config := synth.Config{
			Generate: r.Task.Generate, Critic: r.Task.Critic, Check: r.Task.Check,
			Solutions: r.Recipe.Solutions, Share: r.Recipe.Share, Seed: r.Seed,
		}
		empty, pass := 0, uint64(0)       // passes in a row that gave nothing, and all
		for len(demos) < r.Recipe.Demos { // again with another seed where one pass is too few
			before := len(demos)
			for d, err := range synth.Demos(ctx, slices.Values(r.some(problems, 0, 0)), config) {
				if err != nil {
					return err
				}
				if demos = append(demos, d); len(demos)%500 == 0 {
					s.Step("", len(demos), r.Recipe.Demos, 0, nil)
				}
				if len(demos) == r.Recipe.Demos {
					break
				}
			}
			if len(demos) > before {
				empty = 0
			} else if empty++; empty == 20 { // Recipe.Share drops most of those of few problems
				return errors.New("the synthesis gave no demonstrations of these problems")
			}
			pass++
			config.Seed = model.Mix(r.Seed, pass)
		}
		return writeLines(r, file, demos)
	})
	if err != nil {
		return nil, err
	}
	return readLines[coat.Demo](r, file)
}

// some is the first n of problems in an order of the seed's; all where n is 0.
func (r *Run) some(problems []coat.Problem, n int, salt uint64) []coat.Problem {
	if n == 0 || n > len(problems) {
		n = len(problems)
	}
	var list []coat.Problem
	for _, i := range r.rand(salt).Perm(len(problems))[:n] {
		list = append(list, problems[i])
	}
	return list
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

// Fits tells whether a start leaves room for a whole attempt.
func (r *Run) Fits(lm *model.LM) func(coat.Start) bool {
	return func(s coat.Start) bool {
		ids, err := lm.Prompt(coat.Bare, s)
		return err == nil && len(ids)+r.Recipe.MaxTokens <= lm.Config.MaxPositions
	}
}

func (r *Run) rand(salt uint64) *rand.Rand {
	return rand.New(rand.NewPCG(model.Mix(r.Seed, salt), 0x7361746f))
} // "sato"

// each is a stream of attempts that are there already.
func each(attempts []coat.Attempt) iter.Seq2[coat.Attempt, error] {
	return func(yield func(coat.Attempt, error) bool) {
		for _, a := range attempts {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// Restarts are the buffers D+ and D− of attempts.
func (r *Run) Restarts(ctx context.Context, attempts []coat.Attempt, fits func(coat.Start) bool) (*rae.Buffer, error) {
	verdicts := make([]coat.Outcome, len(attempts))
	for i, a := range attempts {
		var err error
		if verdicts[i], err = r.Task.Check.Verdict(ctx, a); err != nil {
			return nil, err
		}
	}
	return rae.Build(func(yield func(coat.Attempt, coat.Outcome) bool) {
		for i, a := range attempts {
			if !yield(a, verdicts[i]) {
				return
			}
		}
	}, rae.Config{Seed: r.Seed, Fits: fits})
}

// times repeats each start n times in a row.
func times(n int, starts iter.Seq[coat.Start]) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		for s := range starts {
			for range n {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// fresh makes starts of problems, one each.
func fresh(problems []coat.Problem) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		for _, p := range problems {
			if !yield(coat.Start{Problem: p}) {
				return
			}
		}
	}
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
