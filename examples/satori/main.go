// Satori trains a small transformer to reason in steps, to check itself and to try another way,
// by the whole method of arXiv 2502.02508: format tuning on synthesised demonstrations, an
// outcome reward model, PPO with Restart and Explore, distillation into the base model, and a
// second round.
//
//	go run ./examples/satori            # the task path-star, into satori-out/path-star
//	go run ./examples/satori -quick     # a smoke test of all stages, in about two minutes
//	go run ./examples/satori -task countdown -cot
//
// Ctrl-C stops the program at once. The same command continues after the last whole stage or PPO
// iteration. In the end the output directory has report.html.
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

const usage = `Usage: satori [flags]

Trains a small transformer by the whole method of Satori, and writes a report.

Flags:
`

func main() {
	allocator.Tune()
	var o options
	flag.StringVar(&o.task, "task", "path-star", "`task`: path-star or countdown")
	flag.StringVar(&o.problems, "problems", "", "JSON Lines `file` of training problems (default: those of the task)")
	flag.StringVar(&o.recipe, "recipe", "", "JSON `file` with the numbers of the recipe that change, such as {\"Demos\": 8000}")
	flag.StringVar(&o.out, "out", "", "output `directory` (default satori-out/TASK)")
	flag.StringVar(&o.backend, "backend", "", "`backend`: go, xla or auto (default $GOMLX_BACKEND, or else auto)")
	flag.StringVar(&o.split, "split", "test", "`split` of the problems to evaluate on: test, or valid for choosing settings")
	flag.Uint64Var(&o.seed, "seed", 1, "`seed` of all random numbers")
	flag.BoolVar(&o.quick, "quick", false, "a smoke test: all stages on small numbers, in about two minutes")
	flag.StringVar(&o.until, "until", "", "last `stage` to run, such as rl")
	flag.BoolVar(&o.cot, "cot", false, "also train the chain-of-thought baseline")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
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
			fmt.Fprintln(os.Stderr, "stopped; the same command continues after the last whole stage or iteration")
			os.Exit(130)
		}
		os.Exit(1)
	}
}

func train(ctx context.Context, o options, out io.Writer) (err error) {
	if flag.NArg() > 0 {
		return fmt.Errorf("argument %q is not expected; satori -h shows the flags", flag.Arg(0))
	}
	r, err := newRun(o, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	fmt.Fprintf(out, "task %s, backend %q, output in %s\n%s\n\n", o.task, r.Backend.Name(), o.out, expected(o))
	if err := method(ctx, r); err != nil {
		if errors.Is(err, pipeline.ErrUntil) {
			return nil
		}
		return err
	}
	if err := r.Report(ctx, r.page()); err != nil {
		return err
	}
	if o.quick {
		fmt.Fprintln(out, "this was "+smokeTest)
	}
	fmt.Fprintf(out, "next: go run ./examples/solve -model %s '%s'\n", r.Path("rl"), r.problems[r.split][0].Question)
	return nil
}

const smokeTest = "a smoke test of all stages: accuracies near 0 % are expected"

// expected says what to expect of a run: how long it takes and, of a smoke test, which figures.
func expected(o options) string {
	switch {
	case o.quick:
		return smokeTest + "; it takes about 2 minutes"
	case o.task == "countdown":
		return "a run takes 10 to 12 minutes on two cores with XLA, and several times as long with the Go backend"
	}
	return "a run takes about 25 minutes on two cores with the Go backend, 7 to 8 minutes with XLA; -cot takes longer"
}
