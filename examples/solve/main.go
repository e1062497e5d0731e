// Solve answers questions with a model that examples/satori trained.
//
//	go run ./examples/solve -model out/rl "12 11 9 make 33 :"
//	go run ./examples/solve -model out/rl -problems problems.jsonl > answers.jsonl
//
// The first command prints the steps of the answer, with colours on a terminal. The second
// writes one JSON line a problem to standard output, and the accuracy with its 95 % Wilson
// interval to standard error. The exit status is 1 if the program failed and 2 if the
// command line is wrong.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/progress"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/model/backend/allocator"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/eval"
)

func main() {
	allocator.Tune()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

const usage = `Usage: solve -model DIR [flags] QUESTION
       solve -model DIR [flags] -problems FILE

Answers with a model that examples/satori trained. QUESTION is one of its tasks, such as
  "| 35 7 | 25 4 | 25 35 | 22 28 | 7 12 | 4 22 / 25 12 ="   the way from 25 to 12
  "12 11 9 make 33 :"                                       an expression with the value 33
FILE has a JSON object a line, with the fields id, question and answer.

Flags:
`

// A flags holds what the command line said.
type flags struct {
	model, problems, question, backend string
	temperature                        float64
	seed                               uint64
	maxTokens                          int
}

// run runs the program and returns its exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // parse said why
	}
	if f.problems != "" {
		err = solveFile(ctx, f, stdout, stderr)
	} else {
		err = solveOne(ctx, f, stdout)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(stderr, "solve: interrupted; what was written is whole")
		return 1
	case err != nil:
		fmt.Fprintln(stderr, "solve:", err)
		return 1
	}
	return 0
}

// parse reads the command line. It reports an error to stderr itself.
func parse(args []string, stderr io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("solve", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprint(stderr, usage)
		set.PrintDefaults()
	}
	set.StringVar(&f.model, "model", "", "`DIR` of a trained model, such as OUT/rl")
	set.StringVar(&f.problems, "problems", "", "JSON Lines `FILE` of problems to answer")
	set.StringVar(&f.backend, "backend", "", "go, xla, xla:/path/to/plugin.so or auto (default $GOMLX_BACKEND, or else auto)")
	set.Float64Var(&f.temperature, "temperature", 0, "of sampling; 0 takes the likeliest token each time")
	set.Uint64Var(&f.seed, "seed", 1, "of sampling: the same seed gives the same answers")
	set.IntVar(&f.maxTokens, "max-tokens", 0, "tokens of an answer at most; 0: as many as the model's positions allow")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	f.question = strings.Join(set.Args(), " ")
	switch {
	case f.model == "":
		err = errors.New("-model is missing")
	case f.problems == "" && strings.TrimSpace(f.question) == "":
		err = errors.New("there is neither a QUESTION nor -problems")
	case f.problems != "" && f.question != "":
		err = fmt.Errorf("there is a QUESTION %q beside -problems (flags go before it)", f.question)
	case !(f.temperature >= 0): // NaN, too
		err = fmt.Errorf("-temperature is %g, want 0 or more", f.temperature)
	case f.maxTokens < 0:
		err = fmt.Errorf("-max-tokens is %d, want 0 or more", f.maxTokens)
	}
	if err != nil {
		fmt.Fprintf(stderr, "solve: %v; solve -h tells more\n", err)
	}
	return f, err
}

// solveOne prints the steps of one answer.
func solveOne(ctx context.Context, f flags, stdout io.Writer) error {
	if _, ok := tasks.For(f.question); !ok {
		return unknownTask(f.question)
	}
	for a, err := range attempts(ctx, f, []coat.Problem{{ID: "question", Question: f.question}}) {
		if err != nil {
			return err
		}
		trace, err := a.Trace()
		if err != nil { // print the text as it is
			trace = coat.Trace{{Text: a.Text}}
		}
		if err := progress.Trace(stdout, trace); err != nil {
			return err
		}
		switch {
		case a.Truncated:
			return errors.New("the answer was cut off at its token limit")
		case answer(a) == "":
			return errors.New("the model gave no answer in a box")
		}
	}
	return nil
}

// A line is one line of the output.
type line struct {
	ID      string `json:"id"`
	Answer  string `json:"answer"` // the text in the last box
	Correct bool   `json:"correct"`
	Text    string `json:"text"`
}

// solveFile writes one line a problem while answers come, and then the accuracy.
func solveFile(ctx context.Context, f flags, stdout, stderr io.Writer) error {
	checks := map[string]reward.Func{}
	problems, err := coat.OpenProblems(f.problems, func(p coat.Problem) error {
		task, ok := tasks.For(p.Question)
		if !ok {
			return unknownTask(p.Question)
		}
		checks[p.ID] = task.Check
		return task.CheckGold(p)
	})
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false) // "<|reflect|>" stays readable
	right := 0
	for a, err := range attempts(ctx, f, problems) {
		if err != nil {
			return err
		}
		id := a.Start.Problem.ID
		verdict, err := checks[id].Verdict(ctx, a)
		if err != nil {
			return fmt.Errorf("problem %q: %w", id, err)
		}
		if verdict == coat.Right {
			right++
		}
		if err := out.Encode(line{id, answer(a), verdict == coat.Right, a.Text}); err != nil {
			return err
		}
	}
	low, high := eval.Wilson(right, len(problems))
	accuracy := float64(right) / float64(len(problems))
	fmt.Fprintf(stderr, "accuracy %.4f (95 %% interval %.4f to %.4f), %d of %d\n", accuracy, low, high, right, len(problems))
	return nil
}
