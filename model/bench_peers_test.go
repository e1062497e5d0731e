package model

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend/allocator"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// peers are the sizes at which transformers and PyTorch are measured beside this package,
// by parameters; the last is SmolLM2-135M. So many rows are sampled at once, and half as
// many trained.
var peers = []struct {
	name   string
	rows   int
	config Config
}{
	{"0.9M", 64, Config{VocabSize: 512, Dim: 128, IntermediateSize: 352, Layers: 4, Heads: 4, MaxPositions: 512, EOS: 2}},
	{"4.7M", 64, Config{VocabSize: 512, Dim: 256, IntermediateSize: 704, Layers: 6, Heads: 4, KVHeads: 2, MaxPositions: 512, EOS: 2}},
	{"17M", 64, Config{VocabSize: 512, Dim: 512, IntermediateSize: 1408, Layers: 6, Heads: 8, KVHeads: 2, MaxPositions: 512, EOS: 2}},
	{"135M", 16, Config{VocabSize: 49152, Dim: 576, IntermediateSize: 1536, Layers: 30, Heads: 9, KVHeads: 3, MaxPositions: 512, EOS: 2, Tied: true}},
}

// eachPeer runs a benchmark at each size on each backend, with the allocator that a program
// which trains asks for.
func eachPeer(b *testing.B, run func(b *testing.B, net *Net, rows int)) {
	allocator.Tune()
	for _, name := range []string{"go", "xla"} {
		backend := modeltest.Backends(b)[name]
		if backend == nil {
			continue
		}
		for _, p := range peers {
			b.Run(name+"/"+p.name, func(b *testing.B) {
				net, err := NewNet(backend, p.config, 1)
				require.NoError(b, err)
				defer net.Close()
				run(b, net, p.rows)
			})
		}
	}
}

// BenchmarkTrainPeers is one update on rows of 128 tokens, 32 of small networks:
// forward, backward, AdamW.
func BenchmarkTrainPeers(b *testing.B) {
	eachPeer(b, func(b *testing.B, net *Net, rows int) {
		l := NewLearner(net, nextToken, AdamW{WeightDecay: 0.01})
		defer l.Close()
		rng := rand.New(rand.NewPCG(1, 2))
		batch := make([][]int32, rows/2)
		for i := range batch {
			for range 128 {
				batch[i] = append(batch[i], int32(3+rng.IntN(509)))
			}
		}
		step := func() {
			_, err := l.Step(batchOf(batch, 0), 1e-4)
			require.NoError(b, err)
		}
		step() // compiles
		for b.Loop() {
			step()
		}
		b.ReportMetric(float64(len(batch)*128*b.N)/b.Elapsed().Seconds(), "tokens/s")
	})
}

// BenchmarkSamplePeers is two batches of rows, 64 tokens each after prompts of 16, at
// temperature 1 with no end, and the same with filters.
func BenchmarkSamplePeers(b *testing.B) {
	for _, filter := range []struct {
		name string
		r    Request
	}{{"plain", Request{}}, {"top-p", Request{TopP: 0.9}}, {"top-k", Request{TopK: 50}}} {
		b.Run(filter.name, func(b *testing.B) {
			eachPeer(b, func(b *testing.B, net *Net, rows int) {
				lm := &LM{Net: net}
				lm.Config.EOS = int32(net.Config.VocabSize) // never sampled
				var requests []Request
				for i := range 2 * rows {
					r := filter.r
					r.MaxTokens, r.Temperature, r.Seed = 64, 1, uint64(i)
					for k := range 16 {
						r.Prompt = append(r.Prompt, int32(3+(7*i+k)%500))
					}
					requests = append(requests, r)
				}
				sample := func() {
					_, err := lm.SampleAll(b.Context(), requests)
					require.NoError(b, err)
				}
				sample() // compiles
				for b.Loop() {
					sample()
				}
				b.ReportMetric(float64(2*rows*64*b.N)/b.Elapsed().Seconds(), "tokens/s")
			})
		})
	}
}
