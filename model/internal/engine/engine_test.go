package engine

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/buckets"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/sampler"
)

// settings are those that keep few and many of the small model's 23 tokens.
var settings = []sampler.Request{
	{TopP: 0.5}, {TopP: 0.9}, {TopP: 1}, {TopK: 1}, {TopK: 5}, {TopK: 100}, {MinP: 0.2}, {MinP: 1},
	{TopP: 0.7, TopK: 8}, {TopP: 0.95, MinP: 0.05}, {TopK: 12, TopP: 0.8, MinP: 0.1}, {},
}

// truncated is keep by sorting, in float64, on the definition in words: the probability of
// each token after the filters.
func truncated(logp []float64, r sampler.Request) []float64 {
	order := make([]int, len(logp))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if logp[a] > logp[b] {
			return -1
		}
		return 1
	})
	p := make([]float64, len(logp))
	for i, l := range logp {
		p[i] = math.Exp(l)
	}
	n := len(order)
	grow := func() { // equals stay together
		for n < len(order) && logp[order[n]] == logp[order[n-1]] {
			n++
		}
	}
	sum := func(n int) (s float64) {
		for _, i := range order[:n] {
			s += p[i]
		}
		return s
	}
	if r.TopK > 0 && r.TopK < n {
		n = r.TopK
		grow()
	}
	if r.TopP > 0 && r.TopP < 1 {
		total, k := sum(n), 1
		for sum(k) < r.TopP*total {
			k++
		}
		n = k
		grow()
	}
	for n > 1 && p[order[n-1]] < r.MinP*p[order[0]] {
		n--
	}
	total := sum(n)
	out := make([]float64, len(logp))
	for _, i := range order[:n] {
		out[i] = p[i] / total
	}
	return out
}

// The filters of the graph are those of sorting, for random distributions, flat and
// peaked, and with ties.
func TestKeepIsExact(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		run := device.New(b, "keep", func(in []*Node) []*Node {
			return []*Node{ConvertDType(filterMask(LogSoftmax(in[0], -1), in[1], filters{true, true, true}), device.Float32), LogSoftmax(in[0], -1)}
		})
		rng := rand.New(rand.NewPCG(3, 4))
		const batch, vocab = 64, 301
		for range 4 {
			logits, limits := make([]float32, batch*vocab), make([]float32, 3*batch)
			asked := make([]sampler.Request, batch)
			for i := range batch {
				spread := math.Exp(3*rng.Float64() - 1)
				for v := range vocab {
					x := rng.NormFloat64() * spread
					if i%4 == 0 {
						x = math.Round(2*x) / 2 // ties
					}
					logits[i*vocab+v] = float32(x)
				}
				r := sampler.Request{Temperature: 1}
				if rng.IntN(2) == 0 {
					r.TopK = 1 + rng.IntN(vocab)
				}
				if rng.IntN(2) == 0 {
					r.TopP = rng.Float64()
				}
				if rng.IntN(2) == 0 {
					r.MinP = rng.Float64() * rng.Float64()
				}
				asked[i] = r
				limits[i], limits[batch+i], limits[2*batch+i] = filterLimits(r)
			}
			in := []*backend.Tensor{backend.Floats(logits, batch, vocab), backend.Floats(limits, 3, batch)}
			out, err := run.Call(in)
			require.NoError(t, err)
			got, all := device.Take[float32](out[0]), device.Take[float32](out[1])
			device.Free(in)
			for i, r := range asked {
				// The graph's own log-probabilities, so that ties are ties for both.
				logp := make([]float64, vocab)
				for v := range vocab {
					logp[v] = float64(all[i*vocab+v])
				}
				want := truncated(logp, r)
				for v := range vocab {
					if (got[i*vocab+v] == 1) != (want[v] > 0) {
						t.Fatalf("row %d, %+v: token %d (log-probability %g) is kept: %g, by sorting: %t", i, r, v, logp[v], got[i*vocab+v], want[v] > 0)
					}
				}
			}
		}
	})
}

// crowd are requests with all filters, temperatures, lengths and stops, some greedy.
func crowd(n int) []sampler.Request {
	requests := randomRequests(n, 1)
	for i := range requests {
		f := settings[i%len(settings)]
		r := &requests[i]
		r.TopK, r.TopP, r.MinP = f.TopK, f.TopP, f.MinP
		r.Temperature = []float64{1, 0.6, 1.7, 0}[i/len(settings)%4]
		if i%3 == 0 {
			r.Stop = []int32{7, 11, int32(2 + i%20)}
		}
	}
	return requests
}

