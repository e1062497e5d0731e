// Package sampler has the words between those who want completions and those who make them:
// a [Request], its [Completion] and the [Sampler]. Package model samples on this machine and
// package remote over a server; package samplertest checks implementations.
package sampler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// A Sampler completes prompts. Sample returns as many completions as the request asks for, or
// an error and nothing. It must be safe for concurrent use.
type Sampler interface {
	Sample(ctx context.Context, r Request) ([]Completion, error)
}

// A Request asks for completions of a prompt.
//
// TopK, TopP and MinP are filters: they reduce the distribution at the request's temperature to
// its likelier tokens, in this order, which is that of transformers. They do not change greedy
// sampling. Tokens that are equally likely stay or go together.
type Request struct {
	Prompt      []int32
	N           int     // completions; 0: 1
	MaxTokens   int     // new tokens of a completion at most
	Temperature float64 // 0: greedy
	TopP        float64 // keep the likeliest tokens that have this much probability together; 0 and 1: all
	TopK        int     // keep so many of the likeliest tokens; 0: all
	MinP        float64 // keep the tokens that are at least so many times as likely as the likeliest; 0: all
	Stop        []int32 // tokens that end a completion of this request, as the model's own do
	// Seed decides the tokens, whatever other requests share the batch. Each of the N
	// completions has a seed of its own, made from this one by [FoldIn].
	Seed uint64
}

// Stops tells whether a token ends a completion of this request.
func (r Request) Stops(token int32) bool { return slices.Contains(r.Stop, token) }

// Filters tells whether the request reduces the distribution that it draws from. A greedy
// request does not: it takes the likeliest token, which every filter keeps.
func (r Request) Filters() bool {
	return r.Temperature > 0 && (r.TopK > 0 || r.TopP > 0 && r.TopP < 1 || r.MinP > 0)
}

// Check returns an error for a request that no sampler can serve.
func (r Request) Check() error {
	switch {
	case len(r.Prompt) == 0:
		return errors.New("the prompt is empty")
	case r.N < 0:
		return fmt.Errorf("N is %d, want 0 or more", r.N)
	case r.MaxTokens <= 0:
		return fmt.Errorf("MaxTokens is %d, want it positive", r.MaxTokens)
	case !(r.Temperature >= 0): // NaN, too
		return fmt.Errorf("Temperature is %g, want 0 or more", r.Temperature)
	case !(r.TopP >= 0 && r.TopP <= 1):
		return fmt.Errorf("TopP is %g, want 0 to 1", r.TopP)
	case r.TopK < 0:
		return fmt.Errorf("TopK is %d, want 0 or more", r.TopK)
	case !(r.MinP >= 0 && r.MinP <= 1):
		return fmt.Errorf("MinP is %g, want 0 to 1", r.MinP)
	}
	return nil
}

// A Completion is one answer to a request.
type Completion struct {
	// Tokens has the new tokens. The one that ended the completion is included, where one was
	// sampled.
	Tokens []int32
	// LogProbs has one entry a token: its log-probability under the distribution that it was
	// drawn from, at the request's temperature and after the filters. For greedy sampling it
	// is that at temperature 1. It is nil where a server does not report it.
	LogProbs []float32
	// UnfilteredLogProbs has one entry a token: its log-probability at the request's temperature before the
	// filters. It is nil where there are no filters, since LogProbs is the same then, and where
	// a server does not report it. Code that learns from ratios of probabilities must not take
	// one for the other: they differ by the probability that was filtered out.
	UnfilteredLogProbs []float32

	Truncated bool // MaxTokens came before an end
}

// A Part is what one call to the device added to a completion, or all of a completion. A model
// on this machine yields parts while it samples.
type Part struct {
	Request int // the part belongs to the N-th completion of requests[Request]
	N       int
	Completion
	Done bool // the completion has ended; before that, Truncated says nothing
}

// All completes the requests side by side, and returns the completions of each. The first
// error cancels the other requests; All returns it when all have ended.
func All(ctx context.Context, s Sampler, requests []Request) ([][]Completion, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make([][]Completion, len(requests))
	var group sync.WaitGroup
	for i, r := range requests {
		group.Go(func() {
			var err error
			if done[i], err = s.Sample(ctx, r); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return done, nil
}

// FoldIn makes a seed from another and a number, so that the streams of neighbouring numbers
// have nothing in common. It is the finaliser of splitmix64.
func FoldIn(seed, i uint64) uint64 {
	z := seed + (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
