package run_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/ppo/run"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/reward"
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
			_, _ = os.Stdin.Read(make([]byte, 1))
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
		require.NoError(t, err)
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
		require.NoError(t, err)
		goOn, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		// At a moment that it tells of, or shortly after; other ones each time.
		left, last := 1+rand.IntN(12), ""
		for in := bufio.NewScanner(out); in.Scan(); {
			last = in.Text()
			left--
			if left == 0 && killed < kills && rand.IntN(2) == 0 {
				cmd.Process.Kill()
				break
			}
			_, _ = goOn.Write([]byte{'\n'}) // a program that has ended reads no more
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
		require.Equal(t, -1, cmd.ProcessState.ExitCode(), "after %d kills: %v", killed, err)
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
	require.NoError(t, err)
	return b
}

// A run skips an incomplete checkpoint and reports it. It continues from the checkpoint before
// and ends with the same bytes as a run without an interruption.
func TestTornCheckpoint(t *testing.T) { eachBackend(t, testTornCheckpoint) }

// A policy that is its own critic goes on as it would have, the steps of its head included.
func TestSharedResumes(t *testing.T) {
	b := goBackend(t)
	whole, stopped := newSmall(t.TempDir(), 4), newSmall(t.TempDir(), 4)
	for _, s := range []*small{whole, stopped} {
		s.shared, s.config.CriticWarmup = true, 1 // the head is ahead of the trunk
	}
	require.NoError(t, errors.Join(whole.train(t.Context(), b, 2, 0), stopped.train(t.Context(), b, 2, 2), stopped.train(t.Context(), b, 2, 0)))
	if got, want := results(t, stopped.dir), results(t, whole.dir); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	if _, err := os.Stat(stopped.path("final/critic")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a critic of its own: %v", err)
	}
}

