package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/satori-go/satori/coat"
)

// A Sampler completes prompts. It must be safe for concurrent use. [LM] is one, and
// [Remote]; package samplertest tests others.
type Sampler interface {
	Sample(ctx context.Context, r Request) ([]Completion, error)
}

// A Request asks for completions of a prompt.
//
// TopK, TopP and MinP cut the distribution at the request's temperature down to its
// likelier tokens, in this order, which is that of transformers. Greedy sampling is not
// changed by them. Equally likely tokens stay or go together.
type Request struct {
	Prompt      []int32
	N           int     // completions; 0: 1
	MaxTokens   int     // at most so many new tokens
	Temperature float64 // 0: greedy
	TopP        float64 // keep the likeliest tokens that have this much probability together; 0 and 1: all
	TopK        int     // keep so many of the likeliest tokens; 0: all
	MinP        float64 // keep the tokens that are at least so many times as likely as the likeliest; 0: all
	Stop        []int32 // tokens that end a completion of this request, as the model's own do
	// Seed belongs to the request: its tokens are the same whatever shares the batch.
	// Each of its N completions has a stream of its own.
	Seed uint64
}

// stops tells whether a token ends a completion of this request.
func (r Request) stops(token int32) bool { return slices.Contains(r.Stop, token) }

// check reports what no sampler can serve.
func (r Request) check() error {
	switch {
	case len(r.Prompt) == 0:
		return errors.New("the prompt is empty")
	case r.N < 0:
		return fmt.Errorf("N is %d", r.N)
	case r.MaxTokens <= 0:
		return fmt.Errorf("MaxTokens is %d, want it positive", r.MaxTokens)
	case !(r.Temperature >= 0): // NaN, too
		return fmt.Errorf("Temperature is %g", r.Temperature)
	case !(r.TopP >= 0 && r.TopP <= 1):
		return fmt.Errorf("TopP is %g, want 0 to 1", r.TopP)
	case r.TopK < 0:
		return fmt.Errorf("TopK is %d", r.TopK)
	case !(r.MinP >= 0 && r.MinP <= 1):
		return fmt.Errorf("MinP is %g, want 0 to 1", r.MinP)
	}
	return nil
}

// A Completion is one answer to a request.
type Completion struct {
	Tokens []int32 // the EOS (or one of Config.Stops or Request.Stop) included, where one was sampled
	// LogProbs has one entry a token: its log-probability under the distribution that it
	// was drawn from, at the request's temperature and after TopK, TopP and MinP; at
	// temperature 1 for greedy.
	LogProbs []float32
	// Plain is the same before TopK, TopP and MinP; nil where there are none, and LogProbs
	// are that already. Nothing that learns from ratios of probabilities may take one for
	// the other: they differ by the mass that was cut off.
	Plain     []float32
	Truncated bool // MaxTokens came before an end
}

// Sampling says how starts become rollouts.
type Sampling struct {
	N           int     // completions a start; 0: 1
	MaxTokens   int     // new tokens a completion
	Temperature float64 // 0: greedy
	TopP        float64 // as in Request, and the next two; PPO wants the whole distribution
	TopK        int
	MinP        float64
	Seed        uint64
	Batch       int // rollouts asked for at a time; 0: 1024
	// Sampler makes the completions, with the tokenizer of the model that Rollouts is given;
	// nil: that model itself. With a Remote, rollouts come from other machines.
	Sampler Sampler
}

// A Rollout is an attempt with the ids that it is made of.
type Rollout struct {
	coat.Attempt
	Prompt   []int32
	Tokens   []int32
	LogProbs []float32
	Plain    []float32 // as in Completion
}

// Rollouts samples from every start, N times each, in order. What comes of the i-th
// start depends on the weights, the seed and i alone.
func (p Sampling) Rollouts(ctx context.Context, m *LM, t coat.Template, starts iter.Seq[coat.Start]) iter.Seq2[Rollout, error] {
	n, batch := max(1, p.N), cmp.Or(p.Batch, 1024)
	return func(yield func(Rollout, error) bool) {
		var asked []coat.Start
		var requests []Request
		i := uint64(0)
		flush := func() bool {
			done, err := p.all(ctx, m, requests)
			if err != nil {
				yield(Rollout{}, err)
				return false
			}
			for k, completions := range done {
				for _, c := range completions {
					a := coat.Attempt{Start: asked[k], Text: m.Response(c.Tokens), Truncated: c.Truncated}
					if !yield(Rollout{Attempt: a, Prompt: requests[k].Prompt, Tokens: c.Tokens, LogProbs: c.LogProbs, Plain: c.Plain}, nil) {
						return false
					}
				}
			}
			asked, requests = asked[:0], requests[:0]
			return true
		}
		for s := range starts {
			prompt, err := m.Prompt(t, s)
			if err != nil {
				yield(Rollout{}, err)
				return
			}
			asked = append(asked, s)
			requests = append(requests, Request{Prompt: prompt, N: n, MaxTokens: p.MaxTokens, Temperature: p.Temperature,
				TopP: p.TopP, TopK: p.TopK, MinP: p.MinP, Seed: Mix(p.Seed, i)})
			i++
			if len(requests)*n >= batch && !flush() {
				return
			}
		}
		if len(requests) > 0 {
			flush()
		}
	}
}

// all completes requests.
func (p Sampling) all(ctx context.Context, m *LM, requests []Request) ([][]Completion, error) {
	if p.Sampler == nil {
		return m.SampleAll(ctx, requests)
	}
	done := make([][]Completion, len(requests))
	return done, together(ctx, len(requests), func(ctx context.Context, i int) (err error) {
		done[i], err = p.Sampler.Sample(ctx, requests[i])
		return err
	})
}

// Collect gathers a stream, up to its first error.
func Collect[T any](stream iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range stream {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Response decodes sampled tokens without the EOS, or another of the model's own stops, that
// ended them; a stop of the request is left, and meta-actions are.
// Without a tokenizer it is empty.
func (m *LM) Response(tokens []int32) string {
	if n := len(tokens); n > 0 && m.Config.ends(tokens[n-1]) {
		tokens = tokens[:n-1]
	}
	if m.tokenizer == nil {
		return ""
	}
	return m.tokenizer.Decode(tokens)
}

// Mix derives a seed from another and a counter (splitmix64's finaliser), so that
// streams of neighbouring numbers have nothing in common.
func Mix(seed, i uint64) uint64 {
	z := seed + (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// checkRequests reports requests that cannot be served.
func (m *LM) checkRequests(requests []Request) error {
	if m.Config.Score {
		return errScalarHead
	}
	var faults []error
	for i, r := range requests {
		err := r.check()
		if err == nil && r.MaxTokens > m.Config.MaxPositions-len(r.Prompt) {
			err = fmt.Errorf("a prompt of %d and %d new tokens do not fit into max_position_embeddings %d", len(r.Prompt), r.MaxTokens, m.Config.MaxPositions)
		}
		for _, id := range r.Prompt {
			if err == nil && (id < 0 || int(id) >= m.Config.VocabSize) {
				err = fmt.Errorf("the prompt has id %d, outside the vocabulary of %d", id, m.Config.VocabSize)
			}
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("request %d: %w", i, err))
		}
		if len(faults) == 3 { // enough to see what is wrong
			break
		}
	}
	return errors.Join(faults...)
}
