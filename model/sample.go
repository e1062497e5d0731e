package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/sampler"
)

// SamplingParams says how [SamplingParams.Rollouts] makes rollouts of starts, and [LM.Generate]
// text of text. Its fields are those of [Request], for every start.
type SamplingParams struct {
	N           int     // completions a start; 0: 1
	MaxTokens   int     // new tokens of a completion at most
	Temperature float64 // 0: greedy
	TopP        float64 // 0 and 1: all tokens; PPO needs all, and so do the next two
	TopK        int     // 0: all tokens
	MinP        float64 // 0: all tokens
	Seed        uint64  // of all starts; the i-th has FoldIn(Seed, i)
	Batch       int     // rollouts that are sampled together; 0: 1024
	// Sampler makes the completions, for example a [Remote]. The model gives the tokenizer then.
	// nil: the model makes them.
	Sampler Sampler
}

// A Rollout is an attempt with the ids that it is made of.
type Rollout struct {
	coat.Attempt
	Prompt             []int32
	Tokens             []int32 // as in [Completion], and the next two
	LogProbs           []float32
	UnfilteredLogProbs []float32
}

// Rollouts samples N completions of every start, in order. The rollouts of the i-th start depend
// on the weights, the seed and i alone.
func (p SamplingParams) Rollouts(ctx context.Context, m *LM, t coat.Template, starts iter.Seq[coat.Start]) iter.Seq2[Rollout, error] {
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
					if !yield(Rollout{Attempt: a, Prompt: requests[k].Prompt, Tokens: c.Tokens, LogProbs: c.LogProbs, UnfilteredLogProbs: c.UnfilteredLogProbs}, nil) {
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
				TopP: p.TopP, TopK: p.TopK, MinP: p.MinP, Seed: sampler.FoldIn(p.Seed, i)})
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

// all completes the requests.
func (p SamplingParams) all(ctx context.Context, m *LM, requests []Request) ([][]Completion, error) {
	if p.Sampler == nil {
		return m.SampleAll(ctx, requests)
	}
	return sampler.All(ctx, p.Sampler, requests)
}

// Collect gathers the values of a stream into a slice. It returns the stream's first error and no
// values.
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

// Response decodes sampled tokens without the token that ended them, where that is the EOS or
// another stop of the model. A stop of the request stays in the text, and so do meta-actions.
// Without a tokenizer the text is empty.
func (m *LM) Response(tokens []int32) string {
	if n := len(tokens); n > 0 && m.Config.Ends(tokens[n-1]) {
		tokens = tokens[:n-1]
	}
	if m.tokenizer == nil {
		return ""
	}
	return m.tokenizer.Decode(tokens)
}

// checkRequests returns an error for requests that the model cannot serve.
func (m *LM) checkRequests(requests []Request) error {
	if m.Config.Score {
		return network.ErrScalarHead
	}
	var faults []error
	for i, r := range requests {
		err := r.Check()
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
