package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/pipeline"
	"github.com/satori-go/satori/examples/report"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sft"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/bt"
	"github.com/satori-go/satori/synth"
)

// chatModel saves a tiny chat model with random weights, as a program would find a
// pretrained one, and opens it.
func chatModel(b model.Backend, dir string) (*model.LM, error) {
	tok, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> user bot say red green blue"), nil)
	if err != nil {
		return nil, err
	}
	net, err := model.NewNet(b, model.Config{VocabSize: tok.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 32, EOS: 1}, 1)
	if err != nil {
		return nil, err
	}
	lm, err := model.NewLM(net, tok)
	if err != nil {
		return nil, err
	}
	if err := lm.Save(dir); err != nil {
		return nil, err
	}
	template := "{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}{% if add_generation_prompt %}bot {% endif %}"
	if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(template), 0o644); err != nil {
		return nil, err
	}
	return model.Open(b, dir)
}

// colours are problems and demonstrations: say a colour once.
func colours() (problems []coat.Problem, demos []coat.Demo) {
	for _, c := range []string{"red", "green", "blue"} {
		p := coat.Problem{ID: c, Question: "say " + c, Answer: c}
		problems = append(problems, p)
		demos = append(demos, coat.Demo{Problem: p, Trace: coat.Trace{{Text: c}}})
	}
	return problems, demos
}

// says is a reward that is a Go function: 1 for a response that is the colour alone.
func says(_ context.Context, a coat.Attempt) (float64, error) {
	if strings.TrimSpace(a.Text) == a.Start.Problem.Answer {
		return 1, nil
	}
	return 0, nil
}

// A program trains a chat model further: by imitation, then a LoRA adapter by RL, with a reward
// that is a Go function and advantages relative to a group. Then it evaluates both models. The
// second time it skips the stages that are whole.
func Example() {
	dir, err := os.MkdirTemp("", "pipeline")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	b, err := model.OpenBackend("go")
	if err != nil {
		panic(err)
	}
	lm, err := chatModel(b, filepath.Join(dir, "chat")) // a program opens one with model.Open
	if err != nil {
		panic(err)
	}
	program := func(ctx context.Context) error {
		template, err := lm.ChatStart("")
		if err != nil {
			return err
		}
		imitation := sft.Config{LearningRate: 1e-2, Batch: 3, Epochs: 40}
		rl := ppo.Config{Iterations: 2, RolloutBatch: 24, MiniBatch: 12, NumGenerations: 8, Advantage: ppo.GRPO()}
		run, err := pipeline.Open(pipeline.Config{
			Dir: filepath.Join(dir, "out"), Settings: []any{imitation, rl}, Stages: []string{"sft", "rl", "eval_sft", "eval_rl"},
			Task:    pipeline.Task{Name: "colours", Template: template, Check: says, MaxTokens: 4},
			Backend: b, Seed: 1, Out: io.Discard,
		})
		if err != nil {
			return err
		}
		defer run.Close()

		problems, demos := colours()
		tuned, err := run.Imitate(ctx, "sft", lm, demos, imitation)
		if err != nil {
			return err
		}
		adapted, err := tuned.WithLoRA(model.LoRA{Rank: 4, Alpha: 8})
		if err != nil {
			return err
		}
		policy, err := run.Reinforce(ctx, "rl", adapted, pipeline.Reinforcement{
			Rubric: reward.Rubric{{Name: "accuracy", Weight: 1, Func: says}}, Starts: ppo.Cycle(problems, 1),
			Config: rl, Actor: actor.Config{Temperature: 1, PolicyRate: 1e-3}, Critic: pipeline.NoCritic,
		})
		if err != nil {
			return err
		}
		for name, lm := range map[string]*model.LM{"sft": tuned, "rl": policy} {
			if err := run.Evaluate(ctx, name, lm, pipeline.Exam{Test: problems}); err != nil {
				return err
			}
		}
		return run.Report(ctx, pipeline.Page{Title: "Colours", Evaluations: []string{"sft", "rl"}, Before: "sft", After: "rl"})
	}
	for range 2 {
		if err := program(context.Background()); err != nil {
			panic(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "out", "summary.json"))
		if err != nil {
			panic(err)
		}
		var s report.Summary
		if err := json.Unmarshal(data, &s); err != nil {
			panic(err)
		}
		fmt.Printf("%d stages, accuracy after RL %.2f\n", len(s.Stages), s.Evaluation("rl").Accuracy)
	}
	// Output:
	// 4 stages, accuracy after RL 1.00
	// 4 stages, accuracy after RL 1.00
}

// A program with a stage of its own: it counts, reports its steps, and keeps what it found.
// The second time the stage is whole.
func ExampleRun_Stage() {
	dir, err := os.MkdirTemp("", "pipeline")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for range 2 {
		r, err := pipeline.Open(pipeline.Config{
			Dir: dir, Settings: map[string]int{"numbers": 3}, Stages: []string{"squares"}, Out: io.Discard,
			Task: pipeline.Task{Name: "none", Template: coat.Bare, Check: says, MaxTokens: 1},
		})
		if err != nil {
			panic(err)
		}
		err = r.Stage("squares", func(s *pipeline.Stage) error {
			fmt.Println("at work")
			sum := 0
			for i := range 3 {
				sum += i * i
				s.Step("", i+1, 3, pipeline.Tokens{}, map[string]float64{"sum": float64(sum)})
			}
			return os.WriteFile(r.Path("squares.txt"), fmt.Append(nil, sum), 0o644)
		})
		if err != nil {
			panic(err)
		}
		text, err := os.ReadFile(r.Path("squares.txt"))
		if err != nil {
			panic(err)
		}
		fmt.Printf("the sum is %s\n", text)
		if err := r.Close(); err != nil {
			panic(err)
		}
	}
	// Output:
	// at work
	// the sum is 5
	// the sum is 5
}

