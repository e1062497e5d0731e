package ppo_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo"
)

// onFullDisk is the program that runs on a full disk, where there is one.
var onFullDisk func(dir string) int

// The program that is killed: it tells on standard output where it is.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SATORI_PPO_FULL"); dir != "" && onFullDisk != nil {
		os.Exit(onFullDisk(dir))
	}
	dir := os.Getenv("SATORI_PPO_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	iterations, err := strconv.Atoi(os.Getenv("SATORI_PPO_ITERATIONS"))
	if err != nil {
		panic(err)
	}
	s := newSmall(dir, iterations)
	steps := os.Getenv("SATORI_PPO_STEPS") != ""
	s.tell = func(moment string) {
		fmt.Println(moment)
		if steps { // until it may go on, or is killed
			os.Stdin.Read(make([]byte, 1))
		}
	}
	b, err := model.OpenBackend("go")
	if err == nil {
		err = s.train(context.Background(), b, 2, 0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child is the program in a directory, not yet started.
func child(dir string, iterations int, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "SATORI_PPO_DIR="+dir, fmt.Sprint("SATORI_PPO_ITERATIONS=", iterations)), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// results are the hashes of all that a run leaves.
func results(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	policy := "final/policy/model.safetensors"
	if _, err := os.Stat(filepath.Join(dir, "final/policy/adapter")); err == nil {
		policy = "final/policy/adapter/adapter_model.safetensors"
	}
	names := []string{policy, "final/policy/optimizer.safetensors", "figures.json", "mixer.json", "journal.jsonl"}
	if _, err := os.Stat(filepath.Join(dir, "final/policy/heads")); err == nil {
		names = append(names, "final/policy/heads/heads.safetensors")
	} else {
		names = append(names, "final/critic/model.safetensors", "final/critic/optimizer.safetensors")
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%x %s", sha256.Sum256(data), name))
	}
	return strings.Join(lines, "\n")
}

// Killed with SIGKILL at random moments, half of them while saving, and started again
// each time on another number of processors, a run ends with the weights, moments,
// figures, buffer and journal of one that was never killed. SATORI_KILLS says how often,
// 6 times where it is not set.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a program many times")
	}
	goBackend(t)
	kills := 6
	if n := os.Getenv("SATORI_KILLS"); n != "" {
		kills, _ = strconv.Atoi(n)
	}
	iterations := 2 * kills
	whole := t.TempDir()
	if out, err := child(whole, iterations, "GOMAXPROCS=1").Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := results(t, whole)

	dir := t.TempDir()
	moments := map[string]int{}
	for killed := 0; ; {
		cmd := child(dir, iterations, "SATORI_PPO_STEPS=1", fmt.Sprint("GOMAXPROCS=", []int{1, 2, 8}[rand.IntN(3)]))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		goOn, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// At a moment that it tells of, or shortly after; other ones each time.
		left, last := 1+rand.IntN(12), ""
		for in := bufio.NewScanner(out); in.Scan(); {
			last = in.Text()
			left--
			if left == 0 && killed < kills && rand.IntN(2) == 0 {
				cmd.Process.Kill()
				break
			}
			goOn.Write([]byte{'\n'})
			if left == 0 && killed < kills {
				time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
				cmd.Process.Kill()
				break
			}
		}
		err = cmd.Wait()
		if err == nil {
			if killed < kills {
				t.Fatalf("it ended after %d kills", killed)
			}
			break
		}
		if cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("after %d kills: %v", killed, err)
		}
		killed++
		moments[last]++ // or after it
	}
	t.Logf("killed after %v\n%s", moments, want)
	if got := results(t, dir); got != want {
		t.Errorf("after %d kills:\n%s\nwant\n%s", kills, got, want)
	}
}

