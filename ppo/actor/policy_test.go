package actor_test

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/ppo/ppotest"
	"github.com/satori-go/satori/reward"
)

// eachBackend runs a test on both backends, or on the one that GOMLX_BACKEND names.
func eachBackend(t *testing.T, test func(t *testing.T, b model.Backend)) {
	for _, name := range []string{"go", "xla"} {
		if one := os.Getenv("GOMLX_BACKEND"); one != "" && one != "auto" && !strings.HasPrefix(one, name) {
			continue
		}
		b, err := model.OpenBackend(name)
		if err != nil {
			t.Logf("%s is not tested: %v", name, err)
			continue
		}
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

func tinyModel(t *testing.T, b model.Backend) *model.LM {
	t.Helper()
	tok, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> a b c d"), coat.Actions{}.Tokens())
	require.NoError(t, err)
	net, err := model.NewNet(b, model.Config{VocabSize: tok.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 64, Tied: true, InitRange: 0.3, EOS: 1}, 7)
	require.NoError(t, err)
	lm, err := model.NewLM(net, tok)
	require.NoError(t, err)
	return lm
}

// withValue is a model with a head for values.
func withValue(t *testing.T, lm *model.LM) *model.LM {
	t.Helper()
	lm, err := lm.WithHeads(3, decoder.HeadLM, actor.ValueHead)
	require.NoError(t, err)
	return lm
}

func tinyStarts() (starts []coat.Start) {
	for _, q := range []string{"a b", "c", "b c d a", "d d"} {
		starts = append(starts, coat.Start{Problem: coat.Problem{ID: q, Question: q}})
	}
	return starts
}

func TestPolicyConforms(t *testing.T) {
	eachBackend(t, func(t *testing.T, b model.Backend) {
		for name, reference := range map[string]bool{"plain": false, "reference": true, "shared": false, "shared, detached": false, "no critic": false} {
			if name != "plain" && name != "shared" && b.Name() == "xla" {
				continue // the same graphs but one; compiling takes most of the time there
			}
			t.Run(name, func(t *testing.T) {
				ppotest.Policy(t, func(t *testing.T) ppo.Policy {
					lm := tinyModel(t, b)
					config := actor.Config{Template: coat.Bare, MaxTokens: 12, Temperature: 0.8, PolicyRate: 1e-2, CriticRate: 1e-2}
					if reference {
						config.Reference = lm.Clone()
					}
					critic, err := lm.Net.WithHeads(3, decoder.HeadScore)
					require.NoError(t, err)
					if strings.HasPrefix(name, "shared") {
						critic, lm = nil, withValue(t, lm)
					}
					if name == "no critic" {
						critic = nil
					}
					if name == "shared" {
						config.ValueCoef = 0.5
					}
					p, err := actor.New(lm, critic, config)
					require.NoError(t, err)
					return p
				}, tinyStarts())
			})
		}
	})
}

// Without a critic there is nothing for GAE to go by: it is an error, not values of 0. What
// is relative to a group needs none.
func TestNoCritic(t *testing.T) {
	p, err := actor.New(tinyModel(t, goBackend(t)), nil, actor.Config{Template: coat.Bare, MaxTokens: 6, Temperature: 0.8, PolicyRate: 1e-2})
	require.NoError(t, err)
	config := ppo.Config{Iterations: 1, RolloutBatch: 8, MiniBatch: 4, NumGenerations: 4}
	rubric := reward.Rubric{{Name: "length", Weight: -0.1, Func: reward.Length}}
	train := func(c ppo.Config) (last ppo.Step, err error) {
		trainer := ppo.Trainer{Policy: p, Rubric: rubric, Config: c}
		for last, err = range trainer.Train(t.Context(), slices.Values(tinyStarts())) {
		}
		return last, err
	}
	if _, err := train(config); err == nil || !strings.Contains(err.Error(), "the policy has no critic, which Config.Advantage needs") {
		t.Errorf("with GAE: %v", err)
	}
	config.Advantage = ppo.DrGRPO()
	step, err := train(config)
	require.NoError(t, err)
	for i, s := range step.Samples {
		if !slices.Equal(s.Values, make([]float64, len(s.Tokens))) {
			t.Errorf("sample %d: values %v", i, s.Values)
		}
	}
}

// Estimates and the losses of an update, against loops over single rows.
func TestPolicyAgainstLoops(t *testing.T) {
	eachBackend(t, func(t *testing.T, b model.Backend) {
		const temperature, clip, mean, std = 0.8, 0.2, 0.3, 2.0
		lm := tinyModel(t, b)
		critic, err := lm.Net.WithHeads(3, decoder.HeadScore)
		require.NoError(t, err)
		p, err := actor.New(lm, critic, actor.Config{
			Template: coat.Bare, MaxTokens: 12, Temperature: temperature, PolicyRate: 1e-2, CriticRate: 1e-2, ValueMean: mean, ValueStd: std,
		})
		require.NoError(t, err)
		rollouts, err := p.Rollouts(t.Context(), tinyStarts(), 1)
		require.NoError(t, err)
		estimates, err := p.Estimate(t.Context(), rollouts)
		require.NoError(t, err)
		var batch []ppo.Sample
		var policy, value, count float64
		for i, r := range rollouts {
			row := append(append([]int32{}, r.Prompt...), r.Tokens...)
			scores, err := p.Critic.Scores(t.Context(), decoder.HeadScore, [][]int32{row})
			require.NoError(t, err)
			logps, err := lm.TokenLogProbs(t.Context(), [][]int32{row}, temperature)
			require.NoError(t, err)
			s := ppo.Sample{Rollout: r, Values: estimates[i].Values}
			s.LogProbs = append([]float32{}, r.LogProbs...)
			for k := range r.Tokens {
				at := len(r.Prompt) + k
				v := (float64(scores[0][at-1]) - mean) / std
				if math.Abs(v-estimates[i].Values[k]) > 1e-5 {
					t.Errorf("rollout %d, token %d: value %g, the loop has %g", i, k, estimates[i].Values[k], v)
				}
				// Old log-probabilities and values that are off, some of them past the clip.
				s.LogProbs[k] += float32(0.35 * math.Sin(float64(3*i+k)))
				s.Values[k] += 0.4 * math.Cos(float64(2*i+k))
				s.Advantages = append(s.Advantages, math.Sin(float64(i+2*k)))
				s.Returns = append(s.Returns, v+math.Cos(float64(i+k)))

				ratio := math.Exp(float64(logps[0][at]) - float64(s.LogProbs[k]))
				policy -= min(ratio*s.Advantages[k], max(1-clip, min(1+clip, ratio))*s.Advantages[k])
				near := max(s.Values[k]-clip, min(s.Values[k]+clip, v))
				value += 0.5 * max((v-s.Returns[k])*(v-s.Returns[k]), (near-s.Returns[k])*(near-s.Returns[k]))
				count++
			}
			batch = append(batch, s)
		}
		stats, err := p.Update(t.Context(), batch, ppo.StepSizes{})
		require.NoError(t, err)
		if math.Abs(stats.PolicyLoss-policy/count) > 1e-5 || math.Abs(stats.ValueLoss-value/count) > 1e-5 {
			t.Errorf("losses %g and %g, the loops have %g and %g", stats.PolicyLoss, stats.ValueLoss, policy/count, value/count)
		}
	})
}

func goBackend(t *testing.T) model.Backend {
	t.Helper()
	if strings.HasPrefix(os.Getenv("GOMLX_BACKEND"), "xla") {
		t.Skip("GOMLX_BACKEND names another")
	}
	b, err := model.OpenBackend("go")
	require.NoError(t, err)
	return b
}
