package actor

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo"
)

// BenchmarkIteration measures the parts of an iteration of examples/satori on 64
// rollouts of about 110 tokens.
func BenchmarkIteration(b *testing.B) {
	backend, err := model.OpenBackend(os.Getenv("GOMLX_BACKEND"))
	require.NoError(b, err)
	net, err := model.NewNet(backend, model.Config{VocabSize: 68, Dim: 96, IntermediateSize: 256, Layers: 3, Heads: 4, MaxPositions: 384,
		PartialRotary: 0.5, TokenShift: true, Tied: true, InitRange: 0.2, EOS: 1}, 1)
	require.NoError(b, err)
	a, err := New(&model.LM{Net: net}, withScore(b, net, 1), Config{Template: coat.Bare, MaxTokens: 160, Temperature: 1, PolicyRate: 1e-9, CriticRate: 1e-9})
	require.NoError(b, err)
	var samples []ppo.Sample
	var rollouts []ppo.Rollout
	tokens := 0
	for i := range 64 {
		r := ppo.Rollout{Prompt: make([]int32, 45), Tokens: make([]int32, 30+i), LogProbs: make([]float32, 30+i)}
		zeros := make([]float64, 30+i)
		rollouts = append(rollouts, r)
		samples = append(samples, ppo.Sample{Rollout: r, Values: zeros, Advantages: zeros, Returns: zeros})
		tokens += 75 + i
	}
	run := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			if err := f(); err != nil { // compiles
				b.Fatal(err)
			}
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(tokens*b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
	run("policy", func() error {
		_, err := a.actor.Step(pack(samples, a.policyColumns, 0, 1), 0)
		return err
	})
	run("critic", func() error {
		_, err := a.critic.Step(pack(samples, valueColumns, 0), 0)
		return err
	})
	run("estimate", func() error {
		_, err := a.Estimate(context.Background(), rollouts)
		return err
	})
}
