package agent

import (
	"cmp"
	"context"
	"math/rand/v2"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/synth"
)

// A Config says how agents ask. The zero Config asks as the paper does.
type Config struct {
	Prompts Prompts // a prompt without a User template: the built-in one
	Openers Openers // nil: the built-in ones; empty: none

	Temperature *float64 // of the generator; nil: 0.3 (section D.1); 0 is greedy
	MaxTokens   int      // of a reply of the generator; 0: 2048 (section D.1)

	ReviewTemperature *float64 // of the critic and the judge; nil: 0.2 (section D.1); 0 is greedy
	ReviewTokens      int      // of one of their replies; 0: 256 (section D.1)

	Split func(text string) []string // splits a solution into steps; nil: [Steps]

	Stop []string // texts that end a reply and are no part of it, for models that do not stop; nil: none

	// StopAt gets the steps of a solution and returns the steps to keep, and whether they
	// are whole although the reply was cut off; see [StopAtAnswer]. Nil: solutions stay
	// as they are written, and a solution that is cut off is dropped.
	StopAt func(steps []string) (kept []string, whole bool)
}

// Resolved returns c with the default of each field that was left at zero.
func (c Config) Resolved() Config {
	p, d := &c.Prompts, defaultPrompts()
	for _, pair := range []struct {
		prompt *Prompt
		byDef  Prompt
	}{
		{&p.Solve, d.Solve}, {&p.Continue, d.Continue}, {&p.Correct, d.Correct}, {&p.Verify, d.Verify},
		{&p.FindError, d.FindError}, {&p.FindErrorAgain, d.FindErrorAgain}, {&p.Retry, d.Retry}, {&p.Grade, d.Grade},
	} {
		if pair.prompt.User == nil {
			*pair.prompt = pair.byDef
		}
	}
	words := func(w *[]string, byDef []string) {
		if *w == nil {
			*w = byDef
		}
	}
	openers := defaultOpeners()
	words(&c.Openers.Verify, openers.Verify)
	words(&c.Openers.Mistake, openers.Mistake)
	words(&c.Openers.Explore, openers.Explore)
	c.Temperature = cmp.Or(c.Temperature, new(0.3))
	c.MaxTokens = cmp.Or(c.MaxTokens, 2048)
	c.ReviewTemperature = cmp.Or(c.ReviewTemperature, new(0.2))
	c.ReviewTokens = cmp.Or(c.ReviewTokens, 256)
	if c.Split == nil {
		c.Split = Steps
	}
	return c
}

// Hashes returns the hashes of the prompts of c, for a manifest.
func (c Config) Hashes() map[string]string { return c.Resolved().Prompts.Hashes() }

// Generator makes a generator of a model. A prefix that ends in an exploration is
// corrected: the reflection before it is the feedback, its own text the hint. Any other
// prefix is continued as a right one.
func Generator(m Model, c Config) synth.Generator {
	c = c.Resolved()
	return func(ctx context.Context, p coat.Problem, prefix coat.Trace, seed uint64) (coat.Trace, error) {
		prompt, d := c.Prompts.Solve, Data{Problem: p}
		if n := len(prefix); n > 1 && prefix[n-1].Action == coat.Explore {
			prompt = c.Prompts.Correct
			d.Given, d.Mistake, d.Hint = plain(prefix[:n-2]), plain(prefix[n-2:n-1]), plain(prefix[n-1:])
		} else if n > 0 {
			prompt, d.Given = c.Prompts.Continue, plain(prefix)
		}
		r, err := prompt.request(d)
		if err != nil {
			return nil, err
		}
		r.Temperature, r.MaxTokens, r.Seed, r.Stop = *c.Temperature, c.MaxTokens, seed, c.Stop
		reply, err := m(ctx, r)
		if err != nil {
			return nil, err
		}
		if reply.Truncated && c.StopAt == nil {
			return nil, synth.ErrTruncated
		}
		text, ok := said(reply.Text)
		if !ok {
			return nil, synth.ErrUnparsable
		}
		steps := c.Split(text)
		if reply.Truncated { // the last one is not whole
			steps = steps[:max(0, len(steps)-1)]
		}
		steps = unwritten(steps, prefix)
		whole := !reply.Truncated
		if c.StopAt != nil {
			var ends bool
			steps, ends = c.StopAt(steps)
			whole = whole || ends
		}
		switch {
		case !whole:
			return nil, synth.ErrTruncated
		case len(steps) == 0:
			return nil, synth.ErrUnparsable
		}
		return trace(steps, len(prefix) == 0), nil
	}
}

// trace makes steps into a trace, or into one that follows another. A token comes right
// after the step before it, as in the paper's examples.
func trace(steps []string, whole bool) coat.Trace {
	t := make(coat.Trace, len(steps))
	for i, s := range steps {
		t[i] = coat.Step{Action: coat.Continue, Text: " " + s}
	}
	if whole {
		t[0] = coat.Step{Text: steps[0]}
	}
	return t
}

// unwritten drops steps at the beginning that the prefix has: models repeat steps that they
// are asked not to.
func unwritten(steps []string, prefix coat.Trace) []string {
	for len(steps) > 0 && has(steps[0], prefix) {
		steps = steps[1:]
	}
	return steps
}

func has(step string, in coat.Trace) bool {
	for _, s := range in {
		if strings.TrimSpace(s.Text) == step {
			return true
		}
	}
	return false
}

// plain writes a trace as a model may read it: without tokens, a blank line between steps.
func plain(t coat.Trace) string {
	texts := make([]string, len(t))
	for i, s := range t {
		texts[i] = strings.TrimSpace(s.Text)
	}
	return strings.Join(texts, "\n\n")
}

func numbered(t coat.Trace) []NumberedStep {
	steps := make([]NumberedStep, len(t))
	for i, s := range t {
		steps[i] = NumberedStep{N: i + 1, Text: strings.TrimSpace(s.Text)}
	}
	return steps
}

// source makes the random source of one review.
func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
