package main

import (
	"context"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/reward/bt"
	"github.com/satori-go/satori/synth"
)

// stages lists the names of the stages, in the order of the report.
var stages = []string{"facts", "base", "demos", "ft", "samples", "rm", "rl", "harvest", "distilled", "round2", "cot_ft", "cot_rl",
	"eval_cot_ft", "eval_cot_rl", "eval_ft", "eval_rl", "eval_round2"}

// method trains and evaluates. Sections are those of the paper.
func method(ctx context.Context, r *run) error {
	p, train := r.recipe, r.problems["train"]

	// A base model that knows the task's facts, but no search and no meta-action.
	fresh, err := r.fresh()
	if err != nil {
		return err
	}
	facts, err := r.Imitate(ctx, "facts", fresh, r.lines(p.Base), p.Base.Train)
	if err != nil {
		return err
	}
	base, err := r.Imitate(ctx, "base", facts, r.lines(p.Boxes), p.Boxes.Train)
	if err != nil {
		return err
	}

	// 4.1 Format tuning: imitation of a few demonstrations of each kind. The meta-actions are
	// new to the base model; they begin with the meaning of the words that separated its steps.
	for action, word := range tasks.Separators() {
		if err := base.CopyToken(action.String(), word); err != nil {
			return err
		}
	}
	demos, err := r.Demos(ctx, "demos", train, p.Demos, synth.Config{
		Generate: r.task.Generate, Critic: r.task.Critic, Check: r.Task.Check, Solutions: p.Solutions, Share: p.Share,
	})
	if err != nil {
		return err
	}
	ft, err := r.Imitate(ctx, "ft", base, demos, p.FT)
	if err != nil {
		return err
	}

	// D.3 Eight samples a problem of the format-tuned policy make the pairs of the outcome
	// reward model and, where both outcomes occur, the restart states D+ and D−.
	samples, err := r.Sample(ctx, "samples", ft, r.Some(train, p.Problems, 1), model.SamplingParams{N: 8, Temperature: 1})
	if err != nil {
		return err
	}
	pairs, err := synth.Pairs(samples, p.Pairs, r.Seed)
	if err != nil {
		return err
	}
	rm, err := r.RewardModel(ctx, "rm", ft, pairs, p.RM)
	if err != nil {
		return err
	}
	restarts, err := rae.Build(samples, rae.Config{Seed: r.Seed, Fits: r.Fits(ft)})
	if err != nil {
		return err
	}

	// 4.2 Reinforcement learning with Restart and Explore.
	starts := restarts.Mix(ppo.Cycle(train, r.Seed), p.Shares, r.Rand(2))
	rl, err := r.Reinforce(ctx, "rl", ft, p.ppo(r.Task.Check, rm, starts, p.RL))
	if err != nil {
		return err
	}

	if err := round2(ctx, r, base, rl, rm); err != nil {
		return err
	}
	if r.cot {
		if err := twin(ctx, r, base, demos, rm); err != nil {
			return err
		}
	}
	if err := r.evaluate(ctx, "ft", ft); err != nil {
		return err
	}
	return r.evaluate(ctx, "rl", rl)
}

// round2 distils the solutions of the hardest problems into the base model (D.3), and trains
// again without restarts, eight attempts a problem, at T = 1.2.
func round2(ctx context.Context, r *run, base, rl *model.LM, rm *bt.Model) error {
	p, train := r.recipe, r.problems["train"]
	harvest, err := r.Sample(ctx, "harvest", rl, r.Some(train, p.Harvest, 3), model.SamplingParams{N: 4, Temperature: 1})
	if err != nil {
		return err
	}
	hardest, err := synth.Distill(harvest, 0, r.Seed)
	if err != nil || len(hardest) == 0 { // the policy solved nothing: there is no second round
		return err
	}
	distilled, err := r.Imitate(ctx, "distilled", base, hardest, p.Distill)
	if err != nil {
		return err
	}
	p.Round2.NumGenerations, p.Actor.Temperature = 8, 1.2
	policy, err := r.Reinforce(ctx, "round2", distilled, p.ppo(r.Task.Check, rm, ppo.Cycle(train, r.Seed+1), p.Round2))
	if err != nil {
		return err
	}
	return r.evaluate(ctx, "round2", policy)
}

// twin trains and evaluates the baseline, chain of thought, with the same demonstrations without
// reflection and exploration, and the same RL.
func twin(ctx context.Context, r *run, base *model.LM, demos []coat.Demo, rm *bt.Model) error {
	p := r.recipe
	ft, err := r.Imitate(ctx, "cot_ft", base, synth.CoT(demos), p.FT)
	if err != nil {
		return err
	}
	rl, err := r.Reinforce(ctx, "cot_rl", ft, p.ppo(r.Task.Check, rm, ppo.Cycle(r.problems["train"], r.Seed), p.RL))
	if err != nil {
		return err
	}
	if err := r.evaluate(ctx, "cot_ft", ft); err != nil {
		return err
	}
	return r.evaluate(ctx, "cot_rl", rl)
}
