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
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/satori-go/satori/examples/pipeline"
	"github.com/satori-go/satori/model/backend/allocator"
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
	if err := train(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "satori:", err)
		if errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "stopped; what is whole is saved. The same command goes on from there.")
			os.Exit(130)
		}
		os.Exit(1)
	}
}

func train(ctx context.Context, o options, out io.Writer) (err error) {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	r, err := newRun(o, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	fmt.Fprintf(out, "%s on the %s backend, into %s\n", o.task, r.Backend.Name(), o.out)
	if err := method(ctx, r); err != nil {
		if errors.Is(err, pipeline.ErrUntil) {
			return nil
		}
		return err
	}
	return r.Report(ctx, r.page())
}
