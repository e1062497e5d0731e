package model

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/sampler"
)

const (
	lanes = 2  // batches in flight; requests are dealt to them by number
	slots = 64 // rows of a batch, at most
	// admit is how many rows a prefill takes in at a time, and how many have to be free
	// before one is worth its cost while others are busy.
	admit = 16
	// few is how many rows the last ones under way move into, when there are no more to come:
	// a batch in which most rows are idle costs as much as a full one.
	few = 16
	// chunk is how many tokens of a prompt one call reads, and extend of how many prompts
	// a call reads a further part: what such a call needs of memory is bounded by them.
	chunk  = 256
	extend = 4
	// window is how many tokens one call samples on XLA, where each call copies the
	// caches; the Go backend writes them in place and gains nothing from a loop.
	window = 16
	// room is how many positions the cache of a batch has at first. It doubles when a row
	// comes to its end, up to what the longest request may take: a step costs by its length,
	// and few completions are as long as they may be.
	room = 128
	// cacheBytes is what the cache of a batch may hold; long requests get fewer rows.
	cacheBytes = 1 << 30
)

// engine is the compiled half of a sampler. Its graphs depend on shapes alone.
type engine struct {
	once    sync.Once
	decode  func(filters) *device.Exec // compiled for the filters that are asked for
	prefill *device.Exec
	insert  *device.Exec
	extend  *device.Exec
	keep    func(slots int) *device.Exec
	grow    func(length int) *device.Exec
	window  int
	lanes   int // 0: lanes
	chunk   int // 0: chunk
	room    int // 0: room
}

func (e *engine) init(m *LM) {
	e.once.Do(func() {
		e.window = 1
		if device.IsXLA(m.Backend()) {
			e.window = window
		}
		e.lanes, e.chunk, e.room = cmp.Or(e.lanes, lanes), cmp.Or(e.chunk, chunk), cmp.Or(e.room, room)
		config := m.Config
		e.decode = func(f filters) *device.Exec {
			return device.Shared.Get(m.Backend(), config, fmt.Sprintf("decode %+v", f), decodeGraph(config, e.window, f))
		}
		e.prefill = device.Shared.Get(m.Backend(), config, "prefill", config.PrefillGraph)
		e.insert = device.Shared.Get(m.Backend(), config, "insert", config.InsertGraph)
		e.extend = device.Shared.Get(m.Backend(), config, "prefill further", config.ExtendGraph)
		e.keep = func(slots int) *device.Exec {
			return device.Shared.Get(m.Backend(), config, fmt.Sprint("keep rows of ", slots), decoder.KeepGraph(slots))
		}
		e.grow = func(length int) *device.Exec {
			return device.Shared.Get(m.Backend(), config, fmt.Sprint("grow to ", length), config.GrowGraph(length))
		}
	})
}

// A job is one completion to be made.
type job struct {
	Request
	request, n int // it is the n-th of requests[request]
	done       *Completion
}

