// Generate samples from a model and prints the text while it is sampled:
//
//	go run ./examples/generate -model PATH -prompt "Once upon a time"
//	go run ./examples/generate -model PATH -chat -prompt "What is 2 + 2?" -temperature 0.7 -top-p 0.9 -n 4
//	go run ./examples/generate -model PATH -jsonl < prompts.jsonl > completions.jsonl
//	go run ./examples/generate -model PATH -adapter DIR -chat -prompt "What is 2 + 2?"
//
// PATH is a Hugging Face directory or a .gguf file. DIR holds a LoRA adapter for the model in
// PEFT's layout, such as examples/grpo saves. Without -prompt the prompt is the whole
// standard input.
//
// With -jsonl each line of standard input is an object with "prompt", a text, or with "ids".
// It becomes one line for each of the n completions, in order, with "ids", "text" and
// "logprobs". Lines that arrive together are sampled together. A line that cannot be read
// becomes {"error": "line 3: ..."}.
//
// Without -chat nothing is added to a prompt. If the model needs a token at the beginning,
// such as <s>, write it.
//
// The exit status is 1 if the program failed or could not read a line, and 2 if the command
// line is wrong. After an interrupt the program ends at the next token.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/backend/allocator"
	"github.com/satori-go/satori/model/chat"
)

func main() {
	allocator.Tune()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// A flags holds what the command line said.
type flags struct {
	model, adapter, prompt, backend string
	chat, jsonl                     bool
	request                         model.Request // without the prompt
}

// run runs the program and returns its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // parse said why
	}
	if err := generate(ctx, f, stdin, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "generate:", err)
		return 1
	}
	return 0
}

// parse reads the command line. It reports an error to stderr itself.
func parse(args []string, stderr io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("generate", flag.ContinueOnError)
	set.SetOutput(stderr)
	r := &f.request
	set.StringVar(&f.model, "model", "", "`PATH` of a Hugging Face directory or a .gguf file")
	set.StringVar(&f.adapter, "adapter", "", "`DIR` of a LoRA adapter for the model, as examples/grpo saves it")
	set.StringVar(&f.prompt, "prompt", "", "`TEXT` to continue; without it, standard input")
	set.BoolVar(&f.chat, "chat", false, "the prompt is a user's message: put it into the model's chat template")
	set.BoolVar(&f.jsonl, "jsonl", false, `read {"prompt": ..} or {"ids": [..]} lines from standard input, write JSON lines`)
	set.StringVar(&f.backend, "backend", "", "go, xla, xla:/path/to/plugin.so or auto (default $GOMLX_BACKEND, or else auto)")
	set.IntVar(&r.N, "n", 1, "number of completions of a prompt")
	set.Float64Var(&r.Temperature, "temperature", 1, "of sampling; 0 takes the likeliest token each time")
	set.IntVar(&r.MaxTokens, "max-tokens", 256, "new tokens of a completion at most; fewer if the model's positions allow no more")
	set.Uint64Var(&r.Seed, "seed", 1, "of sampling: the same seed gives the same tokens")
	set.Float64Var(&r.TopP, "top-p", 0, "sample from the likeliest tokens that have this much probability together; 0: all")
	set.IntVar(&r.TopK, "top-k", 0, "sample from this number of likeliest tokens; 0: all")
	set.Float64Var(&r.MinP, "min-p", 0, "sample from tokens with at least this fraction of the likeliest token's probability; 0: all")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	prompted := false
	set.Visit(func(v *flag.Flag) { prompted = prompted || v.Name == "prompt" })
	switch {
	case f.model == "":
		err = errors.New("-model is missing")
	case set.NArg() > 0:
		err = fmt.Errorf("%q is no flag; the text goes into -prompt", set.Arg(0))
	case f.jsonl && prompted:
		err = errors.New("-jsonl takes its prompts from standard input, not from -prompt")
	case r.N < 1:
		err = fmt.Errorf("-n is %d, want 1 or more", r.N)
	case r.MaxTokens < 1:
		err = fmt.Errorf("-max-tokens is %d, want 1 or more", r.MaxTokens)
	case !(r.Temperature >= 0): // NaN, too
		err = fmt.Errorf("-temperature is %g, want 0 or more", r.Temperature)
	case !(r.TopP >= 0 && r.TopP <= 1) || !(r.MinP >= 0 && r.MinP <= 1) || r.TopK < 0:
		err = fmt.Errorf("-top-p is %g and -min-p %g, want 0 to 1; -top-k is %d, want 0 or more", r.TopP, r.MinP, r.TopK)
	}
	if err != nil {
		fmt.Fprintf(stderr, "generate: %v; generate -h tells more\n", err)
	}
	return f, err
}

// A generator holds an open model and how to ask it.
type generator struct {
	flags
	lm       *model.LM
	template *chat.Template // nil: prompts are taken as they stand
}

// generate opens the model and answers the prompt or the lines of stdin.
func generate(ctx context.Context, f flags, stdin io.Reader, stdout, stderr io.Writer) error {
	b, err := model.OpenBackend(f.backend)
	if err != nil {
		return err
	}
	lm, err := model.Open(b, f.model)
	if err != nil {
		return err
	}
	defer lm.Close()
	if f.adapter != "" {
		if lm, err = lm.OpenAdapter(f.adapter); err != nil {
			return fmt.Errorf("%s: %w", f.adapter, err)
		}
		defer lm.Close()
	}
	g := generator{flags: f, lm: lm}
	if f.chat {
		if g.template, err = lm.Template(); err != nil {
			return fmt.Errorf("%s: %w", f.model, err)
		}
	}
	if f.jsonl {
		return g.lines(ctx, stdin, stdout, stderr)
	}
	prompt := f.prompt
	if prompt == "" {
		text, err := io.ReadAll(stdin)
		if err != nil {
			return err
		}
		prompt = string(text)
	}
	r, err := g.ask(prompt)
	if err != nil {
		return err
	}
	return g.show(ctx, r, stdout, stderr)
}

// ask makes a request from a text.
func (g *generator) ask(prompt string) (model.Request, error) {
	if g.lm.Tokenizer() == nil {
		return model.Request{}, errors.New(`the model has no tokenizer: it takes {"ids": [..]} lines alone, see -jsonl`)
	}
	if g.template != nil {
		text, err := g.template.Render(chat.Input{Continue: true, Messages: []chat.Message{{Role: "user", Content: prompt}}})
		if err != nil {
			return model.Request{}, err
		}
		prompt = text
	}
	ids, err := g.lm.Tokenizer().EncodeStrict(prompt)
	if err != nil {
		return model.Request{}, err
	}
	return g.askIDs(ids)
}

// askIDs makes a request from ids. It asks for fewer tokens than the command line said if
// the model's positions allow no more.
func (g *generator) askIDs(ids []int32) (model.Request, error) {
	r := g.request
	r.Prompt = ids
	room := g.lm.Config.MaxPositions - len(ids)
	switch {
	case len(ids) == 0:
		return r, errors.New("the prompt is empty")
	case room <= 0:
		return r, fmt.Errorf("the prompt has %d tokens, the model room for %d", len(ids), g.lm.Config.MaxPositions)
	}
	for _, id := range ids {
		if id < 0 || int(id) >= g.lm.Config.VocabSize {
			return r, fmt.Errorf("id %d is outside the vocabulary of %d", id, g.lm.Config.VocabSize)
		}
	}
	r.MaxTokens = min(r.MaxTokens, room)
	return r, nil
}
