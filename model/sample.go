package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/satori-go/satori/coat"
)

// A Request asks for completions of a prompt.
type Request struct {
	Prompt      []int32
	N           int     // completions; 0: 1
	MaxTokens   int     // at most so many new tokens
	Temperature float64 // 0: greedy
	// Seed belongs to the request: its tokens are the same whatever shares the batch.
	// Each of its N completions has a stream of its own.
	Seed uint64
}

// A Completion is one answer to a request.
type Completion struct {
	Tokens []int32 // the EOS (or one of Config.Stops) included, where one was sampled
	// LogProbs has one entry a token: its log-probability under the distribution that it
	// was drawn from, that is at the request's temperature; at temperature 1 for greedy.
	LogProbs  []float32
	Truncated bool // MaxTokens came before EOS
}

// Sampling says how starts become rollouts.
type Sampling struct {
	N           int     // completions a start; 0: 1
	MaxTokens   int     // new tokens a completion
	Temperature float64 // 0: greedy
	Seed        uint64
	Batch       int // rollouts asked for at a time; 0: 1024
}

// A Rollout is an attempt with the ids that it is made of.
type Rollout struct {
	coat.Attempt
	Prompt   []int32
	Tokens   []int32
	LogProbs []float32
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
			done, err := m.SampleAll(ctx, requests)
			if err != nil {
				yield(Rollout{}, err)
				return false
			}
			for k, completions := range done {
				for _, c := range completions {
					a := coat.Attempt{Start: asked[k], Text: m.Response(c.Tokens), Truncated: c.Truncated}
					if !yield(Rollout{Attempt: a, Prompt: requests[k].Prompt, Tokens: c.Tokens, LogProbs: c.LogProbs}, nil) {
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
			requests = append(requests, Request{Prompt: prompt, N: n, MaxTokens: p.MaxTokens, Temperature: p.Temperature, Seed: Mix(p.Seed, i)})
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

// Response decodes sampled tokens without the EOS or stop that ended them; meta-actions stay.
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
	var faults []error
	for i, r := range requests {
		switch {
		case len(r.Prompt) == 0:
			faults = append(faults, fmt.Errorf("request %d: the prompt is empty", i))
		case r.MaxTokens <= 0:
			faults = append(faults, fmt.Errorf("request %d: MaxTokens is %d, want it positive", i, r.MaxTokens))
		case r.Temperature < 0:
			faults = append(faults, fmt.Errorf("request %d: Temperature is %g", i, r.Temperature))
		case len(r.Prompt)+r.MaxTokens > m.Config.MaxPositions:
			faults = append(faults, fmt.Errorf("request %d: a prompt of %d and %d new tokens do not fit into max_position_embeddings %d", i, len(r.Prompt), r.MaxTokens, m.Config.MaxPositions))
		}
		if len(faults) == 3 { // enough to see what is wrong
			break
		}
	}
	return errors.Join(faults...)
}
