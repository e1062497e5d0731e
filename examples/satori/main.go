// Satori trains a small transformer to reason in steps, to check itself and to try
// another way, by the whole method of arXiv 2502.02508: format tuning on synthesised
// demonstrations, an outcome reward model, PPO with Restart and Explore, distillation
// into the base model, and a second round.
//
//	go run ./examples/satori            # path-star, everything, into satori-out/path-star
//	go run ./examples/satori -quick     # all stages on a small budget
//	go run ./examples/satori -task countdown -cot
//
// Interrupted with Ctrl-C it stops at once; the same command goes on from the last
// whole stage or PPO iteration. At the end open report.html in the output directory.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/backend/allocator"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward/bt"
	"github.com/satori-go/satori/synth"
)

type options struct {
	task, problems, recipe, out, backend, split, until string
	seed                                               uint64
	quick, cot                                         bool
}

func main() {
	allocator.Tune()
	var o options
	flag.StringVar(&o.task, "task", "path-star", "`task`: path-star or countdown")
	flag.StringVar(&o.problems, "problems", "", "JSON Lines `file` of training problems in place of the task's own")
	flag.StringVar(&o.recipe, "recipe", "", "JSON `file` with numbers of the recipe to change, such as {\"Demos\": 8000}")
	flag.StringVar(&o.out, "out", "", "output `directory` (default satori-out/TASK)")
	flag.StringVar(&o.backend, "backend", "", "`backend`: go, xla or auto (default $GOMLX_BACKEND, or auto)")
	flag.StringVar(&o.split, "split", "test", "evaluate on this `split`: test, or valid to choose settings on")
	flag.Uint64Var(&o.seed, "seed", 1, "`seed` of everything random")
	flag.BoolVar(&o.quick, "quick", false, "all stages on a small budget, in a minute or two")
	flag.StringVar(&o.until, "until", "", "stop after this `stage`, such as rl")
	flag.BoolVar(&o.cot, "cot", false, "train the chain-of-thought twin beside it")
	flag.Parse()
	name := o.task
	if o.quick {
		name += "-quick"
	}
	o.out = cmp.Or(o.out, filepath.Join("satori-out", name))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "satori:", err)
		if errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "stopped; what is whole is saved. The same command goes on from there.")
			os.Exit(130)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out *os.File) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	r, err := NewRun(o, out)
	if err != nil {
		return err
	}
	defer r.release()
	fmt.Fprintf(out, "%s on the %s backend, into %s\n", o.task, r.backend.Name(), o.out)
	if err := pipeline(ctx, r); err != nil {
		if errors.Is(err, errUntil) {
			return nil
		}
		return err
	}
	return r.Report(ctx, out)
}

// pipeline is the method. Sections are those of the paper.
func pipeline(ctx context.Context, r *Run) error {
	p, train := r.Recipe, r.problems["train"]

	// A base model that knows the task's facts, but no search and no meta-action.
	fresh, err := r.Fresh()
	if err != nil {
		return err
	}
	facts, err := r.Imitate(ctx, "facts", fresh, r.Lines(p.Base), p.Base.Train)
	if err != nil {
		return err
	}
	base, err := r.Imitate(ctx, "base", facts, r.Lines(p.Boxes), p.Boxes.Train)
	if err != nil {
		return err
	}

	// 4.1 Format tuning: imitation of a few demonstrations of each kind. The meta-actions
	// are new to the base model; they begin as the words that separated its steps.
	for action, word := range tasks.Separators {
		if err := base.CopyToken(action.String(), word); err != nil {
			return err
		}
	}
	demos, err := r.Demos(ctx, train)
	if err != nil {
		return err
	}
	ft, err := r.Imitate(ctx, "ft", base, demos, p.FT)
	if err != nil {
		return err
	}

	// D.3 Eight samples a problem of the format-tuned policy make the pairs of the outcome
	// reward model and, where both outcomes occur, the restart states D+ and D−.
	samples, err := r.Sample(ctx, "samples", ft, r.some(train, p.Problems, 1), 8)
	if err != nil {
		return err
	}
	pairs, err := synth.Pairs(samples, p.Pairs, r.Seed)
	if err != nil {
		return err
	}
	rm, err := r.RewardModel(ctx, "rm", ft, pairs)
	if err != nil {
		return err
	}
	restarts, err := r.Restarts(samples, r.Fits(ft))
	if err != nil {
		return err
	}

	// 4.2 Reinforcement learning with Restart and Explore.
	starts := restarts.Mix(ppo.Cycle(train, r.Seed), p.Shares, r.rand(2))
	rl, err := r.Reinforce(ctx, "rl", ft, rm, starts, p.RL, p.Actor.Temperature)
	if err != nil {
		return err
	}

	// D.3 Round 2: the hardest problems' solutions, distilled into the base model, and RL
	// again without restarts, eight attempts a problem, at T = 1.2.
	harvest, err := r.Sample(ctx, "harvest", rl, r.some(train, p.Harvest, 3), 4)
	if err != nil {
		return err
	}
	hardest, err := synth.Distill(harvest, 0, r.Seed)
	if err != nil {
		return err
	}
	if len(hardest) > 0 { // none, if the policy solved nothing: then there is no second round
		distilled, err := r.Imitate(ctx, "distilled", base, hardest, p.Distill)
		if err != nil {
			return err
		}
		round2, err := r.Reinforce(ctx, "round2", distilled, rm, times(8, ppo.Cycle(train, r.Seed+1)), p.Round2, 1.2)
		if err != nil {
			return err
		}
		if err := r.Evaluate(ctx, "round2", round2); err != nil {
			return err
		}
	}

	if r.CoT {
		if err := twin(ctx, r, base, demos, rm); err != nil {
			return err
		}
	}
	return errors.Join(r.Evaluate(ctx, "ft", ft), r.Evaluate(ctx, "rl", rl))
}

// twin is the baseline, chain of thought: the same demonstrations without reflection and
// exploration, the same RL.
func twin(ctx context.Context, r *Run, base *model.LM, demos []coat.Demo, rm *bt.Model) error {
	ft, err := r.Imitate(ctx, "cot_ft", base, synth.CoT(demos), r.Recipe.FT)
	if err != nil {
		return err
	}
	rl, err := r.Reinforce(ctx, "cot_rl", ft, rm, ppo.Cycle(r.problems["train"], r.Seed), r.Recipe.RL, r.Recipe.Actor.Temperature)
	if err != nil {
		return err
	}
	return errors.Join(r.Evaluate(ctx, "cot_ft", ft), r.Evaluate(ctx, "cot_rl", rl))
}
