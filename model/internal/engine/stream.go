package engine

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/satori-go/satori/model/sampler"
)

// part returns what a row's completion has beyond its first had tokens.
func (r *row) part(had int) sampler.Part {
	c := *r.done
	// Clipped: what a caller appends to a part must not land in the completion.
	c.Tokens, c.LogProbs = slices.Clip(c.Tokens[had:]), slices.Clip(c.LogProbs[had:])
	if c.UnfilteredLogProbs != nil {
		c.UnfilteredLogProbs = slices.Clip(c.UnfilteredLogProbs[had:])
	}
	return sampler.Part{Request: r.request, N: r.n, Completion: c, Done: !r.busy}
}

// SampleAll completes the requests and returns the completions of each.
//
// A row that has ended takes the next prompt at once, and long prompts are read in chunks,
// between which the other rows decode. Cancelling ctx stops the work within one call to the
// device. Memory is bounded, however many requests there are: by a cache of 1 GiB a batch (or
// one row, if that is longer), and by chunks of 256 tokens.
func (e *Engine) SampleAll(ctx context.Context, requests []sampler.Request) ([][]sampler.Completion, error) {
	done := make([][]sampler.Completion, len(requests))
	err := e.check(requests)
	if err == nil {
		err = e.run(ctx, requests, done, func([]sampler.Part) error { return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("model: sample: %w", err)
	}
	return done, nil
}

// Stream completes the requests and yields tokens as they are sampled: up to 16 of a completion
// at a time on XLA, one by one on Go. The parts of one completion come in order, those of
// several completions in no fixed order. An error is the last thing that it yields. A caller
// that leaves the loop stops the work within one call to the device, and no goroutine stays.
func (e *Engine) Stream(ctx context.Context, requests []sampler.Request) iter.Seq2[sampler.Part, error] {
	return e.parts(ctx, requests, make([][]sampler.Completion, len(requests)))
}

// AsCompleted completes the requests and yields each completion whole, when it has ended.
func (e *Engine) AsCompleted(ctx context.Context, requests []sampler.Request) iter.Seq2[sampler.Part, error] {
	return func(yield func(sampler.Part, error) bool) {
		done := make([][]sampler.Completion, len(requests))
		for p, err := range e.parts(ctx, requests, done) {
			if err == nil && !p.Done {
				continue
			}
			if err == nil {
				p.Completion = done[p.Request][p.N]
				done[p.Request][p.N] = sampler.Completion{}
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// InOrder completes the requests and yields the completions of each, in the order of the
// requests, as soon as those before it have been yielded.
func (e *Engine) InOrder(ctx context.Context, requests []sampler.Request) iter.Seq2[[]sampler.Completion, error] {
	return func(yield func([]sampler.Completion, error) bool) {
		done := make([][]sampler.Completion, len(requests))
		ended := make([]int, len(requests))
		next := 0
		for p, err := range e.parts(ctx, requests, done) {
			if err != nil {
				yield(nil, err)
				return
			}
			if p.Done {
				ended[p.Request]++
			}
			for ; next < len(requests) && ended[next] == max(1, requests[next].N); next++ {
				if !yield(done[next], nil) {
					return
				}
				done[next] = nil
			}
		}
	}
}

// parts completes requests and yields what each call to the device adds to done.
func (e *Engine) parts(ctx context.Context, requests []sampler.Request, done [][]sampler.Completion) iter.Seq2[sampler.Part, error] {
	return func(yield func(sampler.Part, error) bool) {
		if err := e.check(requests); err != nil {
			yield(sampler.Part{}, fmt.Errorf("model: sample: %w", err))
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		lists := make(chan []sampler.Part)
		var failed error
		go func() {
			defer close(lists)
			failed = e.run(ctx, requests, done, func(list []sampler.Part) error {
				select {
				case lists <- list:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
		}()
		defer func() {
			cancel()
			for range lists { // until the last worker has ended
			}
		}()
		for list := range lists {
			for _, p := range list {
				if !yield(p, nil) {
					return
				}
			}
		}
		if failed != nil {
			yield(sampler.Part{}, fmt.Errorf("model: sample: %w", failed))
		}
	}
}
