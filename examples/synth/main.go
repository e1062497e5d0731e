// Synth makes demonstrations of search with language models. A generator solves problems,
// a critic finds the first wrong step and gives a hint, and the program keeps the
// solutions that end right.
//
//	go run ./examples/synth -problems FILE -generator URL -critic URL -out DIR
//
// FILE is JSON Lines, JSON or Parquet in the layout of GSM8K, MATH or {problem, answer}.
// URL is a server that speaks OpenAI's chat completions; OPENAI_API_KEY is sent to it. URL
// can also be the path of a model, which then runs in this program. Ctrl-C stops the
// program after the requests that it has sent. The same command resumes the run and repeats
// no finished request. DIR gets report.html and files for trainers; see README.md here.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/progress"
	"github.com/satori-go/satori/model/backend/allocator"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/synth"
	"github.com/satori-go/satori/synth/agent"
	"github.com/satori-go/satori/synth/run"
)

func main() {
	allocator.Tune()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // from then on Ctrl-C ends the program at once
	status := program(ctx, os.Args[1:], os.Stdout, os.Stderr)
	os.Exit(status)
}

// program runs the program and returns its exit status.
func program(ctx context.Context, args []string, stdout io.Writer, stderr *os.File) int {
	f, err := parse(args, stderr)
	if errors.Is(err, errHelp) {
		return 0
	} else if err != nil {
		fmt.Fprintf(stderr, "synth: %v; see synth -h\n", err)
		return 2
	}
	err = demonstrate(ctx, f, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, agent.ErrBudget):
		fmt.Fprintln(stderr, "synth: the token budget is spent; run the same command with a larger -budget to resume")
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "synth: interrupted; run the same command to resume")
	default:
		fmt.Fprintln(stderr, "synth:", err)
	}
	return 1
}

// demonstrate makes the demonstrations and writes the files.
func demonstrate(ctx context.Context, f flags, stdout io.Writer, stderr *os.File) error {
	models, err := openModels(f)
	if err != nil {
		return err
	}
	defer models.close()
	meter := &agent.Meter{Budget: f.budget, Prices: f.prices}
	r, err := run.Open(f.out, run.Config{
		Models: models.names, Prompts: f.agents.Hashes(), Sampling: f.sampling(), Reading: f.reading(), Meter: meter,
	})
	if err != nil {
		return err
	}
	defer r.Close()
	problems, cleaned, err := readProblems(f)
	if err != nil {
		return err
	}
	config := synth.Config{
		Generate:  agent.Generator(r.Agent("generator", models.generator), f.agents),
		Critic:    agent.ReferenceSolution(f.agents),
		Check:     reward.Answer(),
		Solutions: f.solutions, Keep: f.keep, Rounds: f.rounds, Parallel: f.parallel, Seed: f.seed,
	}
	if models.critic != nil {
		config.Critic = agent.Critic(r.Agent("critic", models.critic), f.agents)
	}
	if models.judge != nil {
		config.Select = agent.Judge(r.Agent("judge", models.judge), f.agents)
	}
	stop := context.AfterFunc(ctx, func() {
		fmt.Fprintln(stderr, "\nsynth: waiting for requests that were sent; Ctrl-C again ends the program at once")
	})
	stopped := work(ctx, r, problems, config, meter, stderr)
	stop()
	// Write the files whatever ended the run: what was made can be read and trained on.
	if err := finish(f, cleaned, len(problems), meter, stdout); err != nil {
		return errors.Join(stopped, err)
	}
	return stopped
}

// work makes demonstrations of the problems and shows its progress.
func work(ctx context.Context, r *run.Run, problems []coat.Problem, c synth.Config, meter *agent.Meter, stderr *os.File) error {
	earlier, err := r.Done()
	if err != nil {
		return err
	}
	line := progress.New(stderr)
	defer line.Done()
	line.Stage("problems", len(problems))
	stats := new(synth.Stats)
	c.Stats = stats
	n, tokens := 0, meter.Total().Tokens
	for _, err := range r.Results(ctx, slices.Values(problems), c) {
		if err != nil {
			return err
		}
		if n++; n < earlier { // made by an earlier session; the last of them starts the line
			continue
		}
		total := meter.Total()
		fields := []progress.Field{progress.Tokens(total.Tokens - tokens)}
		tokens = total.Tokens
		for _, kind := range coat.Kinds() {
			fields = append(fields, progress.Count(string(kind), stats.Demos[kind]))
		}
		line.Step(n, append(fields, progress.Count("tokens", total.Tokens+total.PromptTokens))...)
	}
	return nil
}