// For every sampled token, whatever the filters: the engine's log-probability before them
// is that of the training graph, and the one after them is what sorting the training
// graph's distribution gives.
func TestFilteredLogProbs(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		e := smallEngine(t, b)
		e.chunkTokens = 16   // so that prompts come in several parts
		e.initialLength = 16 // and caches grow
		requests := crowd(96)
		done, err := e.sampleOne(requests)
		require.NoError(t, err)
		config := e.net.Config
		forward := device.New(b, "logits", func(in []*Node) []*Node {
			d, in := config.Bind(in)
			return []*Node{d.Logits(d.Hidden(in[0]))}
		})
		worst, worstPlain, stopped := 0.0, 0.0, 0
		for i, c := range done {
			r := requests[i]
			row := slices.Concat(r.Prompt, c.Tokens)
			in := []*backend.Tensor{backend.Ints(buckets.Pad([][]int32{row}, 128), 1, 128)}
			out, err := forward.Call(e.net.Weights(), in)
			require.NoError(t, err)
			logits := device.Take[float32](out[0])
			device.Free(in)
			if (c.UnfilteredLogProbs != nil) != r.Filters() {
				t.Errorf("request %d: %+v has UnfilteredLogProbs %v", i, r, c.UnfilteredLogProbs)
			}
			for k, token := range c.Tokens {
				at := (len(r.Prompt) + k - 1) * config.VocabSize
				logp := make([]float64, config.VocabSize)
				total := 0.0
				for v := range logp {
					logp[v] = float64(logits[at+v])
					if r.Temperature > 0 {
						logp[v] /= r.Temperature
					}
					total += math.Exp(logp[v])
				}
				for v := range logp {
					logp[v] -= math.Log(total)
				}
				plain := c.LogProbs[k]
				if r.Filters() {
					plain = c.UnfilteredLogProbs[k]
					worst = max(worst, math.Abs(float64(c.LogProbs[k])-math.Log(truncated(logp, r)[token])))
				}
				worstPlain = max(worstPlain, math.Abs(float64(plain)-logp[token]))
				if stop := config.Ends(token) || r.Stops(token); stop != (k == len(c.Tokens)-1 && !c.Truncated) {
					t.Errorf("request %d: token %d is %d, of %d, truncated %t, stops %v", i, k, token, len(c.Tokens), c.Truncated, r.Stop)
				} else if stop && r.Stops(token) {
					stopped++
				}
			}
		}
		t.Logf("largest difference of a log-probability %.1e, with filters %.1e; %d completions ended by their own stops",
			worstPlain, worst, stopped)
		if !(worst <= 1e-5 && worstPlain <= 1e-5) || stopped < 5 {
			t.Errorf("log-probabilities are off by %g, with filters by %g; %d stopped", worstPlain, worst, stopped)
		}
	})
}

// A prompt read in parts gives what one read whole gives, and a prompt of the length of a
// part, one less and one more too.
func TestLongPrompts(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		whole := smallEngine(t, b)
		parts := smallEngine(t, b)
		parts.chunkTokens, parts.initialLength = 8, 8
		rng := rand.New(rand.NewPCG(5, 6))
		var requests []sampler.Request
		for i := range 40 {
			r := sampler.Request{MaxTokens: 8, Temperature: 1, Seed: uint64(i)}
			for range 1 + i*2 {
				r.Prompt = append(r.Prompt, int32(2+rng.IntN(small.VocabSize-2)))
			}
			requests = append(requests, r)
		}
		want, err := whole.sampleOne(requests)
		require.NoError(t, err)
		got, err := parts.sampleOne(requests)
		require.NoError(t, err)
		for i := range want {
			if !slices.Equal(got[i].Tokens, want[i].Tokens) {
				t.Fatalf("prompt of %d: %v in parts, %v whole", len(requests[i].Prompt), got[i].Tokens, want[i].Tokens)
			}
			for k := range want[i].LogProbs {
				if d := math.Abs(float64(got[i].LogProbs[k] - want[i].LogProbs[k])); d > 1e-5 {
					t.Errorf("prompt of %d: log-probability %d differs by %g", len(requests[i].Prompt), k, d)
				}
			}
		}
	})
}

