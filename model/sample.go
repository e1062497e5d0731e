package model

import (
	"cmp"
	"context"
	"iter"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/internal/engine"
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
					if !yield(Rollout{Attempt: a, Prompt: requests[k].Prompt, Tokens: c.Tokens, LogProbs: c.LogProbs,
						UnfilteredLogProbs: c.UnfilteredLogProbs}, nil) {
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

// A Part is a part of a completion that [LM.Stream] yields, or all of it.
type Part = sampler.Part

// Sample completes one request. It is the method of a [Sampler].
func (m *LM) Sample(ctx context.Context, r Request) ([]Completion, error) {
	all, err := m.SampleAll(ctx, []Request{r})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// SampleAll completes many requests together and returns the completions of each. A row of the
// batch that has ended takes the next request at once, and long prompts are read in chunks.
// Cancelling ctx stops the work within one call to the device. Memory is bounded, however many
// requests there are: by a cache of 1 GiB for each of two batches (or one row, if that is
// longer).
//
// The same requests give the same tokens, and the same bytes on one backend.
func (m *LM) SampleAll(ctx context.Context, requests []Request) ([][]Completion, error) {
	return engine.New(m.Net).SampleAll(ctx, requests)
}

// Stream completes many requests and yields tokens as they are sampled: up to 16 of a
// completion at a time on XLA, one by one on Go. The parts of one completion come in order. An
// error is the last thing that it yields. A caller that leaves the loop stops the work.
func (m *LM) Stream(ctx context.Context, requests []Request) iter.Seq2[Part, error] {
	return engine.New(m.Net).Stream(ctx, requests)
}

// AsCompleted completes many requests and yields each completion whole, when it has ended.
func (m *LM) AsCompleted(ctx context.Context, requests []Request) iter.Seq2[Part, error] {
	return engine.New(m.Net).AsCompleted(ctx, requests)
}

// InOrder completes many requests and yields the completions of each in the order of the
// requests, as soon as those before it have been yielded.
func (m *LM) InOrder(ctx context.Context, requests []Request) iter.Seq2[[]Completion, error] {
	return engine.New(m.Net).InOrder(ctx, requests)
}
