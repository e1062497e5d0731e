package model

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
)

const (
	lanes = 2  // batches in flight; requests are dealt to them by number
	slots = 64 // rows of a batch, at most
	// admit is how many rows a prefill takes in at a time, and how many have to be free
	// before one is worth its cost while others are busy.
	admit = 16
	// window is how many tokens one call samples on XLA, where each call copies the
	// caches; the Go backend writes them in place and gains nothing from a loop.
	window = 16
)

// engine is the compiled half of a sampler. Its graphs depend on shapes alone.
type engine struct {
	once   sync.Once
	decode *exec
	insert *exec
	window int
}

func (e *engine) init(m *LM) {
	e.once.Do(func() {
		e.window = 1
		if isXLA(m.backend) {
			e.window = window
		}
		config := m.Config
		e.decode = shared.get(m.backend, config, "decode", config.decodeGraph(e.window))
		e.insert = shared.get(m.backend, config, "prefill", config.insertGraph)
	})
}

// Sample completes one request.
func (m *LM) Sample(ctx context.Context, r Request) ([]Completion, error) {
	all, err := m.SampleAll(ctx, []Request{r})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// A job is one completion to be made.
type job struct {
	Request
	done *Completion
}

// SampleAll completes many requests by continuous batching: a row that has ended makes
// room for the next. Cancelling ctx stops it within one call to the device.
//
// Completions are dealt to two batches that run side by side, by their number, so that
// nothing depends on timing: the same requests give the same bytes.
func (m *LM) SampleAll(ctx context.Context, requests []Request) ([][]Completion, error) {
	if err := m.checkRequests(requests); err != nil {
		return nil, fmt.Errorf("model: sample: %w", err)
	}
	m.engine.init(m)
	done := make([][]Completion, len(requests))
	var jobs []job
	length := 0
	for i, r := range requests {
		done[i] = make([]Completion, max(1, r.N))
		length = max(length, len(r.Prompt)+r.MaxTokens)
		for k := range done[i] {
			j := job{r, &done[i][k]}
			j.Seed = Mix(r.Seed, uint64(k))
			jobs = append(jobs, j)
		}
	}
	length = (length + 63) / 64 * 64
	rows := m.callRows((len(jobs)+lanes-1)/lanes, slots)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for k := range lanes {
		l := lane{m: m, length: length, jobs: jobs, next: k, rows: make([]row, rows)}
		group.Go(func() {
			if err := l.run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("model: sample: %w", err)
	}
	return done, nil
}

// A lane is one batch: rows over a cache of length positions.
type lane struct {
	m      *LM
	length int
	jobs   []job
	next   int // the next job of this lane

	rows  []row // slots; fewer of a large model
	cache []*Tensor
}

// A row is one job under way.
type row struct {
	job
	busy bool
	tok  int32 // the last token, not yet in the cache
	pos  int32 // where it goes
	left int32
	rng  *rand.Rand
}

func (l *lane) run(ctx context.Context) error {
	defer func() { free(l.cache) }()
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		busy := 0
		for _, r := range l.rows {
			if r.busy {
				busy++
			}
		}
		if l.next < len(l.jobs) && (busy == 0 || len(l.rows)-busy >= l.admits()) {
			if err := l.admit(); err != nil {
				return err
			}
			continue
		}
		if busy == 0 {
			return nil
		}
		if err := l.decode(); err != nil {
			return err
		}
	}
}

// admits is how many rows a prefill takes in.
func (l *lane) admits() int { return min(admit, len(l.rows)) }

// admit fills free rows with the next requests: their prompts but for the last token,
// which is the first that decode takes.
func (l *lane) admit() error {
	slots, admit := len(l.rows), l.admits()
	if l.cache == nil {
		for _, dims := range l.m.Config.cacheDims(slots, l.length) {
			size := 1
			for _, d := range dims {
				size *= d
			}
			l.cache = append(l.cache, Floats(make([]float32, size), dims...))
		}
	}
	var prompts [][]int32
	counts := make([]int32, admit)  // prompt tokens that go into the cache
	source := make([]int32, slots)  // which admitted row a slot takes
	taken := make([]float32, slots) // 1: the slot takes one
	longest := 1
	for s := range l.rows {
		if l.rows[s].busy || l.next >= len(l.jobs) || len(prompts) == admit {
			continue
		}
		r := l.jobs[l.next]
		n := len(r.Prompt) - 1
		l.rows[s] = row{job: r, busy: true, tok: r.Prompt[n], pos: int32(n), left: int32(r.MaxTokens),
			rng: rand.New(rand.NewPCG(r.Seed, 0x5361746f7269))}
		source[s], taken[s], counts[len(prompts)] = int32(len(prompts)), 1, int32(n)
		prompts = append(prompts, r.Prompt[:n])
		longest = max(longest, n)
		l.next += lanes
	}
	for len(prompts) < admit {
		prompts = append(prompts, nil)
	}
	width := min((longest+31)/32*32, l.length)
	in := []*Tensor{
		Ints(PadRows(prompts, width), admit, width), Ints(counts, admit), Ints(source, slots), Floats(taken, slots),
	}
	defer free(in)
	out, err := l.m.engine.insert.callDonating(l.cache, l.m.weights, in)
	l.cache = out
	return err
}

// decode samples up to window tokens for every busy row.
func (l *lane) decode() error {
	window, slots := l.m.engine.window, len(l.rows)
	tok, pos, left := make([]int32, slots), make([]int32, slots), make([]int32, slots)
	temp, noise := make([]float32, slots), make([]float32, window*slots)
	for s := range l.rows {
		r := &l.rows[s]
		temp[s] = 1
		if !r.busy {
			continue
		}
		tok[s], pos[s], left[s] = r.tok, r.pos, r.left
		temp[s] = float32(r.Temperature)
		// One draw a token whatever the window, so that a token depends on its place in the
		// request's stream alone. What a row that ends early leaves over is never used.
		for k := range min(window, int(r.left)) {
			noise[k*slots+s] = r.rng.Float32()
		}
	}
	in := []*Tensor{Ints(tok, slots), Ints(pos, slots), Ints(left, slots), Floats(temp, slots), Floats(noise, window, slots)}
	defer free(in)
	out, err := l.m.engine.decode.callDonating(l.cache, l.m.weights, in)
	l.cache = nil
	if err != nil {
		return err
	}
	toks, logps := flat[int32](out[0]), flat[float32](out[1])
	l.cache = out[2:]
	for s := range l.rows {
		r := &l.rows[s]
		if !r.busy {
			continue
		}
		c := r.done
		for k := 0; k < window && r.busy; k++ {
			t := toks[k*slots+s]
			c.Tokens = append(c.Tokens, t)
			c.LogProbs = append(c.LogProbs, logps[k*slots+s])
			r.tok, r.pos, r.left = t, r.pos+1, r.left-1
			ended := l.m.Config.ends(t)
			r.busy = !ended && r.left > 0
			c.Truncated = !ended
		}
	}
	return nil
}
