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
	Prompts Prompts // one without a User template is that of [DefaultPrompts]
	Leads   Leads   // nil: those of [DefaultLeads]; empty: none

	Temperature float64 // of the generator; 0 means 0.3 (section D.1)
	MaxTokens   int     // of one of its replies; 0 means 2048 (section D.1)

	ReviewTemperature float64 // of the critic and the judge; 0 means 0.2 (section D.1)
	ReviewTokens      int     // of one of their replies; 0 means 256 (section D.1)

	Split func(text string) []string // a solution into steps; nil means [Steps]

	Stop []string // texts that end a reply and are no part of it, for models that do not stop; nil: none

	// Finish is given the steps of a solution and returns those to be kept, and whether
	// they are whole though the reply was cut off; see [AtAnswer]. Nil: solutions stay
	// as they are written, and one that is cut off is dropped.
	Finish func(steps []string) (kept []string, whole bool)
}

// Resolved is c with the value of each field that was left at zero.
func (c Config) Resolved() Config {
	p, d := &c.Prompts, DefaultPrompts
	for _, pair := range []struct {
		prompt *Prompt
		byDef  Prompt
	}{{&p.Solve, d.Solve}, {&p.Go, d.Go}, {&p.Mend, d.Mend}, {&p.Verify, d.Verify}, {&p.Find, d.Find}, {&p.FindNext, d.FindNext}, {&p.Again, d.Again}, {&p.Mark, d.Mark}} {
		if pair.prompt.User == nil {
			*pair.prompt = pair.byDef
		}
	}
	words := func(w *[]string, byDef []string) {
		if *w == nil {
			*w = byDef
		}
	}
	words(&c.Leads.Verify, DefaultLeads.Verify)
	words(&c.Leads.Mistake, DefaultLeads.Mistake)
	words(&c.Leads.Explore, DefaultLeads.Explore)
	c.Temperature = cmp.Or(c.Temperature, 0.3)
	c.MaxTokens = cmp.Or(c.MaxTokens, 2048)
	c.ReviewTemperature = cmp.Or(c.ReviewTemperature, 0.2)
	c.ReviewTokens = cmp.Or(c.ReviewTokens, 256)
	if c.Split == nil {
		c.Split = Steps
	}
	return c
}

// Hashes tell the prompts of c apart from others, for a manifest.
func (c Config) Hashes() map[string]string { return c.Resolved().Prompts.Hashes() }

// Generator is the agent that writes solutions and goes on with them. A prefix that
// ends in an exploration is mended: the reflection before it is the feedback, its own
// text the hint. Any other prefix is gone on with as right.
func Generator(m Model, c Config) synth.Generator {
	c = c.Resolved()
	return func(ctx context.Context, p coat.Problem, prefix coat.Trace, seed uint64) (coat.Trace, error) {
		prompt, d := c.Prompts.Solve, Data{Problem: p}
		if n := len(prefix); n > 1 && prefix[n-1].Action == coat.Explore {
			prompt = c.Prompts.Mend
			d.Given, d.Mistake, d.Hint = plain(prefix[:n-2]), plain(prefix[n-2:n-1]), plain(prefix[n-1:])
		} else if n > 0 {
			prompt, d.Given = c.Prompts.Go, plain(prefix)
		}
		r, err := prompt.request(d)
		if err != nil {
			return nil, err
		}
		r.Temperature, r.MaxTokens, r.Seed, r.Stop = c.Temperature, c.MaxTokens, seed, c.Stop
		reply, err := m(ctx, r)
		if err != nil {
			return nil, err
		}
		if reply.Truncated && c.Finish == nil {
			return nil, synth.ErrCut
		}
		text, ok := said(reply.Text)
		if !ok {
			return nil, synth.ErrGarbled
		}
		steps := c.Split(text)
		if reply.Truncated { // the last one is not whole
			steps = steps[:max(0, len(steps)-1)]
		}
		steps = unwritten(steps, prefix)
		whole := !reply.Truncated
		if c.Finish != nil {
			var ends bool
			steps, ends = c.Finish(steps)
			whole = whole || ends
		}
		switch {
		case !whole:
			return nil, synth.ErrCut
		case len(steps) == 0:
			return nil, synth.ErrGarbled
		}
		return trace(steps, len(prefix) == 0), nil
	}
}

// trace is the steps as a trace, or as one that follows another. A token stands right
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

// unwritten are the steps without those at the beginning that the prefix has: models
// repeat what they are told not to.
func unwritten(steps []string, prefix coat.Trace) []string {
	for len(steps) > 0 && stands(steps[0], prefix) {
		steps = steps[1:]
	}
	return steps
}

func stands(step string, in coat.Trace) bool {
	for _, s := range in {
		if strings.TrimSpace(s.Text) == step {
			return true
		}
	}
	return false
}

// plain is a trace as a model may read it: without tokens, a blank line between steps.
func plain(t coat.Trace) string {
	texts := make([]string, len(t))
	for i, s := range t {
		texts[i] = strings.TrimSpace(s.Text)
	}
	return strings.Join(texts, "\n\n")
}

func numbered(t coat.Trace) []Step {
	steps := make([]Step, len(t))
	for i, s := range t {
		steps[i] = Step{N: i + 1, Text: strings.TrimSpace(s.Text)}
	}
	return steps
}

// source is the randomness of one review.
func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
