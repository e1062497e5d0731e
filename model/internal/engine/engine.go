// Package engine samples from a network by continuous batching.
//
//   - an [Engine] completes requests; [Engine.SampleAll] returns the completions,
//     [Engine.Stream], [Engine.AsCompleted] and [Engine.InOrder] yield them as they come;
//   - a worker runs one batch of rows over a KV cache: it admits prompts into free rows, reads
//     long prompts in chunks, and decodes one or several tokens a call;
//   - a [sampler.Part] says what a call to the device added to a completion.
//
// It knows no files, no tokenizer and no loss.
//
// # Determinism
//
// Requests go to the workers by their number, and the random numbers of a completion come from
// its own seed, one a token. So the same requests give the same tokens, whatever shares the
// batch, how many workers there are, and which backend runs them.
package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/buckets"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/sampler"
)

const (
	// workers is the number of batches that run side by side.
	workers = 2
	// maxRows is the most rows of a batch.
	maxRows = 64
	// admission is how many prompts enter a batch at a time, and how many rows have to be free
	// for that while others are busy: a prefill costs about as much for one prompt as for all.
	admission = 16
	// compactRows is how many rows a batch has when no more requests are to come and so few are
	// left: a batch of idle rows costs as much as a full one.
	compactRows = 16
	// chunkTokens is how many tokens of a prompt a call reads, and chunkPrompts how many prompts a
	// call of further chunks takes. They bound the memory of a call.
	chunkTokens  = 256
	chunkPrompts = 4
	// xlaWindow is how many tokens a call samples on XLA, where each call copies the caches. The
	// Go backend writes caches in place and gains nothing from a loop.
	xlaWindow = 16
	// initialLength is how many positions a cache has at first. It doubles when a row needs more,
	// up to what the longest request may take: a step costs by the length of the cache, and few
	// completions are as long as they may be.
	initialLength = 128
	// cacheBytes bounds the cache of a batch: 1 GiB. Long requests get fewer rows.
	cacheBytes = 1 << 30
)

// An Engine completes requests over a network. Several goroutines may use it at a time, but not
// while the network is trained.
type Engine struct {
	net           *network.Net
	workers       int // batches side by side
	chunkTokens   int // tokens of a prompt that a call reads
	initialLength int // positions of a cache at first
	window        int // tokens that a call samples
}

// New makes an engine over a network. It compiles nothing.
func New(n *network.Net) *Engine {
	e := &Engine{net: n, workers: workers, chunkTokens: chunkTokens, initialLength: initialLength, window: 1}
	if device.IsXLA(n.Backend()) {
		e.window = xlaWindow
	}
	return e
}

// graph returns a compiled graph of the network's decoder, shared with all engines of the same
// configuration.
func (e *Engine) graph(name string, build func(in []*Node) []*Node) *device.Exec {
	return device.Shared.Get(e.net.Backend(), e.net.Config, name, build)
}

// A job is one completion to be made.
type job struct {
	sampler.Request
	request, n int // it is the n-th of requests[request]
	done       *sampler.Completion
}

// run makes the completions of requests, N each. Each worker calls report with what a call to
// the device added to them; an error of report ends the run.
func (e *Engine) run(
	ctx context.Context, requests []sampler.Request, done [][]sampler.Completion, report func([]sampler.Part) error,
) error {
	var jobs []job
	longest := 0
	var f filters
	for i, r := range requests {
		f.add(r)
		done[i] = make([]sampler.Completion, max(1, r.N))
		longest = max(longest, len(r.Prompt)+r.MaxTokens)
		for k := range done[i] {
			j := job{r, i, k, &done[i][k]}
			j.Seed = sampler.FoldIn(r.Seed, uint64(k))
			jobs = append(jobs, j)
		}
	}
	if len(jobs) == 0 {
		return context.Cause(ctx)
	}
	longest = (longest + 63) / 64 * 64
	rows := buckets.Rows(e.net.Parameters(), (len(jobs)+e.workers-1)/e.workers, maxRows)
	rows = max(1, min(rows, cacheBytes/e.net.Config.CacheRowBytes(longest)))
	g := e.graphs(f)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for k := range e.workers {
		w := worker{Engine: e, graphs: g, longest: longest, jobs: jobs, next: k, filters: f, rows: make([]row, rows), report: report}
		group.Go(func() {
			if err := device.Guard(func() error { return w.run(ctx) }); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// check reports requests that the network cannot serve.
func (e *Engine) check(requests []sampler.Request) error {
	c := e.net.Config
	if !c.HasHead(decoder.HeadLM) {
		return network.ErrNoLMHead
	}
	var faults []error
	for i, r := range requests {
		err := r.Check()
		if err == nil && r.MaxTokens > c.MaxPositions-len(r.Prompt) {
			err = fmt.Errorf("a prompt of %d and %d new tokens do not fit into max_position_embeddings %d",
				len(r.Prompt), r.MaxTokens, c.MaxPositions)
		}
		if k := slices.IndexFunc(r.Prompt, func(id int32) bool { return id < 0 || int(id) >= c.VocabSize }); err == nil && k >= 0 {
			err = fmt.Errorf("the prompt has id %d, outside the vocabulary of %d", r.Prompt[k], c.VocabSize)
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
