package model

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/internal/modeltest"
)

// example is the decoder of examples/satori.
var example = Config{VocabSize: 67, Dim: 96, IntermediateSize: 256, Layers: 3, Heads: 4, MaxPositions: 512,
	PartialRotary: 0.5, TokenShift: true, Tied: true, InitRange: 0.2, EOS: 1}

// BenchmarkTrain measures one update on 32 rows of 96 tokens.
func BenchmarkTrain(b *testing.B) {
	for name, on := range modeltest.Backends(b) {
		b.Run(name, func(b *testing.B) {
			net, err := NewNet(on, example, 1)
			require.NoError(b, err)
			l := NewLearner(net, nextToken, AdamW{})
			rows := make([][]int32, 32)
			for i := range rows {
				for k := range 96 {
					rows[i] = append(rows[i], int32(2+(i%16*k)%60))
				}
			}
			step := func() {
				_, err := l.Step(batchOf(rows, 16), 1e-3)
				require.NoError(b, err)
			}
			step()
			for b.Loop() {
				step()
			}
			b.ReportMetric(float64(32*96*b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

// BenchmarkSample measures 256 completions of up to 96 tokens after prompts of 48.
func BenchmarkSample(b *testing.B) {
	for name, on := range modeltest.Backends(b) {
		b.Run(name, func(b *testing.B) {
			net, err := NewNet(on, example, 1)
			require.NoError(b, err)
			lm := &LM{Net: net}
			var requests []Request
			for i := range 256 {
				requests = append(requests, Request{Prompt: make([]int32, 48), MaxTokens: 96, Temperature: 1, Seed: uint64(i)})
			}
			tokens := 0
			sample := func() {
				done, err := lm.sampleOne(requests)
				require.NoError(b, err)
				for _, c := range done {
					tokens += len(c.Tokens)
				}
			}
			sample()
			tokens = 0
			for b.Loop() {
				sample()
			}
			b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
