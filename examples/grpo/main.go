// Grpo trains a chat model by GRPO (arXiv 2402.03300) with a reward that is a Go function.
// The model learns to add numbers and to say the sum last.
//
//	go run ./examples/grpo -model PATH -out adapter
//
// PATH is a directory in Hugging Face's layout or a .gguf file; the model needs a chat
// template. The program trains a LoRA adapter, prints the mean reward of each iteration and
// saves the adapter in PEFT's layout. To train on your own problems, change sums and right;
// coat.OpenProblems reads problems from a JSON Lines file.
//
// With SmolLM2-135M-Instruct in 4 bits (.ci/smollm2 fetches it) and -iterations 8 the mean
// reward rose from 0.09 to 0.52, in 9 minutes of processor time on XLA.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"

	"os"
	"os/signal"
	"regexp"
	"strconv"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/backend/allocator"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/reward"
)

func main() {
	allocator.Tune()
	path := flag.String("model", "", "chat model: a `directory` or a .gguf file")
	out := flag.String("out", "adapter", "`directory` for the adapter")
	iterations := flag.Int("iterations", 20, "rounds of rollouts and updates")
	backend := flag.String("backend", "", "go, xla or auto (default $GOMLX_BACKEND, or else auto)")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Usage: grpo -model PATH [flags]\n\nTrains a LoRA adapter for a chat model by GRPO.\n\nFlags:")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *backend, *path, *out, *iterations); err != nil {
		log.Fatal("grpo: ", err)
	}
}

func run(ctx context.Context, w io.Writer, backend, path, out string, iterations int) error {
	if path == "" {
		return errors.New("-model is missing")
	}
	b, err := model.OpenBackend(backend)
	if err != nil {
		return err
	}
	base, err := model.Open(b, path)
	if err != nil {
		return err
	}
	template, err := base.ChatStart("") // no system message but the template's own
	if err != nil {
		return err
	}
	lm, err := base.WithLoRA(model.LoRA{Rank: 16, Alpha: 32})
	if err != nil {
		return err
	}
	policy, err := actor.New(lm, nil, actor.Config{ // nil: no critic, as advantages are relative to a group
		Template: template, MaxTokens: 24, Temperature: 1, PolicyRate: 1e-4,
	})
	if err != nil {
		return err
	}
	defer policy.Close()
	trainer := ppo.Trainer{
		Policy: policy,
		Rubric: reward.Rubric{{Name: "right", Weight: 1, Func: right}},
		Config: ppo.Config{Iterations: iterations, RolloutBatch: 64, MiniBatch: 32, NumGenerations: 8, Advantage: ppo.GRPO()},
	}
	for step, err := range trainer.Train(ctx, ppo.Cycle(sums(), 1)) {
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "iteration %d of %d: mean reward %.3f\n", step.Iteration, step.Of, step.Rewards.Total)
	}
	return lm.SaveAdapter(out, path)
}

var number = regexp.MustCompile(`\d+`)

// right computes the reward: 1 for an attempt whose last number is the sum, else 0.
func right(_ context.Context, a coat.Attempt) (float64, error) {
	numbers := number.FindAllString(a.Text, -1)
	if len(numbers) > 0 && numbers[len(numbers)-1] == a.Start.Problem.Answer {
		return 1, nil
	}
	return 0, nil
}

// sums makes the problems: the sums of two numbers from 1 to 9.
func sums() (problems []coat.Problem) {
	for x := 1; x <= 9; x++ {
		for y := 1; y <= 9; y++ {
			problems = append(problems, coat.Problem{
				ID:       fmt.Sprintf("%d+%d", x, y),
				Question: fmt.Sprintf("What is %d + %d? Answer with the number alone.", x, y),
				Answer:   strconv.Itoa(x + y),
			})
		}
	}
	return problems
}
