package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/sampler"
)

// small is the example's kind of decoder: grouped heads, half rotary, token shift.
var small = decoder.Config{VocabSize: 23, Dim: 32, IntermediateSize: 40, Layers: 2, Heads: 4, KVHeads: 2, MaxPositions: 128,
	PartialRotary: 0.5, TokenShift: true, Tied: true, InitRange: 0.15, EOS: 1}

func smallEngine(t testing.TB, b backend.Backend) *Engine {
	t.Helper()
	n, err := network.New(b, small, 7)
	require.NoError(t, err)
	return New(n)
}

// setWeight replaces the i-th weight of a network.
func setWeight(n *network.Net, i int, data []float32) {
	t := backend.Floats(data, n.Specs()[i].Dims...)
	t.MustMaterializeOnDevice(n.Backend(), true, 0)
	n.Weights()[i] = t
}

// sampleOne gives the first completion of each request.
func (e *Engine) sampleOne(requests []sampler.Request) ([]sampler.Completion, error) {
	all, err := e.SampleAll(context.Background(), requests)
	var first []sampler.Completion
	for _, c := range all {
		first = append(first, c[0])
	}
	return first, err
}

func randomRequests(n int, temperature float64) []sampler.Request {
	rng := rand.New(rand.NewPCG(1, 2))
	var list []sampler.Request
	for i := range n {
		r := sampler.Request{MaxTokens: 1 + rng.IntN(40), Temperature: temperature, Seed: uint64(i)}
		for range 1 + rng.IntN(50) {
			r.Prompt = append(r.Prompt, int32(2+rng.IntN(small.VocabSize-2)))
		}
		list = append(list, r)
	}
	return list
}

// The engine's log-probabilities are those of the training graph: prefill, cache, time
// shift, positions and slot reuse all agree with one pass over the whole row.
func TestEngineAgreesWithForward(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		e := smallEngine(t, b)
		for _, temperature := range []float64{1, 0.6} {
			requests := randomRequests(300, temperature) // more than there are slots
			done, err := e.sampleOne(requests)
			require.NoError(t, err)
			worst, ended := e.isOff(t, requests, done, temperature), 0
			for i, c := range done {
				last := c.Tokens[len(c.Tokens)-1]
				if slices.Contains(c.Tokens[:len(c.Tokens)-1], small.EOS) {
					t.Errorf("request %d went on after EOS: %v", i, c.Tokens)
				}
				if c.Truncated != (last != small.EOS) || c.Truncated && len(c.Tokens) != requests[i].MaxTokens {
					t.Errorf("request %d: truncated %v with %d of %d tokens, last %d", i, c.Truncated, len(c.Tokens), requests[i].MaxTokens, last)
				}
				if last == small.EOS {
					ended++
				}
			}
			if !(worst <= 1e-5) || ended < 30 || ended > 290 {
				t.Errorf("temperature %g: log-probabilities differ by %g, %d of 300 ended", temperature, worst, ended)
			}
		}
	})
}

// So do they in every family, with as many heads of keys as of queries and with one, with
// biases, norms of heads and adapters of any values.
func TestEngineAgreesInEveryFamily(t *testing.T) {
	plain := small
	plain.KVHeads, plain.TokenShift, plain.PartialRotary = 4, false, 1
	qwen2, qwen3, biased := plain, plain, plain
	qwen2.ModelType, qwen3.ModelType, qwen3.HeadDim = "qwen2", "qwen3", 16
	biased.AttentionBias, biased.MLPBias, biased.KVHeads = true, true, 1
	families := map[string]decoder.Config{"plain": plain, "qwen2": qwen2, "qwen3": qwen3, "biased": biased, "adapter": plain}
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		for name, config := range families {
			if device.IsXLA(b) && (name == "plain" || name == "qwen2") {
				continue // graphs take long to compile there, and the others have all that these have
			}
			t.Run(name, func(t *testing.T) {
				net, err := network.New(b, config, 3)
				if err == nil && name == "adapter" {
					net, err = net.WithLoRA(decoder.LoRA{Rank: 4, Alpha: 8})
				}
				require.NoError(t, err)
				rng := rand.New(rand.NewPCG(3, 4))
				for i, s := range net.Specs() { // what begins as zeros or ones
					if data := device.Values(net.Weights()[i]); len(s.Dims) == 1 || strings.HasSuffix(s.Name, decoder.AdapterB) {
						for k := range data {
							data[k] += float32(0.2 * rng.NormFloat64())
						}
						setWeight(net, i, data)
					}
				}
				e := New(net)
				requests := randomRequests(40, 1)
				done, err := e.sampleOne(requests)
				require.NoError(t, err)
				if worst := e.isOff(t, requests, done, 1); !(worst <= 1e-5) {
					t.Errorf("log-probabilities differ by %g", worst)
				}
			})
		}
	})
}