func testTornCheckpoint(t *testing.T, b model.Backend) {
	whole, torn := newSmall(t.TempDir(), 4), newSmall(t.TempDir(), 4)
	require.NoError(t, errors.Join(whole.train(t.Context(), b, 2, 0), torn.train(t.Context(), b, 2, 3)))
	newest := torn.path("run/checkpoints/00000003")
	require.NoError(t, os.Truncate(filepath.Join(newest, "actor/policy/optimizer.safetensors"), 100))
	policy, err := torn.policy(b)
	require.NoError(t, err)
	defer policy.Close()
	x := newState()
	r := torn.run(policy, x, 2)
	for step, err := range r.Train(t.Context(), torn.starts(x)) {
		if err != nil || step.Iteration != 3 {
			t.Fatalf("iteration %d, %v, want 3", step.Iteration, err)
		}
		if n := r.Resumed; n.Iteration != 2 || len(n.Skipped) != 1 || !strings.Contains(n.Skipped[0].Error(), "optimizer.safetensors has 100 bytes") {
			t.Errorf("%+v", n)
		}
		if r.Resumed.Cut.Lines != 6 {
			t.Errorf("cut %+v, want the 6 lines of iteration 3", r.Resumed.Cut)
		}
		if err := torn.train(t.Context(), b, 2, 0); !errors.Is(err, rundir.ErrLocked) {
			t.Errorf("opened twice: %v", err)
		}
		break // which saves nothing
	}
	require.NoError(t, torn.train(t.Context(), b, 2, 0))
	if got, want := results(t, torn.dir), results(t, whole.dir); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

// resumed fails unless a run that stops after its second iteration ends like one that does not.
func resumed(t *testing.T, b model.Backend, make func(dir string) *small) {
	t.Helper()
	whole, stopped := make(t.TempDir()), make(t.TempDir())
	require.NoError(t, errors.Join(whole.train(t.Context(), b, 2, 0), stopped.train(t.Context(), b, 2, 2), stopped.train(t.Context(), b, 2, 0)))
	if got, want := results(t, stopped.dir), results(t, whole.dir); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

// A run with eight rollouts of each start continues with the next start, whether its stream
// begins anew (fresh starts, or a mixture with restarts) or keeps its own position.
func TestStreamsResume(t *testing.T) {
	b := goBackend(t)
	for name, stream := range map[string]func(*state) iter.Seq[coat.Start]{
		"cycle": func(*state) iter.Seq[coat.Start] { return ppo.Cycle(problems(), 1) },
		"mix": func(*state) iter.Seq[coat.Start] {
			return restarts(t).Mix(ppo.Cycle(problems(), 1), rae.Shares{}, rand.New(rand.NewPCG(1, 2)))
		},
		"mixer": nil,
	} {
		t.Run(name, func(t *testing.T) {
			resumed(t, b, func(dir string) *small {
				s := newSmall(dir, 4)
				s.config.RolloutBatch, s.config.NumGenerations, s.stream = 24, 8, stream
				return s
			})
		})
	}
}

// restarts returns a buffer with states of both sides.
func restarts(t *testing.T) *rae.Buffer {
	t.Helper()
	buffer := new(rae.Buffer)
	for i, outcome := range []coat.Outcome{coat.Right, coat.Wrong, coat.Wrong} {
		a := coat.Attempt{Start: coat.Start{Problem: problems()[i]}, Text: "a b<|continue|>c"}
		if added, err := buffer.Add(coat.Judged{Attempt: a, Outcome: outcome}, rand.New(rand.NewPCG(1, uint64(i)))); err != nil || !added {
			t.Fatal(added, err)
		}
	}
	return buffer
}

// A stream that does not stand where the run needs it is an error, never blank starts or
// others than without the stop.
func TestStreamsRefused(t *testing.T) {
	b := goBackend(t)
	for name, c := range map[string]struct {
		first, second func(*state) iter.Seq[coat.Start] // nil: that of the mixer, attached
		want          string
	}{
		"another seed": {
			func(*state) iter.Seq[coat.Start] { return ppo.Cycle(problems(), 1) },
			func(*state) iter.Seq[coat.Start] { return ppo.Cycle(problems(), 2) },
			"are not those that the run took before",
		},
		"other actions": {
			func(*state) iter.Seq[coat.Start] { return ppo.Cycle(problems(), 1) },
			func(*state) iter.Seq[coat.Start] {
				list := problems()
				for i := range list {
					list[i].Actions = coat.NewActions("plan")
				}
				return ppo.Cycle(list, 1)
			},
			"are not those that the run took before",
		},
		"skipped already": {
			func(*state) iter.Seq[coat.Start] { return ppo.Cycle(problems(), 1) },
			func(*state) iter.Seq[coat.Start] { return ppo.Skip(ppo.Cycle(problems(), 1), 12) },
			"are not those that the run took before",
		},
		"too short": {
			func(*state) iter.Seq[coat.Start] { return ppo.Cycle(problems(), 1) },
			func(*state) iter.Seq[coat.Start] { return coat.Starts(problems()) },
			"the stream of starts has ended after 4; the run took 12 before",
		},
		"a mixer that is not attached": {
			func(x *state) iter.Seq[coat.Start] { return restartMixer(t, 0).Starts(ppo.Cycle(problems(), 1)) },
			func(x *state) iter.Seq[coat.Start] { return restartMixer(t, 12).Starts(ppo.Cycle(problems(), 1)) },
			"are not those that the run took before",
		},
	} {
		s := newSmall(t.TempDir(), 4)
		s.stream = c.first
		require.NoError(t, s.train(t.Context(), b, 2, 2))
		s.stream = c.second
		if err := s.train(t.Context(), b, 2, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}

	// A mixer is attached, and the starts come from elsewhere, or it was used before.
	for name, spoil := range map[string]func(x *state) iter.Seq[coat.Start]{
		"has given out 0 starts, and the run has taken 6": func(x *state) iter.Seq[coat.Start] { return ppo.Cycle(problems(), 1) },
		"has given out 1 starts, and the run has taken 0": func(x *state) iter.Seq[coat.Start] {
			for range x.mixer.Starts(ppo.Cycle(problems(), 1)) {
				break
			}
			return x.mixer.Starts(ppo.Cycle(problems(), 1))
		},
	} {
		s := newSmall(t.TempDir(), 4)
		policy, err := s.policy(b)
		require.NoError(t, err)
		x := newState()
		starts := spoil(x)
		for _, err = range s.run(policy, x, 2).Train(t.Context(), starts) {
		}
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
		policy.Close()
	}
}

// restartMixer returns a mixer that has given out n starts.
func restartMixer(t *testing.T, n int) *rae.Mixer {
	t.Helper()
	m := rae.NewMixer(restarts(t), rae.Shares{}, 3)
	for range m.Starts(ppo.Cycle(problems(), 1)) {
		if m.Position() >= n {
			break
		}
	}
	return m
}

// What would continue otherwise than it began is refused, and names what differs: other
// numbers, functions of other names, another rubric, an optimiser that begins anew, a log
// of another run, no checkpoint that is whole.
func TestResumeRefuses(t *testing.T) {
	b := goBackend(t)
	s := newSmall(t.TempDir(), 3)
	require.NoError(t, s.train(t.Context(), b, 1, 2))
	// attempt opens the run with a change, and breaks off in its first iteration.
	attempt := func(change func(r *run.Run, c *actor.Config)) error {
		lm, err := smallModel(b)
		require.NoError(t, err)
		x := newState()
		r := s.run(nil, x, 1)
		c := s.actor()
		change(r, &c)
		critic, err := lm.Net.WithHeads(3, decoder.HeadScore)
		require.NoError(t, err)
		policy, err := actor.New(lm, critic, c)
		require.NoError(t, err)
		defer policy.Close()
		r.Trainer.Policy = policy
		for _, err := range r.Train(t.Context(), s.starts(x)) {
			return err
		}
		return nil
	}
	config := func(change func(c *ppo.Config)) func(*run.Run, *actor.Config) {
		return func(r *run.Run, _ *actor.Config) { change(&r.Trainer.Config) }
	}
	policyWith := func(change func(c *actor.Config)) func(*run.Run, *actor.Config) {
		return func(_ *run.Run, c *actor.Config) { change(c) }
	}
	rubric := func(change func(r reward.Rubric) reward.Rubric) func(*run.Run, *actor.Config) {
		return func(r *run.Run, _ *actor.Config) { r.Trainer.Rubric = change(slices.Clone(r.Trainer.Rubric)) }
	}
	refused := func(want string, change func(*run.Run, *actor.Config)) {
		t.Helper()
		if err := attempt(change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	nothing := func(*run.Run, *actor.Config) {}
	require.NoError(t, attempt(nothing))
	if err := attempt(config(func(c *ppo.Config) { c.Parallel, c.Gamma = 3, 1 })); err != nil { // decides nothing, and the default
		t.Error(err)
	}
	if err := attempt(policyWith(func(c *actor.Config) { c.LossAgg, c.KLLoss = actor.TokenMean(), actor.K3Plus() })); err != nil { // the defaults by name
		t.Error(err)
	}
	refused(`Config.MiniBatch was "4" when the run began and is "3" now`, config(func(c *ppo.Config) { c.MiniBatch = 3 }))
	refused(`Config.Seed was "5"`, config(func(c *ppo.Config) { c.Seed = 6 }))
	refused(`Config.Lambda was "0.9" when the run began and is "0" now`, config(func(c *ppo.Config) { c.Lambda = ppo.Frac(0) }))
	refused(`Config.Advantage was "none" when the run began and is "grpo" now`, config(func(c *ppo.Config) { c.NumGenerations, c.Advantage = 2, ppo.GRPO() }))
	refused(`Config.KL was "0" when the run began and is "0.1" now`, config(func(c *ppo.Config) { c.KL = 0.1 }))
	refused(`Config.Done is 2; the run sets it`, config(func(c *ppo.Config) { c.Done = 2 }))
	refused(`Config.PolicyRate was "0.01" when the run began and is "0.02" now`, policyWith(func(c *actor.Config) { c.PolicyRate = 0.02 }))
	refused(`Config.Template was`, policyWith(func(c *actor.Config) {
		c.Template = func(s coat.Start) string { return "a " + coat.Bare(s) }
	}))
	refused(`Config.LossAgg was "token-mean" when the run began and is "seq-mean-token-sum-norm 8" now`, policyWith(func(c *actor.Config) { c.LossAgg = actor.SeqMeanTokenSumNorm(8) }))
	refused(`Config.KLLoss was "k3+" when the run began and is "k2" now`, policyWith(func(c *actor.Config) { c.KLLoss = actor.K2() }))
	refused(`Rubric.length.Weight was "-0.1" when the run began and is "-0.2" now`, rubric(func(r reward.Rubric) reward.Rubric { r[1].Weight = -0.2; return r }))
	refused(`Rubric.c.Range was "0 to 0" when the run began and is "0 to 9" now`, rubric(func(r reward.Rubric) reward.Rubric { r[0].High = 9; return r }))
	refused(`Rubric was "c, length, told" when the run began and is "c, length" now`, rubric(func(r reward.Rubric) reward.Rubric { return r[:2] }))
	refused(`Attach["more"]: the run was saved without it`, func(r *run.Run, _ *actor.Config) { r.Attach["more"] = new(int) })
	refused(`Attach has the name "a/b"`, func(r *run.Run, _ *actor.Config) { r.Attach["a/b"] = new(int) })
	refused(`Attach["more"] is a int, want a pointer`, func(r *run.Run, _ *actor.Config) { r.Attach["more"] = 1 })

	// Settings that an earlier version did not write, or wrote without a name.
	checkpoint := s.path("run/checkpoints/00000002")
	older := filepath.Join(t.TempDir(), "older")
	require.NoError(t, os.CopyFS(older, os.DirFS(filepath.Join(checkpoint, "actor"))))
	policy, err := s.policy(b)
	require.NoError(t, err)
	defer policy.Close()
	rewriteJSON(t, filepath.Join(older, "actor.json"), func(settings map[string]string) {
		settings["Template"], settings["Aggregate"], settings["KLLoss"] = "set", "none", "none"
		settings["Policy.Checkpointing"], settings["Critic.GradientCheckpointing"] = "false", "true"
		delete(settings, "Sampler")
	})
	if err := policy.Load(older); err != nil {
		t.Errorf("settings of an earlier version: %v", err)
	}
	rewriteJSON(t, filepath.Join(older, "actor.json"), func(settings map[string]string) { // all that the version before wrote
		clear(settings)
		maps.Copy(settings, map[string]string{
			"AdamW": "{0 0 0 0 0}", "Aggregate": "none", "Clip": "0.2", "ClipHigh": "0.2", "Critic.BF16": "false", "Critic.Checkpointing": "false",
			"CriticRate": "0.01", "CriticSteps": "4", "DualClip": "0", "Entropy": "0", "ForceEOS": "false", "KLLoss": "none", "MaxTokens": "8",
			"Policy.BF16": "false", "Policy.Checkpointing": "false", "PolicyRate": "0.01", "Reference": "none", "Temperature": "0.8",
			"Template": "set", "ValueClip": "0.2", "ValueCoef": "0.1", "ValueMean": "0", "ValueStd": "1",
		})
	})
	if err := policy.Load(older); err != nil {
		t.Errorf("settings of the version before: %v", err)
	}

	// Without moments, in a directory that no manifest guards.
	bare := filepath.Join(t.TempDir(), "bare")
	require.NoError(t, os.CopyFS(bare, os.DirFS(filepath.Join(checkpoint, "actor"))))
	for _, network := range []string{"policy", "critic"} {
		moved := filepath.Join(bare, network, "optimizer.safetensors")
		require.NoError(t, os.Rename(moved, moved+".away"))
		if err := policy.Load(bare); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "optimizer.safetensors") {
			t.Errorf("%s without moments: %v", network, err)
		}
		require.NoError(t, os.Rename(moved+".away", moved))
	}
	log, err := os.ReadFile(s.path("journal.jsonl"))
	require.NoError(t, err)
	rewrite := func(data []byte) {
		require.NoError(t, os.WriteFile(s.path("journal.jsonl"), data, 0o644))
	}
	rewrite(log[:len(log)/2])
	refused("journal.jsonl", nothing)
	rewrite(append([]byte{'{'}, log[1:]...)[:len(log)-1])
	refused("journal.jsonl", nothing)
	rewrite(log)

	require.NoError(t, os.Remove(filepath.Join(checkpoint, "actor/critic/optimizer.safetensors")))
	refused("no checkpoint that is whole", nothing)
	require.NoError(t, os.RemoveAll(s.path("run")))
	refused("of another run: it has attempts of iteration 2", nothing)
	if after, err := os.ReadFile(s.path("journal.jsonl")); err != nil || string(after) != string(log) {
		t.Error("a refusal changed the log")
	}
}

// rewriteJSON changes a JSON object of strings.
func rewriteJSON(t *testing.T, path string, change func(map[string]string)) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var object map[string]string
	require.NoError(t, json.Unmarshal(data, &object))
	change(object)
	if data, err = json.Marshal(object); err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	require.NoError(t, err)
}

// A fixed policy writes one token, whose divergence from the reference is 0.5 nats.
type fixed struct{ betas []float64 }

func (p *fixed) Rollouts(_ context.Context, starts []coat.Start, _ uint64) (list []ppo.Rollout, err error) {
	for _, s := range starts {
		list = append(list, ppo.Rollout{Attempt: coat.Attempt{Start: s, Text: "c"}, Prompt: []int32{1}, Tokens: []int32{2}, LogProbs: []float32{-1}})
	}
	return list, nil
}

func (p *fixed) Estimate(_ context.Context, rollouts []ppo.Rollout) (list []ppo.Estimates, err error) {
	for range rollouts {
		list = append(list, ppo.Estimates{Values: []float64{0}, RefLogProbs: []float64{-1.5}})
	}
	return list, nil
}

func (p *fixed) Update(_ context.Context, _ []ppo.Sample, sizes ppo.StepSizes) (ppo.Stats, error) {
	p.betas = append(p.betas, sizes.KL)
	return ppo.Stats{}, nil
}

func (p *fixed) Save(dir string) error { return os.Mkdir(dir, 0o755) }
func (p *fixed) Load(dir string) error { return nil }

// A coefficient that is adapted continues as the step ended with it, whatever the Config
// says; one that is not has to be as it was.
func TestCoefficientResumes(t *testing.T) {
	config := ppo.Config{
		Iterations: 4, RolloutBatch: 4, MiniBatch: 4, KL: 0.2, KLUse: ppo.UseKLLoss, KLTarget: 1, KLHorizon: 10, Checks: ppo.Checks{Reference: math.Inf(1)},
	}
	train := func(p *fixed, dir string, c ppo.Config, until int) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := run.Run{Dir: dir, Trainer: ppo.Trainer{Policy: p, Rubric: newSmall("", 1).rubric, Config: c}}
		for step, err := range r.Train(ctx, ppo.Cycle(problems(), 1)) {
			if errors.Is(err, context.Canceled) {
				return nil
			}
			if err != nil {
				return err
			}
			if step.Iteration == until {
				cancel()
			}
		}
		return nil
	}
	whole, parts, dir := new(fixed), new(fixed), t.TempDir()
	other := config
	other.KL = 0.3
	require.NoError(t, errors.Join(train(whole, t.TempDir(), config, 0), train(parts, dir, config, 2), train(parts, dir, other, 0)))
	if !slices.Equal(whole.betas, parts.betas) || whole.betas[0] != 0.2 || whole.betas[3] >= whole.betas[2] {
		t.Errorf("%v, want %v", parts.betas, whole.betas)
	}

	config.KLTarget, other.KLTarget = 0, 0
	parts, dir = new(fixed), t.TempDir()
	require.NoError(t, errors.Join(train(parts, dir, config, 2), train(parts, dir, config, 3)))
	if err := train(parts, dir, other, 0); err == nil || !strings.Contains(err.Error(), `Config.KL was "0.2" when the run began and is "0.3" now`) {
		t.Errorf("another KL: %v", err)
	}
}

// A checkpoint of the version before, without positions and names, is opened, and continues
// as the run would have.
func TestOlderCheckpoint(t *testing.T) {
	b := goBackend(t)
	whole, older := newSmall(t.TempDir(), 4), newSmall(t.TempDir(), 4)
	for _, s := range []*small{whole, older} {
		s.config.RolloutBatch, s.config.NumGenerations = 8, 2
		s.stream = func(*state) iter.Seq[coat.Start] { return ppo.Cycle(problems(), 1) }
	}
	require.NoError(t, errors.Join(whole.train(t.Context(), b, 2, 0), older.train(t.Context(), b, 2, 2)))
	// The files of that version, sealed again.
	checkpoints := rundir.Checkpoints{Dir: older.path("run/checkpoints")}
	newest := older.path("run/checkpoints/00000002")
	aside := filepath.Join(t.TempDir(), "2")
	require.NoError(t, os.Rename(newest, aside))
	err := checkpoints.Save(2, func(dir string) error {
		if err := os.CopyFS(dir, os.DirFS(aside)); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(dir, "manifest.json")); err != nil {
			return err
		}
		path := filepath.Join(dir, "state.json")
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var state map[string]any
		if err := json.Unmarshal(data, &state); err != nil {
			return err
		}
		delete(state, "position")
		config := state["config"].(map[string]any)
		for name := range config {
			if strings.HasPrefix(name, "Rubric") {
				delete(config, name)
			}
		}
		want := map[string]any{"Iterations": "4", "Batch": "8", "Minibatch": "4", "Epochs": "1", "Gamma": "1", "Lambda": "0.9", "Group": "2", "Relative": "none",
			"Truncated": "0", "Penalty": "0", "KLTarget": "0", "KLHorizon": "10000", "CriticOnly": "0", "Warmup": "0.03", "Floor": "0.1", "Seed": "5", "Doctor": "{1e-05 1e-05 1e-05}"}
		if !reflect.DeepEqual(config, want) {
			t.Errorf("settings %v, the version before had %v", config, want)
		}
		if data, err = json.Marshal(state); err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o644)
	})
	require.NoError(t, err)
	require.NoError(t, older.train(t.Context(), b, 2, 0))
	if got, want := results(t, older.dir), results(t, whole.dir); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

// A body that leaves the loop saves nothing: the next run makes the iteration again.
func TestBreakSavesNothing(t *testing.T) {
	b := goBackend(t)
	whole, broken := newSmall(t.TempDir(), 3), newSmall(t.TempDir(), 3)
	require.NoError(t, errors.Join(whole.train(t.Context(), b, 2, 0), broken.train(t.Context(), b, 2, 1)))
	policy, err := broken.policy(b)
	require.NoError(t, err)
	defer policy.Close()
	x := newState()
	for step, err := range broken.run(policy, x, 2).Train(t.Context(), broken.starts(x)) {
		if err != nil || step.Iteration != 2 {
			t.Fatal(step.Iteration, err)
		}
		break
	}
	require.NoError(t, broken.train(t.Context(), b, 2, 0))
	if got, want := results(t, broken.dir), results(t, whole.dir); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}