// The same request gives the same tokens whatever its neighbours, their order, and the
// number of batches, and in goroutines that share the model.
func TestSameTokensInAnyCompany(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		requests := crowd(48)
		for i := range requests {
			requests[i].N = i % 3
		}
		want, err := smallEngine(t, b).SampleAll(t.Context(), requests)
		require.NoError(t, err)
		same := func(what string, i int, got []sampler.Completion) {
			t.Helper()
			if len(got) != len(want[i]) {
				t.Errorf("%s: request %d has %d completions, want %d", what, i, len(got), len(want[i]))
				return
			}
			for n := range got {
				if !slices.Equal(got[n].Tokens, want[i][n].Tokens) || got[n].Truncated != want[i][n].Truncated {
					t.Errorf("%s: request %d, completion %d: %v, want %v", what, i, n, got[n].Tokens, want[i][n].Tokens)
				}
			}
		}
		for _, lanes := range []int{1, 3} {
			e := smallEngine(t, b)
			e.workers = lanes
			got, err := e.SampleAll(t.Context(), requests)
			require.NoError(t, err)
			for i := range got {
				same("other batches", i, got[i])
			}
		}
		e := smallEngine(t, b)
		order := rand.New(rand.NewPCG(7, 8)).Perm(len(requests))
		var group sync.WaitGroup
		for some := range slices.Chunk(order, 16) { // goroutines share the model
			group.Go(func() {
				var mine []sampler.Request
				for _, i := range some {
					mine = append(mine, requests[i])
				}
				got, err := e.SampleAll(t.Context(), mine)
				if err != nil {
					t.Error(err)
					return
				}
				for k, i := range some {
					same("other neighbours", i, got[k])
				}
			})
		}
		group.Wait()

		next := 0
		for got, err := range e.InOrder(t.Context(), requests) {
			require.NoError(t, err)
			same("in order", next, got)
			next++
		}
		seen := 0
		for p, err := range e.AsCompleted(t.Context(), requests) {
			require.NoError(t, err)
			if !p.Done || !slices.Equal(p.Tokens, want[p.Request][p.N].Tokens) || len(p.LogProbs) != len(p.Tokens) {
				t.Errorf("as finished: request %d, completion %d: %+v, want %+v", p.Request, p.N, p.Completion, want[p.Request][p.N])
			}
			seen++
		}
		type key struct{ request, n int }
		streamed := map[key]sampler.Completion{}
		for p, err := range e.Stream(t.Context(), requests) {
			require.NoError(t, err)
			c := streamed[key{p.Request, p.N}]
			if c.Truncated {
				t.Errorf("request %d: a part after the end", p.Request)
			}
			c.Tokens, c.LogProbs = append(c.Tokens, p.Tokens...), append(c.LogProbs, p.LogProbs...)
			c.UnfilteredLogProbs, c.Truncated = append(c.UnfilteredLogProbs, p.UnfilteredLogProbs...), p.Done
			streamed[key{p.Request, p.N}] = c
		}
		all := 0
		for i := range want {
			for n, c := range want[i] {
				got := streamed[key{i, n}]
				if !slices.Equal(got.Tokens, c.Tokens) || len(got.LogProbs) != len(c.Tokens) ||
					len(got.UnfilteredLogProbs) != len(c.UnfilteredLogProbs) || !got.Truncated {
					t.Errorf("streamed: request %d, completion %d: %+v, want %+v", i, n, got, c)
				}
				all++
			}
		}
		if next != len(requests) || seen != all {
			t.Errorf("%d requests of %d in order, %d completions of %d as finished", next, len(requests), seen, all)
		}
	})
}

// buffersAlive counts the tensors on XLA's devices, whose memory Go's collector does not
// see; set by xla_test.go in builds with cgo.
var buffersAlive = func() int64 { return 0 }

// Cancelling, leaving the loop and an early error end within one call to the device, with
// every goroutine joined and every tensor freed.
func TestCancelLeaksNothing(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would free what was forgotten
		e := smallEngine(t, b)
		e.chunkTokens = 8
		requests := randomRequests(80, 1)
		if _, err := e.SampleAll(t.Context(), requests[:2]); err != nil { // compile
			t.Fatal(err)
		}
		goroutines := runtime.NumGoroutine()
		tensors := buffersAlive()
		check := func(what string) {
			t.Helper()
			if now := buffersAlive(); now != tensors {
				t.Errorf("%s: %d tensors on the device, %d before", what, now, tensors)
			}
			for range 100 { // the runtime's own may take a moment to go
				if runtime.NumGoroutine() <= goroutines {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Errorf("%s: %d goroutines, %d before", what, runtime.NumGoroutine(), goroutines)
		}
		check("nothing yet")
		_, err := e.SampleAll(t.Context(), requests)
		require.NoError(t, err)
		check("all done")
		for _, err := range e.Stream(t.Context(), requests) {
			require.NoError(t, err)
			break
		}
		check("left at the first part")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		parts := 0
		var last error
		for _, err := range e.AsCompleted(ctx, requests) {
			if last = err; err == nil {
				parts++
				cancel(errors.New("enough"))
			}
		}
		if last == nil || !strings.Contains(last.Error(), "enough") || parts == len(requests) {
			t.Errorf("%d parts, then %v", parts, last)
		}
		check("cancelled")
		func() {
			defer func() { _ = recover() }()
			for _, err := range e.InOrder(t.Context(), requests) {
				if err != nil {
					t.Error(err)
				}
				panic("in the loop")
			}
		}()
		check("panicked")
	})
}

// The cache of a call has its bound, and a request that exceeds it alone still runs.
func TestCacheIsBounded(t *testing.T) {
	c := decoder.Config{Layers: 30, Heads: 9, KVHeads: 3, HeadDim: 64, Dim: 576} // SmolLM2
	if got := cacheBytes / c.CacheRowBytes(8192); got != 2 {
		t.Errorf("%d rows of 8192 positions, want 2", got)
	}
	if got := c.CacheRowBytes(1); got != 2*30*3*64*4 {
		t.Errorf("%d bytes a position", got)
	}
}