// engineIsOff is the largest difference of a sampled token's log-probability from that of
// one pass over the whole row.
func (e *Engine) isOff(t *testing.T, requests []sampler.Request, done []sampler.Completion, temperature float64) (worst float64) {
	t.Helper()
	var rows [][]int32
	for i, c := range done {
		rows = append(rows, slices.Concat(requests[i].Prompt, c.Tokens))
	}
	logp, err := e.net.TokenLogProbs(context.Background(), rows, temperature)
	require.NoError(t, err)
	for i, c := range done {
		for k, got := range c.LogProbs {
			worst = max(worst, math.Abs(float64(got-logp[i][len(requests[i].Prompt)+k])))
		}
	}
	return worst
}

// A request gives the same tokens alone, in a crowd, and on every backend; the same
// call gives the same bytes.
func TestSampleIsDeterministic(t *testing.T) {
	requests := randomRequests(150, 1)
	var first []sampler.Completion
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		e := smallEngine(t, b)
		all, err := e.sampleOne(requests)
		require.NoError(t, err)
		again, _ := e.sampleOne(requests)
		for i := range all {
			if !slices.Equal(all[i].Tokens, again[i].Tokens) || !slices.Equal(all[i].LogProbs, again[i].LogProbs) {
				t.Fatalf("request %d: second call differs", i)
			}
		}
		for _, i := range []int{0, 77, 149} {
			alone, err := e.sampleOne(requests[i : i+1])
			if err != nil || !slices.Equal(alone[0].Tokens, all[i].Tokens) {
				t.Errorf("request %d: alone %v, in a crowd %v (%v)", i, alone, all[i].Tokens, err)
			}
		}
		if first == nil {
			first = all
		}
		for i := range all {
			if !slices.Equal(all[i].Tokens, first[i].Tokens) {
				t.Errorf("request %d differs between backends: %v and %v", i, all[i].Tokens, first[i].Tokens)
			}
		}
	})
}

// Sampling follows the model's own distribution: the first token of many requests.
func TestSampleFrequencies(t *testing.T) {
	e := smallEngine(t, modeltest.Backends(t)["go"])
	const n = 4000
	var requests []sampler.Request
	for i := range n {
		requests = append(requests, sampler.Request{Prompt: []int32{5, 9}, MaxTokens: 1, Temperature: 1, Seed: sampler.FoldIn(3, uint64(i))})
	}
	done, err := e.sampleOne(requests)
	require.NoError(t, err)
	counts := make([]float64, small.VocabSize)
	for _, c := range done {
		counts[c.Tokens[0]]++
	}
	var chi, cells float64
	for v := range small.VocabSize {
		logp, err := e.net.TokenLogProbs(context.Background(), [][]int32{{5, 9, int32(v)}}, 1)
		require.NoError(t, err)
		want := n * math.Exp(float64(logp[0][2]))
		if want >= 5 {
			chi += (counts[v] - want) * (counts[v] - want) / want
			cells++
		} else if counts[v] > want+20 {
			t.Errorf("token %d: drawn %g times, expected %g", v, counts[v], want)
		}
	}
	if chi > cells+5*math.Sqrt(2*cells) { // far beyond the 99.9th percentile
		t.Errorf("χ² = %g over %g cells", chi, cells)
	}
}

func TestSampleCancelled(t *testing.T) {
	e := smallEngine(t, modeltest.Backends(t)["go"])
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.SampleAll(ctx, randomRequests(4, 1)); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("error %v", err)
	}
	for _, c := range []struct {
		r    sampler.Request
		want string
	}{
		{sampler.Request{MaxTokens: 1}, "the prompt is empty"},
		{sampler.Request{Prompt: []int32{1}}, "MaxTokens is 0"},
		{sampler.Request{Prompt: []int32{1}, MaxTokens: 128}, "do not fit into max_position_embeddings 128"},
		{sampler.Request{Prompt: []int32{1}, MaxTokens: 1, Temperature: -1}, "Temperature is -1"},
	} {
		if _, err := e.sampleOne([]sampler.Request{c.r}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// No requests are none to complete, in every form.
func TestNoRequests(t *testing.T) {
	e := smallEngine(t, modeltest.Backends(t)["go"])
	if done, err := e.SampleAll(t.Context(), nil); err != nil || len(done) > 0 {
		t.Errorf("%v, %v", done, err)
	}
	for p, err := range e.Stream(t.Context(), nil) {
		t.Errorf("%v, %v", p, err)
	}
	for c, err := range e.InOrder(t.Context(), nil) {
		t.Errorf("%v, %v", c, err)
	}
}

// A part is the caller's: what it appends is not in the completion.
func TestPartsAreTheCallers(t *testing.T) {
	e := smallEngine(t, modeltest.Backends(t)["go"])
	for p, err := range e.Stream(t.Context(), []sampler.Request{{Prompt: []int32{5}, MaxTokens: 20, Temperature: 1, TopP: 0.9}}) {
		require.NoError(t, err)
		if c := p.Completion; cap(c.Tokens) > len(c.Tokens) || cap(c.LogProbs) > len(c.LogProbs) ||
			cap(c.UnfilteredLogProbs) > len(c.UnfilteredLogProbs) {
			t.Errorf("room of %d, %d and %d for %d tokens", cap(c.Tokens), cap(c.LogProbs), cap(c.UnfilteredLogProbs), len(c.Tokens))
		}
	}
}
