package model

import "testing"

// sizes are decoders of 0.9, 4.7 and 17 million parameters.
var sizes = []struct {
	name   string
	config Config
}{
	{"0.9M", Config{VocabSize: 512, Dim: 128, FFN: 352, Layers: 4, Heads: 4, MaxPositions: 256, EOS: 2}},
	{"4.7M", Config{VocabSize: 512, Dim: 256, FFN: 704, Layers: 6, Heads: 4, KVHeads: 2, MaxPositions: 256, EOS: 2}},
	{"17M", Config{VocabSize: 512, Dim: 512, FFN: 1408, Layers: 6, Heads: 8, KVHeads: 2, MaxPositions: 256, EOS: 2}},
}

// BenchmarkSampleSizes measures two batches of 64 rows, 64 tokens after prompts of 16, at
// temperature 1 with no end, and the same with filters.
func BenchmarkSampleSizes(b *testing.B) {
	for name, backend := range backends(b) {
		for _, size := range sizes {
			for filter, r := range map[string]Request{"": {}, "/top-p": {TopP: 0.9}, "/top-k": {TopK: 50}} {
				b.Run(name+"/"+size.name+filter, func(b *testing.B) {
					net, err := NewNet(backend, size.config, 1)
					if err != nil {
						b.Fatal(err)
					}
					defer net.Close()
					lm := &LM{Net: net}
					lm.Config.EOS = int32(size.config.VocabSize) // never sampled
					var requests []Request
					for i := range 2 * slots {
						r.MaxTokens, r.Temperature, r.Seed = 64, 1, uint64(i)
						r.Prompt = nil
						for k := range 16 {
							r.Prompt = append(r.Prompt, int32(3+(7*i+k)%500))
						}
						requests = append(requests, r)
					}
					sample := func() {
						if _, err := lm.SampleAll(b.Context(), requests); err != nil {
							b.Fatal(err)
						}
					}
					sample() // compiles
					for b.Loop() {
						sample()
					}
					b.ReportMetric(float64(2*slots*64*b.N)/b.Elapsed().Seconds(), "tokens/s")
				})
			}
		}
	}
}