// run makes the completions of requests, N each; report hears of what every call to the
// device added to them, from one goroutine a lane. A report's error ends it.
func (m *LM) run(ctx context.Context, requests []Request, done [][]Completion, report func([]Part) error) error {
	m.engine.init(m)
	var jobs []job
	length := 0
	var f filters
	for i, r := range requests {
		f.add(r)
		done[i] = make([]Completion, max(1, r.N))
		length = max(length, len(r.Prompt)+r.MaxTokens)
		for k := range done[i] {
			j := job{r, i, k, &done[i][k]}
			j.Seed = sampler.FoldIn(r.Seed, uint64(k))
			jobs = append(jobs, j)
		}
	}
	if len(jobs) == 0 {
		return context.Cause(ctx)
	}
	length = (length + 63) / 64 * 64
	count := m.engine.lanes
	rows := m.CallRows((len(jobs)+count-1)/count, slots)
	rows = max(1, min(rows, cacheBytes/cacheRow(m.Config, length)))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for k := range count {
		l := lane{m: m, most: length, jobs: jobs, next: k, filters: f, rows: make([]row, rows), report: report}
		group.Go(func() {
			if err := device.Guard(func() error { return l.run(ctx) }); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// cacheRow is how many bytes a row of a cache has.
func cacheRow(c Config, length int) int {
	total := 0
	for _, dims := range c.CacheDims(1, length, false) {
		size := 4
		for _, d := range dims {
			size *= d
		}
		total += size
	}
	return total
}

// A lane is one batch: rows over a cache of length positions, most at most.
type lane struct {
	m      *LM
	length int // 0: there is no cache yet
	most   int
	jobs   []job
	next   int // the next job of this lane
	filters
	report func([]Part) error

	rows  []row // slots; fewer of a large model
	cache []*Tensor
}

// A row is one job under way.
type row struct {
	job
	busy   bool
	unread []int32 // what is not in the cache yet of a long prompt
	tok    int32   // the last token, not yet in the cache
	pos    int32   // where it goes
	left   int32
	rng    *rand.Rand
}

func (l *lane) run(ctx context.Context) error {
	defer func() { device.Free(l.cache) }()
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		busy, unread := 0, 0
		for _, r := range l.rows {
			if r.busy {
				busy++
				if len(r.unread) > 0 {
					unread++
				}
			}
		}
		if l.next >= len(l.jobs) && unread == 0 && 0 < busy && busy <= few && few < len(l.rows) {
			if err := l.shrink(); err != nil {
				return err
			}
		}
		step := l.decode
		switch {
		case l.next < len(l.jobs) && (busy == 0 || len(l.rows)-busy >= l.admits()):
			step = l.admit
		case busy == 0:
			return nil
		case unread > 0:
			// A part of the long prompts, and then a step of the others.
			if err := l.extend(); err != nil {
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

// admits is how many rows a prefill takes in.
func (l *lane) admits() int { return min(admit, len(l.rows)) }

// admit fills free rows with the next requests: their prompts but for the last token,
// which is the first that decode takes.
func (l *lane) admit() error {
	slots, admit := len(l.rows), l.admits()
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
		last := len(r.Prompt) - 1
		n := min(last, l.m.engine.chunk)
		l.rows[s] = row{job: r, busy: true, unread: r.Prompt[n:last], tok: r.Prompt[last], pos: int32(last), left: int32(r.MaxTokens),
			rng: rand.New(rand.NewPCG(r.Seed, 0x5361746f7269))}
		source[s], taken[s], counts[len(prompts)] = int32(len(prompts)), 1, int32(n)
		prompts = append(prompts, r.Prompt[:n])
		longest = max(longest, n)
		l.next += l.m.engine.lanes
	}
	for len(prompts) < admit {
		prompts = append(prompts, nil)
	}
	if err := l.reserve(longest); err != nil {
		return err
	}
	width := l.m.Width(longest)
	in := []*Tensor{backend.Ints(network.PadRows(prompts, width), admit, width), backend.Ints(counts, admit)}
	where := []*Tensor{backend.Ints(source, slots), backend.Floats(taken, slots)}
	defer device.Free(in, where)
	read, err := l.m.engine.prefill.Call(l.m.Weights(), in)
	if err != nil {
		return err
	}
	defer device.Free(read)
	return l.change(l.m.engine.insert, where, read)
}

// reserve makes the cache at least n positions long.
func (l *lane) reserve(n int) error {
	if n <= l.length {
		return nil
	}
	length := max(l.length, l.m.engine.room)
	for length < n {
		length *= 2
	}
	l.length = min(length, l.most)
	if l.cache != nil {
		return l.change(l.m.engine.grow(l.length))
	}
	for _, dims := range l.m.Config.CacheDims(len(l.rows), l.length, decoder.KeysTransposed(l.m.Backend())) {
		size := 1
		for _, d := range dims {
			size *= d
		}
		l.cache = append(l.cache, backend.Floats(make([]float32, size), dims...))
	}
	return nil
}

// shrink moves the rows that are busy to a batch of few.
func (l *lane) shrink() error {
	rows, which := make([]row, few), make([]int32, few)
	slots, k := len(l.rows), 0
	for s, r := range l.rows {
		if r.busy {
			rows[k], which[k] = r, int32(s)
			k++
		}
	}
	l.rows = rows
	in := []*Tensor{backend.Ints(which, few)}
	defer device.Free(in)
	return l.change(l.m.engine.keep(slots), in)
}

// extend reads the next part of prompts that are not in the cache yet.
func (l *lane) extend() error {
	width := l.m.engine.chunk
	waiting := 0
	for _, r := range l.rows {
		if r.busy && len(r.unread) > 0 {
			waiting++
		}
	}
	size := l.m.CallRows(waiting, extend)
	parts, end := make([][]int32, size), 0
	start, count, slot := make([]int32, size), make([]int32, size), make([]int32, size)
	k := 0
	for s := range l.rows {
		r := &l.rows[s]
		if !r.busy || len(r.unread) == 0 || k == size {
			continue
		}
		n := min(len(r.unread), width)
		start[k], count[k], slot[k] = r.pos-int32(len(r.unread)), int32(n), int32(s)
		parts[k], r.unread = r.unread[:n], r.unread[n:]
		end = max(end, int(start[k])+n)
		k++
	}
	if err := l.reserve(end); err != nil {
		return err
	}
	in := []*Tensor{backend.Ints(network.PadRows(parts, width), size, width), backend.Ints(start, size), backend.Ints(count, size), backend.Ints(slot, size)}
	defer device.Free(in)
	return l.change(l.m.engine.extend, l.m.Weights(), in)
}

// change runs a graph that changes the cache alone.
func (l *lane) change(e *device.Exec, in ...[]*Tensor) error {
	out, err := e.CallDonating(l.cache, in...)
	l.cache = out
	return err
}

// decode samples up to window tokens for every row that has read its prompt.
func (l *lane) decode() error {
	window, slots := l.m.engine.window, len(l.rows)
	tok, pos, left := make([]int32, slots), make([]int32, slots), make([]int32, slots)
	temp, noise := make([]float32, slots), make([]float32, window*slots)
	limits := make([]float32, 3*slots)
	filtered, end := l.filters != (filters{}), 0
	for s := range l.rows {
		r := &l.rows[s]
		temp[s] = 1
		if !r.decodes() {
			continue
		}
		tok[s], pos[s], left[s] = r.tok, r.pos, r.left
		end = max(end, int(r.pos)+min(window, int(r.left)))
		temp[s] = float32(r.Temperature)
		limits[s], limits[slots+s], limits[2*slots+s] = limitsOf(r.Request)
		// One draw a token whatever the window, so that a token depends on its place in the
		// request's stream alone. What a row that ends early leaves over is never used.
		for k := range min(window, int(r.left)) {
			noise[k*slots+s] = r.rng.Float32()
		}
	}
	if err := l.reserve(end); err != nil {
		return err
	}
	in := []*Tensor{backend.Ints(tok, slots), backend.Ints(pos, slots), backend.Ints(left, slots), backend.Floats(temp, slots), backend.Floats(noise, window, slots)}
	if filtered {
		in = append(in, backend.Floats(limits, 3, slots))
	}
	defer device.Free(in)
	out, err := l.m.engine.decode(l.filters).CallDonating(l.cache, l.m.Weights(), in)
	l.cache = nil
	if err != nil {
		return err
	}
	toks, plain := device.Take[int32](out[0]), device.Take[float32](out[1])
	var kept []float32
	l.cache = out[2:]
	if filtered {
		kept, l.cache = device.Take[float32](out[2]), out[3:]
	}
	var parts []Part
	for s := range l.rows {
		r := &l.rows[s]
		if !r.decodes() {
			continue
		}
		c, had := r.done, len(r.done.Tokens)
		for k := 0; k < window && r.busy; k++ {
			t, at := toks[k*slots+s], k*slots+s
			c.Tokens = append(c.Tokens, t)
			if r.Filters() {
				c.LogProbs, c.UnfilteredLogProbs = append(c.LogProbs, kept[at]), append(c.UnfilteredLogProbs, plain[at])
			} else {
				c.LogProbs = append(c.LogProbs, plain[at])
			}
			r.tok, r.pos, r.left = t, r.pos+1, r.left-1
			ended := l.m.Config.Ends(t) || r.Stops(t)
			r.busy = !ended && r.left > 0
			c.Truncated = !ended
		}
		parts = append(parts, r.part(had))
	}
	return l.report(parts)
}

// decodes tells whether a row takes part in decoding.
func (r *row) decodes() bool { return r.busy && len(r.unread) == 0 }
