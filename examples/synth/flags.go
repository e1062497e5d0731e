package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/satori-go/satori/synth/agent"
)

var errHelp = flag.ErrHelp

const usage = `Usage: synth -problems FILE -generator URL -critic URL -out DIR [flags]

Makes demonstrations of search. URL is a server that speaks OpenAI's chat completions,
such as http://127.0.0.1:8080/v1, or the path of a model (a Hugging Face directory or a
.gguf file), which then runs in this program.

Flags:
`

// worked names the critic that is no model, see [agent.ReferenceSolution].
const worked = "worked"

// A flags holds what the command line said.
type flags struct {
	problems, out, prompts         string
	against                        []string
	generator, critic, judge       string
	generatorModel, criticModel    string
	judgeModel                     string
	limit, solutions, keep, rounds int
	parallel, inFlight, budget     int
	seed                           uint64
	timeout                        time.Duration
	backend                        string
	box                            bool
	prices                         map[string]agent.Price
	agents                         agent.Config
}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("synth", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprint(stderr, usage)
		set.PrintDefaults()
	}
	set.StringVar(&f.problems, "problems", "", "`FILE` or directory of problems: .jsonl, .json or .parquet")
	set.StringVar(&f.out, "out", "", "`DIR` for the demonstrations")
	set.StringVar(&f.generator, "generator", "", "`URL` of the model that solves")
	set.StringVar(&f.critic, "critic", "", "`URL` of the model that reviews (default: the generator's), or the word "+worked+
		" for a critic that is no model: it checks sums, and gives hints from the written solution where a problem has one")
	set.StringVar(&f.judge, "judge", "", "`URL` of a model that grades demonstrations; the best of each type is kept "+
		"(default: no judge, the first is kept)")
	set.StringVar(&f.generatorModel, "generator-model", "default", "`NAME` of the model on its server")
	set.StringVar(&f.criticModel, "critic-model", "default", "`NAME` of the model on its server")
	set.StringVar(&f.judgeModel, "judge-model", "default", "`NAME` of the model on its server")
	set.Func("against", "`FILE` of a test set; problems that overlap with it are dropped; may be repeated", func(s string) error {
		f.against = append(f.against, s)
		return nil
	})
	set.StringVar(&f.prompts, "prompts", "", "`DIR` of prompts that replace the built-in ones: "+
		"solve.txt, continue.txt, correct.txt, verify.txt, find_error.txt, find_error_again.txt, retry.txt, grade.txt, and NAME_system.txt")
	set.IntVar(&f.limit, "limit", 0, "use the first `N` problems; 0: all")
	set.IntVar(&f.solutions, "solutions", 0, "first solutions of each problem; 0: 100, the paper's number")
	set.IntVar(&f.keep, "keep", 0, "right first solutions, and wrong ones, that are kept of each problem; 0: 4, the paper's number")
	set.IntVar(&f.rounds, "rounds", 0, "rounds of review and correction; 0: 2, the paper's number")
	set.IntVar(&f.parallel, "parallel", 16, "problems in work at a time")
	set.IntVar(&f.inFlight, "in-flight", 16, "requests to a server at a time")
	set.IntVar(&f.budget, "budget", 0, "stop after this number of `TOKENS` of prompts and replies; 0: no limit")
	set.Func("price", "prices `ROLE=PROMPT,REPLY` of a million tokens, such as critic=0.6,2.4; may be repeated", f.price)
	set.Uint64Var(&f.seed, "seed", 1, "seed of everything random")
	set.DurationVar(&f.timeout, "timeout", 5*time.Minute, "time limit of one request")
	set.IntVar(&f.agents.MaxTokens, "max-tokens", 0, "token limit of a solution; 0: 2048, the paper's number")
	set.IntVar(&f.agents.ReviewTokens, "review-tokens", 0, "token limit of a review; 0: 256, the paper's number")
	set.Func("temperature", "sampling temperature of the generator; 0: greedy (default 0.3, the paper's)", func(s string) error {
		t, err := strconv.ParseFloat(s, 64)
		if err == nil && !(t >= 0) {
			err = errors.New("want 0 or more")
		}
		f.agents.Temperature = &t
		return err
	})
	set.Func("stop", "`TEXT` that ends a reply and is cut off, for models that do not stop; may be repeated", func(s string) error {
		f.agents.Stop = append(f.agents.Stop, s)
		return nil
	})
	set.BoolVar(&f.box, "box", false, "end a solution where it first announces its answer, as in \"the answer is 5\", and put that answer "+
		"into a box; for models that are too small to write boxes")
	set.StringVar(&f.backend, "backend", "", "`backend` of models that run in this program: go, xla or auto "+
		"(default $GOMLX_BACKEND, or else auto)")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if f.critic == "" {
		f.critic, f.criticModel = f.generator, f.generatorModel
	}
	switch {
	case set.NArg() > 0:
		return f, fmt.Errorf("unexpected argument %q; want flags alone", set.Arg(0))
	case f.problems == "" || f.generator == "" || f.out == "":
		return f, errors.New("-problems, -generator and -out are needed")
	case f.generator == worked || f.judge == worked:
		return f, errors.New("only -critic can be " + worked)
	case f.limit < 0 || f.budget < 0 || f.parallel < 1 || f.inFlight < 1 || f.agents.MaxTokens < 0 || f.agents.ReviewTokens < 0:
		return f, errors.New("-limit, -budget, -max-tokens and -review-tokens want 0 or more, -parallel and -in-flight 1 or more")
	}
	if f.box {
		f.agents.StopAt = agent.StopAtAnswer
	}
	if f.prompts != "" {
		f.agents.Prompts, err = readPrompts(f.prompts)
	}
	return f, err
}