// A counter counts the calls of a check.
type counter struct{ calls atomic.Int64 }

func (c *counter) check(ctx context.Context, a coat.Attempt) (float64, error) {
	c.calls.Add(1)
	return says(ctx, a)
}

// reset returns the count and begins again at 0.
func (c *counter) reset() int { return int(c.calls.Swap(0)) }

// The whole method on a pretrained chat model: imitation, a reward model, PPO with the
// paper's reward, evaluation. Each attempt is checked once.
func TestPostTraining(t *testing.T) {
	b, err := model.OpenBackend("go") // many small graphs
	require.NoError(t, err)
	dir := t.TempDir()
	lm, err := chatModel(b, filepath.Join(dir, "chat"))
	require.NoError(t, err)
	template, err := lm.ChatStart("")
	require.NoError(t, err)
	counts := new(counter)
	ctx := t.Context()
	train := func(t *testing.T) {
		r, err := pipeline.Open(pipeline.Config{
			Dir: filepath.Join(dir, "out"), Stages: []string{"sft", "samples", "rm", "rl", "eval_rl"}, Backend: b, Seed: 1, Out: io.Discard,
			Task: pipeline.Task{Name: "colours", Template: template, Check: counts.check, MaxTokens: 4},
		})
		require.NoError(t, err)
		defer r.Close()
		counts.reset()
		problems, demos := colours()
		tuned, err := r.Imitate(ctx, "sft", lm, demos, sft.Config{LearningRate: 1e-2, Batch: 3, Epochs: 12})
		require.NoError(t, err)
		samples, err := r.Sample(ctx, "samples", tuned, problems, model.SamplingParams{N: 8, Temperature: 1})
		require.NoError(t, err)
		whole := 0 // a truncated attempt is wrong without a check
		for _, s := range samples {
			if !s.Truncated {
				whole++
			}
		}
		if sum := counts.reset(); len(samples) != 24 || whole == 0 || sum > whole {
			t.Errorf("%d checks of %d attempts, %d of them whole", sum, len(samples), whole)
		}
		pairs, err := synth.Pairs(samples, 4, 1)
		if err != nil || len(pairs) == 0 {
			t.Fatalf("%d pairs, %v", len(pairs), err)
		}
		rm, err := r.RewardModel(ctx, "rm", tuned, pairs, bt.Config{LearningRate: 1e-3, Batch: 4})
		require.NoError(t, err)
		if sum := counts.reset(); sum != 0 {
			t.Errorf("%d checks for pairs and reward model", sum)
		}
		rl, err := r.Reinforce(ctx, "rl", tuned, pipeline.Reinforcement{
			Rubric: pipeline.Rubric(r.Task.Check, rm, 1), Starts: ppo.Cycle(problems, 1), RewardModel: rm, Critic: pipeline.RewardCritic,
			Config: ppo.Config{Iterations: 2, RolloutBatch: 24, MiniBatch: 12},
			Actor:  actor.Config{Temperature: 1, PolicyRate: 1e-3, CriticRate: 1e-3},
		})
		require.NoError(t, err)
		if sum := counts.reset(); sum > 2*24 {
			t.Errorf("%d checks of %d rollouts", sum, 2*24)
		}
		if again, err := rl.ChatStart(""); err != nil || again(coat.Start{Problem: problems[0]}) != template(coat.Start{Problem: problems[0]}) {
			t.Errorf("the trained model has another chat template, %v", err)
		}
		require.NoError(t, r.Evaluate(ctx, "rl", rl, pipeline.Exam{Test: problems}))
		require.NoError(t, r.Report(ctx, pipeline.Page{Title: "Colours", Evaluations: []string{"sft", "rl"}, Before: "sft", After: "rl"}))
	}
	t.Run("new", train)
	t.Run("resumed", train)
	t.Run("no reward model", func(t *testing.T) {
		r, err := pipeline.Open(pipeline.Config{
			Dir: t.TempDir(), Stages: []string{"rl"}, Backend: b, Out: io.Discard,
			Task: pipeline.Task{Name: "colours", Template: template, Check: says, MaxTokens: 4},
		})
		require.NoError(t, err)
		defer r.Close()
		if _, err := r.Reinforce(ctx, "rl", lm, pipeline.Reinforcement{Critic: pipeline.RewardCritic}); err == nil || !strings.Contains(err.Error(), "RewardModel is nil") {
			t.Errorf("error %v", err)
		}
		if err := r.Stage("lunch", nil); err == nil || !strings.Contains(err.Error(), "not one of Config.Stages") {
			t.Errorf("error %v", err)
		}
	})
}
