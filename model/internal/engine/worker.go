package engine

import (
	"context"
	"math/rand/v2"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/buckets"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/sampler"
)

// A worker runs one batch: rows over a KV cache that grows up to the longest request.
type worker struct {
	*Engine
	graphs
	length  int // positions of the cache; 0: there is no cache yet
	longest int // the most positions that it may need
	jobs    []job
	next    int // the next job of this worker
	filters
	report func([]sampler.Part) error

	rows  []row // maxRows; fewer of a large model
	cache []*backend.Tensor
}

// A row is one job under way.
type row struct {
	job
	busy     bool
	unread   []int32 // tokens of a long prompt that are not in the cache yet
	token    int32   // the last token, not yet in the cache
	position int32   // where it goes
	left     int32   // tokens still to sample
	rng      *rand.Rand
}

// decodes reports whether a row takes part in decoding.
func (r *row) decodes() bool { return r.busy && len(r.unread) == 0 }

// run works until all jobs of the worker have ended.
func (w *worker) run(ctx context.Context) error {
	defer func() { device.Free(w.cache) }()
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		busy, unread := 0, 0
		for _, r := range w.rows {
			if r.busy {
				busy++
				if len(r.unread) > 0 {
					unread++
				}
			}
		}
		if w.next >= len(w.jobs) && unread == 0 && 0 < busy && busy <= compactRows && compactRows < len(w.rows) {
			if err := w.compact(); err != nil {
				return err
			}
		}
		step := w.sample
		switch {
		case w.next < len(w.jobs) && (busy == 0 || len(w.rows)-busy >= w.admits()):
			step = w.admit
		case busy == 0:
			return nil
		case unread > 0:
			// A chunk of the long prompts, and then a step of the other rows.
			if err := w.readChunk(); err != nil {
				return err
			}
			if err := context.Cause(ctx); err != nil || unread == busy {
				continue
			}
		}
		if err := step(); err != nil {
			return err
		}
	}
}

// admits returns how many prompts a prefill takes.
func (w *worker) admits() int { return min(admission, len(w.rows)) }

// admit fills free rows with the next jobs: it reads their prompts but for the last token, which
// is the first that decoding takes.
func (w *worker) admit() error {
	rows, admits := len(w.rows), w.admits()
	var prompts [][]int32
	counts := make([]int32, admits) // prompt tokens that go into the cache
	source := make([]int32, rows)   // which prompt a row takes
	taken := make([]float32, rows)  // 1: the row takes one
	longest := 1
	for s := range w.rows {
		if w.rows[s].busy || w.next >= len(w.jobs) || len(prompts) == admits {
			continue
		}
		j := w.jobs[w.next]
		last := len(j.Prompt) - 1
		n := min(last, w.chunkTokens)
		w.rows[s] = row{job: j, busy: true, unread: j.Prompt[n:last], token: j.Prompt[last], position: int32(last), left: int32(j.MaxTokens),
			rng: rand.New(rand.NewPCG(j.Seed, 0x5361746f7269))}
		source[s], taken[s], counts[len(prompts)] = int32(len(prompts)), 1, int32(n)
		prompts = append(prompts, j.Prompt[:n])
		longest = max(longest, n)
		w.next += w.workers
	}
	for len(prompts) < admits {
		prompts = append(prompts, nil)
	}
	if err := w.reserve(longest); err != nil {
		return err
	}
	seq := buckets.Length(w.net.Backend(), longest)
	in := []*backend.Tensor{backend.Ints(buckets.Pad(prompts, seq), admits, seq), backend.Ints(counts, admits)}
	where := []*backend.Tensor{backend.Ints(source, rows), backend.Floats(taken, rows)}
	defer device.Free(in, where)
	read, err := w.prefill.Call(w.net.Weights(), in)
	if err != nil {
		return err
	}
	defer device.Free(read)
	return w.changeCache(w.insert, where, read)
}

// reserve makes the cache at least n positions long.
func (w *worker) reserve(n int) error {
	if n <= w.length {
		return nil
	}
	length := max(w.length, w.initialLength)
	for length < n {
		length *= 2
	}
	w.length = min(length, w.longest)
	if w.cache != nil {
		return w.changeCache(w.growGraph(w.length))
	}
	for _, dims := range w.net.Config.CacheDims(w.net.Backend(), len(w.rows), w.length) {
		size := 1
		for _, d := range dims {
			size *= d
		}
		w.cache = append(w.cache, backend.Floats(make([]float32, size), dims...))
	}
	return nil
}

// compact moves the busy rows to a batch of compactRows.
func (w *worker) compact() error {
	rows, which := make([]row, compactRows), make([]int32, compactRows)
	old, k := len(w.rows), 0
	for s, r := range w.rows {
		if r.busy {
			rows[k], which[k] = r, int32(s)
			k++
		}
	}
	w.rows = rows
	in := []*backend.Tensor{backend.Ints(which, compactRows)}
	defer device.Free(in)
	return w.changeCache(w.gatherGraph(old), in)
}

