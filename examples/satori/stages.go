package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/report"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/model/sft"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/bt"
	"github.com/satori-go/satori/reward/eval"
)

// Imitate is a stage that trains a copy of a model on demonstrations.
func (r *Run) Imitate(ctx context.Context, name string, from *model.LM, demos []coat.Demo, c sft.Config) (*model.LM, error) {
	err := r.Stage(name, func(s *Stage) error {
		lm := from.Clone()
		defer lm.Close()
		c.Seed = r.Seed
		for step, err := range sft.Train(ctx, lm, coat.Bare, demos, c) {
			if err != nil {
				return err
			}
			s.Step("", step.Step, step.Of, tokens{trained: step.Tokens}, map[string]float64{"loss": step.Loss, "rate": step.Rate})
		}
		return lm.Save(r.path(name))
	})
	if err != nil {
		return nil, err
	}
	return model.Open(r.backend, r.path(name))
}

// Sample is a stage that samples n attempts at each problem at temperature 1, and judges
// them.
func (r *Run) Sample(ctx context.Context, name string, lm *model.LM, problems []coat.Problem, n int) ([]coat.Judged, error) {
	file := name + ".jsonl"
	err := r.Stage(name, func(s *Stage) error {
		sampling := model.Sampling{N: n, MaxTokens: r.Recipe.MaxTokens, Temperature: 1, Seed: sampler.FoldIn(r.Seed, 0x53)}
		attempts, err := r.attempt(ctx, s, "", lm, coat.Starts(problems), n*len(problems), sampling)
		if err != nil {
			return err
		}
		return writeLines(r, file, attempts)
	})
	if err != nil {
		return nil, err
	}
	return readJudged(ctx, r, file)
}

// attempt samples and judges: each attempt is checked here and nowhere else.
func (r *Run) attempt(ctx context.Context, s *Stage, phase string, lm *model.LM, starts iter.Seq[coat.Start], of int, p model.Sampling) ([]coat.Judged, error) {
	var judged []coat.Judged
	var sampled []coat.Attempt // not judged yet
	var lengths []int          // of those, in tokens
	right := 0
	judge := func() error {
		list, err := reward.Judge(ctx, r.Task.Check, sampled, 0)
		if err != nil {
			return err
		}
		used := 0
		for i, j := range list {
			if j.Right() {
				right++
			}
			j.Tokens = lengths[i]
			used += lengths[i]
			judged = append(judged, j)
		}
		s.Step(phase, len(judged), of, tokens{sampled: used}, map[string]float64{"accuracy": float64(right) / float64(len(judged))})
		sampled, lengths = nil, nil
		return nil
	}
	s.open(phase, of)
	for rollout, err := range p.Rollouts(ctx, lm, coat.Bare, starts) {
		if err != nil {
			return nil, err
		}
		sampled, lengths = append(sampled, rollout.Attempt), append(lengths, len(rollout.Tokens))
		if n := len(judged) + len(sampled); n%256 == 0 || n == of {
			if err := judge(); err != nil {
				return nil, err
			}
		}
	}
	if len(sampled) > 0 { // there were not as many as announced
		if err := judge(); err != nil {
			return nil, err
		}
	}
	return judged, nil
}

// RewardModel is a stage that trains the outcome reward model on a copy of a model's trunk.
func (r *Run) RewardModel(ctx context.Context, name string, from *model.LM, pairs []reward.Pair) (*bt.Model, error) {
	err := r.Stage(name, func(s *Stage) error {
		rm := bt.New(from, coat.Bare, r.Seed)
		if len(pairs) == 0 { // the policy was never both right and wrong at one problem
			s.Step("", 0, 0, tokens{}, nil)
			return rm.Save(r.path(name)) // untrained, it prefers next to nothing
		}
		c := r.Recipe.RM
		c.Seed = r.Seed
		for step, err := range rm.Train(ctx, pairs, c) {
			if err != nil {
				return err
			}
			s.Step("", step.Step, step.Of, tokens{trained: step.Tokens}, map[string]float64{"loss": step.Loss, "accuracy": step.Accuracy})
		}
		return rm.Save(r.path(name))
	})
	if err != nil {
		return nil, err
	}
	return bt.Open(from, coat.Bare, r.path(name))
}

// rubric is the paper's reward (section 4.2): r_rule + σ(r_ψ) + r_bonus, β = 0.5. The
// last term is a metric.
func (r *Run) rubric(rm *bt.Model) reward.Rubric {
	check := reward.Memo(r.Task.Check)
	return reward.Rubric{
		{Name: "rule", Weight: 1, Func: reward.Correct(check), Low: -1},
		{Name: "preference", Weight: 1, Batch: reward.Sigmoid(rm.Score), High: 1},
		{Name: "bonus", Weight: 1, Func: reward.Reflection(check, 0.5), Low: -0.5, High: 0.5},
		{Name: "overlong", Weight: -r.Recipe.Overlong, Func: reward.Overlong, High: 1},
		{Name: "accuracy", Func: reward.Shift(reward.Correct(check), 1), High: 1},
	}
}

