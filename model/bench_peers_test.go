package model

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// peers are the sizes at which transformers and PyTorch were measured: 0.9, 4.7 and 17
// million parameters.
var peers = []struct {
	name   string
	config Config
}{
	{"S", Config{VocabSize: 512, Dim: 128, FFN: 352, Layers: 4, Heads: 4, MaxPositions: 512, EOS: 2}},
	{"M", Config{VocabSize: 512, Dim: 256, FFN: 704, Layers: 6, Heads: 4, KVHeads: 2, MaxPositions: 512, EOS: 2}},
	{"L", Config{VocabSize: 512, Dim: 512, FFN: 1408, Layers: 6, Heads: 8, KVHeads: 2, MaxPositions: 512, EOS: 2}},
}

// BenchmarkTrainPeers is one update on 32 rows of 128 tokens: forward, backward, AdamW.
func BenchmarkTrainPeers(b *testing.B) {
	for _, name := range []string{"go", "xla"} {
		backend := backends(b)[name]
		if backend == nil {
			continue
		}
		for _, p := range peers {
			b.Run(name+"/"+p.name, func(b *testing.B) {
				net, err := NewNet(backend, p.config, 1)
				if err != nil {
					b.Fatal(err)
				}
				defer net.Close()
				l := NewLearner(net, nextToken, AdamW{WeightDecay: 0.01})
				defer l.Close()
				rng := rand.New(rand.NewPCG(1, 2))
				rows := make([][]int32, 32)
				for i := range rows {
					for range 128 {
						rows[i] = append(rows[i], int32(3+rng.IntN(509)))
					}
				}
				step := func() {
					var batches [][]*Tensor
					for part := range slices.Chunk(rows, Micro(len(rows))) {
						batches = append(batches, []*Tensor{Ints(PadRows(part, 128), len(part), 128), Floats([]float32{32 * 127}, 1)})
					}
					if _, err := l.Step(batches, 1e-4); err != nil {
						b.Fatal(err)
					}
				}
				step()
				for b.Loop() {
					step()
				}
				b.ReportMetric(float64(32*128*b.N)/b.Elapsed().Seconds(), "tokens/s")
			})
		}
	}
}