// readChunk reads the next chunk of prompts that are not whole in the cache.
func (w *worker) readChunk() error {
	seq := w.chunkTokens
	waiting := 0
	for _, r := range w.rows {
		if r.busy && len(r.unread) > 0 {
			waiting++
		}
	}
	size := buckets.Rows(w.net.Parameters(), waiting, chunkPrompts)
	chunks, end := make([][]int32, size), 0
	start, count, at := make([]int32, size), make([]int32, size), make([]int32, size)
	k := 0
	for s := range w.rows {
		r := &w.rows[s]
		if !r.busy || len(r.unread) == 0 || k == size {
			continue
		}
		n := min(len(r.unread), seq)
		start[k], count[k], at[k] = r.position-int32(len(r.unread)), int32(n), int32(s)
		chunks[k], r.unread = r.unread[:n], r.unread[n:]
		end = max(end, int(start[k])+n)
		k++
	}
	if err := w.reserve(end); err != nil {
		return err
	}
	in := []*backend.Tensor{backend.Ints(buckets.Pad(chunks, seq), size, seq),
		backend.Ints(start, size), backend.Ints(count, size), backend.Ints(at, size)}
	defer device.Free(in)
	return w.changeCache(w.extend, w.net.Weights(), in)
}

// changeCache runs a graph that changes the cache alone.
func (w *worker) changeCache(e *device.Exec, in ...[]*backend.Tensor) error {
	out, err := e.CallDonating(w.cache, in...)
	w.cache = out
	return err
}

// sample samples up to window tokens for every row that has read its prompt.
func (w *worker) sample() error {
	window, rows := w.window, len(w.rows)
	tokens, positions, left := make([]int32, rows), make([]int32, rows), make([]int32, rows)
	temperature, noise := make([]float32, rows), make([]float32, window*rows)
	limits := make([]float32, 3*rows)
	filtered, end := w.filters != (filters{}), 0
	for s := range w.rows {
		r := &w.rows[s]
		temperature[s] = 1
		if !r.decodes() {
			continue
		}
		tokens[s], positions[s], left[s] = r.token, r.position, r.left
		end = max(end, int(r.position)+min(window, int(r.left)))
		temperature[s] = float32(r.Temperature)
		limits[s], limits[rows+s], limits[2*rows+s] = filterLimits(r.Request)
		// One number a token whatever the window, so that a token depends on its place in the
		// request's stream alone. What a row that ends early leaves over is never used.
		for k := range min(window, int(r.left)) {
			noise[k*rows+s] = r.rng.Float32()
		}
	}
	if err := w.reserve(end); err != nil {
		return err
	}
	in := []*backend.Tensor{backend.Ints(tokens, rows), backend.Ints(positions, rows), backend.Ints(left, rows),
		backend.Floats(temperature, rows), backend.Floats(noise, window, rows)}
	if filtered {
		in = append(in, backend.Floats(limits, 3, rows))
	}
	defer device.Free(in)
	out, err := w.decode.CallDonating(w.cache, w.net.Weights(), in)
	w.cache = nil
	if err != nil {
		return err
	}
	sampled, unfiltered := device.Take[int32](out[0]), device.Take[float32](out[1])
	var afterFilters []float32
	w.cache = out[2:]
	if filtered {
		afterFilters, w.cache = device.Take[float32](out[2]), out[3:]
	}
	return w.report(w.take(sampled, unfiltered, afterFilters))
}

// take gives the rows their tokens, [window][rows], with log-probabilities before and after
// filters.
func (w *worker) take(sampled []int32, unfiltered, afterFilters []float32) (parts []sampler.Part) {
	rows := len(w.rows)
	for s := range w.rows {
		r := &w.rows[s]
		if !r.decodes() {
			continue
		}
		c, had := r.done, len(r.done.Tokens)
		for k := 0; k < w.window && r.busy; k++ {
			token, at := sampled[k*rows+s], k*rows+s
			c.Tokens = append(c.Tokens, token)
			if r.Filters() {
				c.LogProbs, c.UnfilteredLogProbs = append(c.LogProbs, afterFilters[at]), append(c.UnfilteredLogProbs, unfiltered[at])
			} else {
				c.LogProbs = append(c.LogProbs, unfiltered[at])
			}
			r.token, r.position, r.left = token, r.position+1, r.left-1
			ended := w.net.Config.Ends(token) || r.Stops(token)
			r.busy = !ended && r.left > 0
			c.Truncated = !ended
		}
		parts = append(parts, r.part(had))
	}
	return parts
}