func goBackend(t *testing.T) model.Backend {
	t.Helper()
	if strings.HasPrefix(os.Getenv("GOMLX_BACKEND"), "xla") {
		t.Skip("GOMLX_BACKEND names another")
	}
	b, err := model.OpenBackend("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A torn checkpoint is passed over and said to be, the one before is gone on from, and
// the run ends as one that was left alone.
func TestTornCheckpoint(t *testing.T) { eachBackend(t, testTornCheckpoint) }

// A policy that is its own critic goes on as it would have, the steps of its head included.
func TestSharedResumes(t *testing.T) {
	b := goBackend(t)
	whole, stopped := newSmall(t.TempDir(), 4), newSmall(t.TempDir(), 4)
	for _, s := range []*small{whole, stopped} {
		s.shared, s.config.CriticWarmup = true, 1 // the head is ahead of the trunk
	}
	if err := errors.Join(whole.train(t.Context(), b, 2, 0), stopped.train(t.Context(), b, 2, 2), stopped.train(t.Context(), b, 2, 0)); err != nil {
		t.Fatal(err)
	}
	if got, want := results(t, stopped.dir), results(t, whole.dir); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	if _, err := os.Stat(stopped.path("final/critic")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a critic of its own: %v", err)
	}
}

func testTornCheckpoint(t *testing.T, b model.Backend) {
	whole, torn := newSmall(t.TempDir(), 4), newSmall(t.TempDir(), 4)
	if err := errors.Join(whole.train(t.Context(), b, 2, 0), torn.train(t.Context(), b, 2, 3)); err != nil {
		t.Fatal(err)
	}
	newest := torn.path("run/checkpoints/00000003")
	if err := os.Truncate(filepath.Join(newest, "actor/policy/optimizer.safetensors"), 100); err != nil {
		t.Fatal(err)
	}
	run, err := torn.open(2)
	if err != nil {
		t.Fatal(err)
	}
	if run.Last.Number != 2 || len(run.Last.Skipped) != 1 || !strings.Contains(run.Last.Skipped[0].Error(), "optimizer.safetensors has 100 bytes") {
		t.Errorf("%+v", run.Last)
	}
	if run.Cut.Lines != 6 {
		t.Errorf("cut %+v, want the 6 lines of iteration 3", run.Cut)
	}
	if _, err := torn.open(2); !errors.Is(err, rundir.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	if err := torn.train(t.Context(), b, 2, 0); err != nil {
		t.Fatal(err)
	}
	if got, want := results(t, torn.dir), results(t, whole.dir); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

// What would go on otherwise than it began is refused: other numbers, an optimiser that
// begins anew, a journal of another run, no checkpoint that is whole.
func TestResumeRefuses(t *testing.T) {
	b := goBackend(t)
	s := newSmall(t.TempDir(), 3)
	if err := s.train(t.Context(), b, 1, 2); err != nil {
		t.Fatal(err)
	}
	refused := func(what, want string, f func() error) {
		t.Helper()
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
	with := func(f func(run *ppo.Run) error) func() error {
		return func() error {
			run, err := s.open(1)
			if err != nil {
				return err
			}
			return errors.Join(f(run), run.Close())
		}
	}
	refused("Config", `Config.Minibatch was "4" when the run began and is "3" now`, with(func(run *ppo.Run) error {
		c := s.config
		c.MiniBatch = 3
		_, err := run.Resume(c)
		return err
	}))
	refused("seed", `Config.Seed was "5"`, with(func(run *ppo.Run) error {
		c := s.config
		c.Seed = 6
		_, err := run.Resume(c)
		return err
	}))
	refused("ActorConfig", `ActorConfig.PolicyRate was "0.01" when the run began and is "0.02" now`, with(func(run *ppo.Run) error {
		c := s.actor()
		c.PolicyRate = 0.02
		_, err := run.Last.Open(b, c)
		return err
	}))
	if err := with(func(run *ppo.Run) error {
		c := s.config
		c.Parallel, c.Gamma = 3, 1 // decides nothing, and the default
		c, err := run.Resume(c)
		if c.Done != 2 {
			t.Errorf("Done is %d", c.Done)
		}
		return err
	})(); err != nil {
		t.Error(err)
	}

	// Without moments, in the checkpoint and in a directory that no manifest guards.
	checkpoint := s.path("run/checkpoints/00000002")
	bare := filepath.Join(t.TempDir(), "bare")
	if err := os.CopyFS(bare, os.DirFS(filepath.Join(checkpoint, "actor"))); err != nil {
		t.Fatal(err)
	}
	for _, half := range []string{"policy", "critic"} {
		moved := filepath.Join(bare, half, "optimizer.safetensors")
		if err := os.Rename(moved, moved+".away"); err != nil {
			t.Fatal(err)
		}
		refused(half+" without moments", "optimizer.safetensors", func() error {
			_, err := ppo.OpenActorCritic(b, bare, s.actor())
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v", err)
			}
			return err
		})
		if err := os.Rename(moved+".away", moved); err != nil {
			t.Fatal(err)
		}
	}
	journal, err := os.ReadFile(s.path("journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(*ppo.Run) error { return nil }
	rewrite := func(data []byte) {
		if err := os.WriteFile(s.path("journal.jsonl"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rewrite(journal[:len(journal)/2])
	refused("half a journal", "journal.jsonl", with(nothing))
	rewrite(append([]byte{'{'}, journal[1:]...)[:len(journal)-1])
	refused("a torn journal", "journal.jsonl", with(nothing))
	rewrite(journal)

	if err := os.Remove(filepath.Join(checkpoint, "actor/critic/optimizer.safetensors")); err != nil {
		t.Fatal(err)
	}
	refused("no whole checkpoint", "no checkpoint that is whole", with(nothing))
	if err := os.RemoveAll(s.path("run")); err != nil {
		t.Fatal(err)
	}
	refused("a journal without checkpoints", "of another run: it has attempts of iteration 2", with(nothing))
	if after, err := os.ReadFile(s.path("journal.jsonl")); err != nil || string(after) != string(journal) {
		t.Error("a refusal changed the journal")
	}
}

// A coefficient that is steered goes on as the step ended with it, whatever it began with;
// one that is not has to be as it was.
func TestCoefficientResumes(t *testing.T) {
	step := ppo.Step{Iteration: 1, NextKL: 0.7}
	s := newSmall(t.TempDir(), 2)
	s.config.KLTarget = 1
	for _, want := range []float64{0.2, 0.7} {
		run, err := s.open(2)
		if err != nil {
			t.Fatal(err)
		}
		s.config.KL = 0.2
		c, err := run.Resume(s.config)
		if err != nil || c.KL != want {
			t.Errorf("KL is %g, %v, want %g", c.KL, err, want)
		}
		if run.Last == nil {
			err = run.Save(c, step, func(string) error { return nil })
		}
		if err := errors.Join(err, run.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFixedCoefficientResumes(t *testing.T) {
	s := newSmall(t.TempDir(), 2)
	for i, kl := range []float64{0.2, 0.2, 0.3} {
		run, err := s.open(2)
		if err != nil {
			t.Fatal(err)
		}
		s.config.KL = kl
		c, err := run.Resume(s.config)
		switch {
		case kl == 0.3:
			if err == nil || !strings.Contains(err.Error(), `Config.KL was "0.2" when the run began and is "0.3" now`) {
				t.Errorf("another KL: %v", err)
			}
			err = nil
		case i == 0:
			err = run.Save(c, ppo.Step{Iteration: 1, NextKL: kl}, func(string) error { return nil })
		}
		if err := errors.Join(err, run.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