// Reinforce is a stage of PPO from a copy of a model. Every iteration leaves a checkpoint that the stage goes
// on from, and its attempts in a journal, which stays.
func (r *Run) Reinforce(ctx context.Context, name string, from *model.LM, rm *bt.Model, starts iter.Seq[coat.Start], c ppo.Config, temperature float64) (*model.LM, error) {
	err := r.Stage(name, func(s *Stage) (err error) {
		actor := r.Recipe.Actor
		actor.Template, actor.MaxTokens, actor.Temperature = coat.Bare, r.Recipe.MaxTokens, temperature
		if r.Recipe.Critic == criticOfReward {
			actor.ValueMean, actor.ValueStd = rm.Mean, rm.Std
		}
		rubric := r.rubric(rm)
		run, err := ppo.OpenRun(r.path(name+".checkpoint"), ppo.RunConfig{Journal: r.path(name + journalSuffix), Rubric: rubric, Verdict: verdict(rubric)})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, run.Close()) }()
		policy, err := r.resume(s, run.Last, from, rm, actor)
		if err != nil {
			return err
		}
		defer policy.Close()
		c.Seed = r.Seed
		if c, err = run.Resume(c); err != nil {
			return err
		}
		trainer := ppo.Trainer{Policy: policy, Rubric: rubric, Config: c}
		for step, err := range trainer.Train(ctx, starts) {
			if err != nil {
				return err
			}
			s.Step("", step.Iteration, step.Of, tokens{step.Sampled, step.Trained}, describe(step, rubric))
			if err := run.Save(c, step, policy.SaveIn, s.save); err != nil {
				return err
			}
		}
		lm := policy.LM.WithoutScalars()
		defer lm.Close()
		return lm.Save(r.path(name))
	})
	if err != nil {
		return nil, err
	}
	os.RemoveAll(r.path(name + ".checkpoint"))
	return model.Open(r.backend, r.path(name))
}

const (
	recordFile    = "stage.json"
	journalSuffix = ".journal.jsonl"
)

// verdict reads the rubric's accuracy.
func verdict(rubric reward.Rubric) func(ppo.Sample) coat.Outcome {
	right := slices.IndexFunc(rubric, func(t reward.Term) bool { return t.Name == "accuracy" })
	return func(s ppo.Sample) coat.Outcome {
		if s.Score.Parts[right] == 1 {
			return coat.Right
		}
		return coat.Wrong
	}
}

// resume opens the last checkpoint of a stage of PPO, or starts it.
func (r *Run) resume(s *Stage, last *ppo.Checkpoint, from *model.LM, rm *bt.Model, c ppo.ActorConfig) (*ppo.ActorCritic, error) {
	if last == nil {
		return r.actorCritic(from, rm, c)
	}
	for _, why := range last.Skipped {
		fmt.Fprintln(os.Stderr, "satori:", why)
	}
	data, err := os.ReadFile(filepath.Join(last.Dir, recordFile))
	var old record
	if err == nil {
		err = json.Unmarshal(data, &old)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", last.Dir, err)
	}
	s.resume(&old)
	return last.Open(r.backend, c)
}

// actorCritic is a copy of a model with the critic that the recipe asks for.
func (r *Run) actorCritic(from *model.LM, rm *bt.Model, c ppo.ActorConfig) (*ppo.ActorCritic, error) {
	switch r.Recipe.Critic {
	case criticShared:
		lm, err := from.WithScalar(ppo.ValueHead, r.Seed)
		if err != nil {
			return nil, err
		}
		return ppo.NewActorCritic(lm, nil, c)
	case criticOfReward:
		return ppo.NewActorCritic(from.Clone(), rm.Net.Clone(), c)
	case criticOfPolicy:
		return ppo.NewActorCritic(from.Clone(), from.WithScore(r.Seed), c)
	}
	config := from.Config
	config.Layers = r.Recipe.Layers
	critic, err := model.NewNet(r.backend, config, r.Seed)
	if err != nil {
		return nil, err
	}
	defer critic.Close()
	return ppo.NewActorCritic(from.Clone(), critic.WithScore(r.Seed), c)
}

// save writes the stage's record into a checkpoint.
func (s *Stage) save(dir string) error {
	data, err := s.state()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, recordFile), data, 0o644)
}

