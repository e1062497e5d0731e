package model

import (
	"context"
	"fmt"
	"iter"
	"slices"
)

// A Part is what was added to a completion, or all of it.
type Part struct {
	Request int // whose: of the N-th completion of requests[Request]
	N       int
	Completion
	Done bool // the completion has ended; before that, Truncated says nothing
}

// part is what a row's completion has beyond its first had tokens.
func (r *row) part(had int) Part {
	c := *r.done
	// Clipped: what a caller appends to a part must not land in the completion.
	c.Tokens, c.LogProbs = slices.Clip(c.Tokens[had:]), slices.Clip(c.LogProbs[had:])
	if c.UnfilteredLogProbs != nil {
		c.UnfilteredLogProbs = slices.Clip(c.UnfilteredLogProbs[had:])
	}
	return Part{r.request, r.n, c, !r.busy}
}

// Sample completes one request. It is the method of a [Sampler].
func (m *LM) Sample(ctx context.Context, r Request) ([]Completion, error) {
	all, err := m.SampleAll(ctx, []Request{r})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// SampleAll completes many requests by continuous batching: a row that has ended makes
// room for the next, and long prompts are read in parts, between which the others go on.
// Cancelling ctx stops it within one call to the device. Memory is bounded: by a cache of
// 1 GB a batch, or one row, however many requests there are, and by parts of 256 tokens.
//
// Completions are dealt to two batches that run side by side, by their number, so that
// nothing depends on timing: the same requests give the same bytes.
func (m *LM) SampleAll(ctx context.Context, requests []Request) ([][]Completion, error) {
	done := make([][]Completion, len(requests))
	err := m.checkRequests(requests)
	if err == nil {
		err = m.run(ctx, requests, done, func([]Part) error { return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("model: sample: %w", err)
	}
	return done, nil
}

// Stream is [LM.SampleAll] that gives the tokens as they are made: on XLA up to 16 of a
// completion at a time, on Go one by one. The parts of a completion come in order, those
// of several in no certain one. An error is the last thing that it yields. A caller that
// leaves the loop stops the work within one call to the device; nothing goes on after it.
func (m *LM) Stream(ctx context.Context, requests []Request) iter.Seq2[Part, error] {
	return m.parts(ctx, requests, make([][]Completion, len(requests)))
}

// AsFinished is [LM.SampleAll] that gives each completion whole, when it has ended.
func (m *LM) AsFinished(ctx context.Context, requests []Request) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		done := make([][]Completion, len(requests))
		for p, err := range m.parts(ctx, requests, done) {
			if err == nil && !p.Done {
				continue
			}
			if err == nil {
				p.Completion = done[p.Request][p.N]
				done[p.Request][p.N] = Completion{}
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// InOrder is [LM.SampleAll] that gives the completions of each request in the order of
// the requests, as soon as those before it have been given.
func (m *LM) InOrder(ctx context.Context, requests []Request) iter.Seq2[[]Completion, error] {
	return func(yield func([]Completion, error) bool) {
		done := make([][]Completion, len(requests))
		ended := make([]int, len(requests))
		next := 0
		for p, err := range m.parts(ctx, requests, done) {
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

// parts runs requests and yields what each call to the device adds to done.
func (m *LM) parts(ctx context.Context, requests []Request, done [][]Completion) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		if err := m.checkRequests(requests); err != nil {
			yield(Part{}, fmt.Errorf("model: sample: %w", err))
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		lists := make(chan []Part)
		var failed error
		go func() {
			defer close(lists)
			failed = m.run(ctx, requests, done, func(list []Part) error {
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
			for range lists { // until the last lane has ended
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
			yield(Part{}, fmt.Errorf("model: sample: %w", failed))
		}
	}
}