// price reads the value of -price.
func (f *flags) price(s string) error {
	role, both, ok := strings.Cut(s, "=")
	prompt, reply, ok2 := strings.Cut(both, ",")
	p, err1 := strconv.ParseFloat(prompt, 64)
	r, err2 := strconv.ParseFloat(reply, 64)
	if !ok || !ok2 || err1 != nil || err2 != nil || role != "generator" && role != "critic" && role != "judge" {
		return errors.New("want ROLE=PROMPT,REPLY with the role generator, critic or judge and two numbers")
	}
	if f.prices == nil {
		f.prices = map[string]agent.Price{}
	}
	f.prices[role] = agent.Price{Prompt: p, Reply: r}
	return nil
}

// sampling returns the settings that decide the replies, for the manifest.
func (f flags) sampling() map[string]float64 {
	a := f.agents.Resolved()
	return map[string]float64{
		"temperature": *a.Temperature, "max_tokens": float64(a.MaxTokens),
		"review_temperature": *a.ReviewTemperature, "review_tokens": float64(a.ReviewTokens),
	}
}

// reading returns how replies are read, for the manifest. It is empty by default.
func (f flags) reading() map[string]string {
	how := map[string]string{}
	if f.box {
		how["finish"] = "agent.AtAnswer" // the name that manifests have
	}
	if len(f.agents.Stop) > 0 {
		how["stop"] = fmt.Sprintf("%q", f.agents.Stop)
	}
	return how
}

// readPrompts reads the prompts of a directory; the built-in prompts replace missing ones. A
// prompt without a NAME_system.txt has no system turn. Files may have the
// names of earlier versions.
func readPrompts(dir string) (p agent.Prompts, err error) {
	for _, f := range []struct {
		name, earlier string
		into          *agent.Prompt
	}{
		{"solve", "", &p.Solve}, {"continue", "go", &p.Continue}, {"correct", "mend", &p.Correct}, {"verify", "", &p.Verify},
		{"find_error", "find", &p.FindError}, {"find_error_again", "find_next", &p.FindErrorAgain},
		{"retry", "again", &p.Retry}, {"grade", "mark", &p.Grade},
	} {
		prompt, fault := readPrompt(dir, f.name)
		if f.earlier != "" {
			old, fault2 := readPrompt(dir, f.earlier)
			fault = errors.Join(fault, fault2)
			if prompt.User != nil && old.User != nil {
				fault = errors.Join(fault, fmt.Errorf("%s: %s.txt is the earlier name of %s.txt; there may be one of them", dir, f.earlier, f.name))
			}
			if prompt.User == nil {
				prompt = old
			}
		}
		err = errors.Join(err, fault)
		*f.into = prompt
	}
	return p, err
}

// readPrompt reads the two turns of a prompt; both are nil where there is none.
func readPrompt(dir, name string) (p agent.Prompt, err error) {
	user, fault := readTemplate(filepath.Join(dir, name+".txt"))
	system, fault2 := readTemplate(filepath.Join(dir, name+"_system.txt"))
	err = errors.Join(fault, fault2)
	if err == nil && user == nil && system != nil {
		err = fmt.Errorf("%s: there is %s_system.txt, but no %s.txt; add it", dir, name, name)
	}
	return agent.Prompt{System: system, User: user}, err
}

// readTemplate reads a template. It returns nil if the file does not exist.
func readTemplate(path string) (*template.Template, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return template.New(filepath.Base(path)).Parse(string(data))
}