// describe makes an iteration of PPO into figures: means over the rollouts, and
// accuracy and length by where the starts came from.
func describe(step ppo.Step, rubric reward.Rubric) map[string]float64 {
	v := map[string]float64{
		"policy_loss": step.PolicyLoss, "value_loss": step.ValueLoss, "entropy": step.Entropy, "kl": step.ApproxKL,
		"clip_fraction": step.ClipFraction, "policy_norm": step.GradNorm, "value_norm": step.CriticGradNorm,
		"explained_variance": step.ExplainedVariance,
	}
	n := float64(len(step.Samples))
	right := slices.IndexFunc(rubric, func(t reward.Term) bool { return t.Name == "accuracy" })
	for _, s := range step.Samples {
		v["reward"] += s.Score.Total / n
		v["tokens"] += float64(len(s.Tokens)) / n
		if s.Truncated {
			v["truncated"] += 1 / n
		}
		for k, t := range rubric {
			v[t.Name] += s.Score.Parts[k] / n
		}
	}
	for i, o := range step.ByStartKind() {
		if o.Rollouts > 0 && o.Rollouts < len(step.Samples) { // they come from several
			name := coat.Outcome(i).String()
			v["accuracy_"+name], v["tokens_"+name] = o.Parts[right], o.Tokens
		}
	}
	return v
}

// Evaluate is a stage that judges a model on the whole test set: greedy and at
// temperature 1, on the harder problems, its self-corrections by itself and when it is
// made to look again at an answer that it gave.
func (r *Run) Evaluate(ctx context.Context, name string, lm *model.LM) error {
	return r.Stage("eval_"+name, func(s *Stage) error {
		greedy := model.Sampling{MaxTokens: r.Recipe.MaxTokens}
		warm := greedy
		warm.Temperature, warm.Seed = 1, sampler.FoldIn(r.Seed, 0x31)
		judge := func(phase string, starts []coat.Start, p model.Sampling) ([]coat.Judged, error) {
			return r.attempt(ctx, s, phase, lm, slices.Values(starts), len(starts), p)
		}
		test := slices.Collect(coat.Starts(r.some(r.problems[r.split], r.Recipe.Eval, 0x74)))
		results, err := judge("greedy", test, greedy)
		if err != nil {
			return err
		}
		at1, err := judge("T=1", test, warm)
		if err != nil {
			return err
		}
		hard, err := judge("hard", slices.Collect(coat.Starts(r.some(r.problems["hard"], r.Recipe.Eval, 0x74))), greedy)
		if err != nil {
			return err
		}
		again := secondAttempts(results, r.Fits(lm))
		if n := r.Recipe.Second; n > 0 && len(again) > n {
			again = again[:n] // results are in a random order
		}
		forced, err := judge("second attempts", again, greedy)
		if err != nil {
			return err
		}
		ways, err := r.ways(results)
		if err != nil {
			return err
		}
		ways1, err := r.ways(at1)
		if err != nil {
			return err
		}
		warmer, harder := eval.Summarize(at1), eval.Summarize(hard)
		summary := report.Evaluation{Summary: eval.Summarize(results), Ways: &ways, WaysT1: &ways1}
		natural, err := eval.SelfCorrection(ctx, results, r.Task.Check, 0)
		if err != nil {
			return err
		}
		natural1, err := eval.SelfCorrection(ctx, at1, r.Task.Check, 0)
		if err != nil {
			return err
		}
		second, err := eval.SecondAttempt(ctx, forced, r.Task.Check, 0)
		if err != nil {
			return err
		}
		summary.AccuracyT1, summary.Hard = &warmer.Accuracy, &harder
		summary.SelfCorrection, summary.SelfCorrectionT1, summary.SecondAttempt = &natural, &natural1, &second
		data, err := json.MarshalIndent(summary, "", "  ")
		if err != nil {
			return err
		}
		return errors.Join(writeLines(r, "eval_"+name+".jsonl", results), r.writeFile("eval_"+name+".json", append(data, '\n')))
	})
}

// ways counts what attempts try.
func (r *Run) ways(results []coat.Judged) (sum tasks.Ways, err error) {
	for _, res := range results {
		n, err := r.Task.Ways(res.Attempt)
		if err != nil {
			return sum, err
		}
		sum.Add(n)
	}
	return sum, nil
}

// secondAttempts makes whole attempts into starts that look at them again, where there
// is room for that.
func secondAttempts(results []coat.Judged, fits func(coat.Start) bool) (starts []coat.Start) {
	for _, res := range results {
		if s, err := rae.Cut(res, 0, coat.Reflect); err == nil && fits(s) { // not truncated, and a trace
			starts = append(starts, s)
		}
	}
	return starts
}
