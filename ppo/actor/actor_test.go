package actor

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo"
)

// A divergence in the loss and a bonus for entropy, against loops in plain Go.
func TestTermsOfTheLoss(t *testing.T) {
	const beta = 0.1
	k2 := func(d float64) float64 { return d * d / 2 }
	k3 := func(d float64) float64 { return math.Exp(-d) - 1 + d }
	for _, c := range []struct {
		name  string
		loss  KLEstimator
		plain func(d float64) float64
	}{{"K1", K1(), func(d float64) float64 { return d }}, {"K2", K2(), k2}, {"K3", K3(), k3}, {"k3+", KLEstimator{}, k3}, {"k3+ by name", K3Plus(), k3}} {
		a, samples := tiny(t, Config{Temperature: 0.8, KLLoss: c.loss, Reference: &model.LM{}})
		want, n := 0.0, 0.0
		for _, s := range samples {
			logp, err := a.LM.TokenLogProbs(t.Context(), [][]int32{slices.Concat(s.Prompt, s.Tokens)}, 0.8)
			require.NoError(t, err)
			for k := range s.Tokens {
				want, n = want+c.plain(float64(logp[0][len(s.Prompt)+k])-s.RefLogProbs[k]), n+1
			}
		}
		without, with := updated(t, a, samples, ppo.StepSizes{}), updated(t, a, samples, ppo.StepSizes{KL: beta})
		near(t, c.name, with.PolicyLoss-without.PolicyLoss, beta*want/n, 1e-6)
	}

	plain, samples := tiny(t, Config{Temperature: 0.8})
	bonus, _ := tiny(t, Config{Temperature: 0.8, Entropy: 0.01})
	without, with := updated(t, plain, samples, ppo.StepSizes{}), updated(t, bonus, samples, ppo.StepSizes{})
	near(t, "entropy", with.PolicyLoss, without.PolicyLoss-0.01*without.Entropy, 1e-6)
	near(t, "entropy a token", without.Entropy, entropy(t, plain, samples), 1e-6)
}

// entropy is the mean over sampled tokens of −Σ p·log p, one word of the vocabulary after
// the other.
func entropy(t *testing.T, a *Policy, samples []ppo.Sample) float64 {
	t.Helper()
	var rows [][]int32
	for _, s := range samples {
		for k := range s.Tokens {
			for v := range a.LM.Config.VocabSize {
				rows = append(rows, append(slices.Concat(s.Prompt, s.Tokens[:k]), int32(v)))
			}
		}
	}
	logp, err := a.LM.TokenLogProbs(t.Context(), rows, a.config.Temperature)
	require.NoError(t, err)
	sum := 0.0
	for i, row := range rows {
		l := float64(logp[i][len(row)-1])
		sum -= math.Exp(l) * l
	}
	return sum / float64(count(samples))
}

func updated(t *testing.T, a *Policy, samples []ppo.Sample, rate ppo.StepSizes) ppo.Stats {
	t.Helper()
	s, err := a.Update(t.Context(), samples, rate)
	require.NoError(t, err)
	return s
}

// weights are all that an update may change.
func weights(t *testing.T, a *Policy) (list [][]float32) {
	t.Helper()
	for _, name := range []string{"model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight"} {
		for _, n := range []*model.Net{a.LM.Net, a.Critic} {
			if n == nil {
				continue
			}
			w, ok := n.Tensor(name)
			if !ok {
				t.Fatal(name)
			}
			list = append(list, w)
		}
	}
	return list
}

// Where one half fails the policy does not move, and neither does a critic that makes one
// step or whose policy is at fault: the next update is what it would have been.
func TestUpdateIsWholeOrNothing(t *testing.T) {
	for name, spoil := range map[string]func(s *ppo.Sample){
		"critic": func(s *ppo.Sample) { s.Returns = slices.Clone(s.Returns); s.Returns[0] = math.NaN() },
		"policy": func(s *ppo.Sample) { s.Advantages = slices.Clone(s.Advantages); s.Advantages[0] = math.NaN() },
	} {
		for _, steps := range []int{1, 4} { // 4 is the default
			half := func(a *Policy) [][]float32 {
				list := weights(t, a)
				if steps > 1 && name == "critic" {
					list = [][]float32{list[0], list[2]} // the policy's
				}
				return list
			}
			a, samples := tiny(t, Config{Temperature: 0.8, CriticSteps: steps})
			b, _ := tiny(t, Config{Temperature: 0.8, CriticSteps: steps})
			before := half(a)
			bad := slices.Clone(samples)
			spoil(&bad[3])
			_, err := a.Update(t.Context(), bad, ppo.StepSizes{Policy: 1, Critic: 1})
			require.Error(t, err, "%s, %d steps: no error", name, steps)
			if !reflect.DeepEqual(before, half(a)) {
				t.Errorf("%s, %d steps: half a step is left", name, steps)
			}
			for range 2 {
				updated(t, a, samples, ppo.StepSizes{Policy: 1, Critic: 1})
				updated(t, b, samples, ppo.StepSizes{Policy: 1, Critic: 1})
			}
			if !reflect.DeepEqual(half(a), half(b)) || reflect.DeepEqual(before, half(a)) {
				t.Errorf("%s, %d steps: the optimisers are not those of before", name, steps)
			}
		}
	}
}

// A critic makes as many steps as it is told, whatever the mini-batch's size, and a fault in
// a later one names its row of the mini-batch.
func TestCriticStepsOfAnySize(t *testing.T) {
	for _, n := range []int{2, 5, 6, 8} {
		a, samples := tiny(t, Config{Temperature: 0.8, CriticSteps: 4})
		updated(t, a, samples[:n], ppo.StepSizes{Policy: 1, Critic: 1})
		if got := a.critic.Steps(); got != min(4, n) {
			t.Errorf("%d steps on %d samples", got, n)
		}
	}
	a, samples := tiny(t, Config{Temperature: 0.8, CriticSteps: 4})
	samples[5].Returns = samples[5].Returns[1:]
	_, err := a.Update(t.Context(), samples, ppo.StepSizes{Policy: 1, Critic: 1})
	if f := (*ppo.CheckError)(nil); !errors.As(err, &f) || !slices.Equal(f.Rows, []int{5}) {
		t.Errorf("%v, want a fault of row 5", err)
	}
}

// A critic that makes two steps on a mini-batch is one that is updated on its halves, and
// the policy does not see the difference.
func TestCriticSteps(t *testing.T) {
	both, samples := tiny(t, Config{Temperature: 0.8, CriticSteps: 2})
	one, _ := tiny(t, Config{Temperature: 0.8})
	half := len(samples) / 2
	for range 2 {
		got := updated(t, both, samples, ppo.StepSizes{Policy: 1, Critic: 1})
		policy := updated(t, one, samples, ppo.StepSizes{Policy: 1})
		first := updated(t, one, samples[:half], ppo.StepSizes{Critic: 1})
		second := updated(t, one, samples[half:], ppo.StepSizes{Critic: 1})
		a, b := float64(count(samples[:half])), float64(count(samples[half:]))
		near(t, "value loss", got.ValueLoss, (a*first.ValueLoss+b*second.ValueLoss)/(a+b), 1e-6)
		near(t, "policy loss", got.PolicyLoss, policy.PolicyLoss, 0)
		near(t, "value error", got.ValueError, first.ValueError, 0)
		if want := append(first.Values, make([]float64, len(samples)-half)...); !slices.Equal(got.Values, want) {
			t.Errorf("largest changes of values %v, want %v", got.Values, want)
		}
	}
	if !reflect.DeepEqual(weights(t, both), weights(t, one)) {
		t.Error("the networks differ")
	}
}

// By default no EOS is written where none was sampled. With ForceEOS a response that was
// cut off has one, with the log-probability that the policy gives it, and is called whole.
func TestForceEOS(t *testing.T) {
	starts := []coat.Start{{Problem: coat.Problem{Question: "a b"}}, {Problem: coat.Problem{Question: "c"}}, {Problem: coat.Problem{Question: "d"}}}
	plain, _ := tiny(t, Config{Temperature: 0.8})
	forced, _ := tiny(t, Config{Temperature: 0.8, ForceEOS: true})
	plain.config.MaxTokens, forced.config.MaxTokens = 2, 2
	cut, err := plain.Rollouts(t.Context(), starts, 4)
	require.NoError(t, err)
	whole, err := forced.Rollouts(t.Context(), starts, 4)
	require.NoError(t, err)
	truncated := 0
	for i, r := range cut {
		w := whole[i]
		if !r.Truncated {
			if !reflect.DeepEqual(r, w) {
				t.Errorf("rollout %d ended by itself and was changed", i)
			}
			continue
		}
		truncated++
		if n := len(r.Tokens); n != 2 || slices.Contains(r.Tokens, 1) {
			t.Errorf("rollout %d: %v", i, r.Tokens)
		}
		row := slices.Concat(w.Prompt, w.Tokens)
		logp, err := plain.LM.TokenLogProbs(t.Context(), [][]int32{row}, 0.8)
		require.NoError(t, err)
		if w.Truncated || len(w.Tokens) != 3 || w.Tokens[2] != 1 || w.LogProbs[2] != logp[0][len(row)-1] {
			t.Errorf("rollout %d: %+v", i, w)
		}
	}
	if truncated == 0 {
		t.Fatal("nothing was cut off")
	}
	if err := (sick{Policy: forced}).iterate(ppo.Config{}); err != nil {
		t.Error(err)
	}

	// Where two tokens are all that fits behind the prompt there is no position for an EOS.
	forced.LM.Config.MaxPositions = 3
	starts, truncated = starts[1:], 0
	for seed := range uint64(4) {
		cut, err = plain.Rollouts(t.Context(), starts, seed)
		require.NoError(t, err)
		limited, err := forced.Rollouts(t.Context(), starts, seed)
		require.NoError(t, err)
		if !reflect.DeepEqual(limited, cut) {
			t.Errorf("%+v, without an EOS %+v", limited, cut)
		}
		for _, r := range cut {
			if r.Truncated {
				truncated++
			}
		}
	}
	if truncated == 0 {
		t.Fatal("nothing was cut off at the limit")
	}
}

// What is trained are the ids that were sampled, not what the text would be encoded to;
// a pad, which may be the EOS, is not.
func TestTokensInTokensOut(t *testing.T) {
	a, samples := tiny(t, Config{Temperature: 0.8})
	b, _ := tiny(t, Config{Temperature: 0.8})
	for i := range samples {
		samples[i].Values = make([]float64, len(samples[i].Tokens))
	}
	other := slices.Clone(samples)
	for i := range other {
		other[i].Text = "d d d d d d"
	}
	if x, y := updated(t, a, samples, ppo.StepSizes{Policy: 1, Critic: 1}), updated(t, b, other, ppo.StepSizes{Policy: 1, Critic: 1}); !reflect.DeepEqual(x, y) {
		t.Errorf("%+v and %+v", x, y)
	}

	// Pad and EOS have the same id: an EOS that was sampled is trained all the same.
	s := ppo.Sample{Rollout: ppo.Rollout{Prompt: []int32{2, 3}, Tokens: []int32{2, 1}, LogProbs: []float32{-1, -1}}, Values: []float64{0, 0}, Advantages: []float64{0, 1}, Returns: []float64{0, 0}}
	a.LM.Config.Pad = a.LM.Config.EOS
	end := func() float64 {
		logp, err := a.LM.TokenLogProbs(t.Context(), [][]int32{{2, 3, 2, 1}}, 0.8)
		require.NoError(t, err)
		return float64(logp[0][3])
	}
	before := end()
	s.LogProbs[1] = float32(before)
	updated(t, a, []ppo.Sample{s}, ppo.StepSizes{Policy: 1})
	if !(end() > before+1e-3) {
		t.Errorf("an EOS with an advantage went from %g to %g", before, end())
	}
}

// There is nothing random in a forward pass: no dropout.
func TestEstimatesRepeat(t *testing.T) {
	a, samples := tiny(t, Config{Temperature: 0.8, Reference: &model.LM{}})
	var rollouts []ppo.Rollout
	for _, s := range samples {
		rollouts = append(rollouts, s.Rollout)
	}
	var first []ppo.Estimates
	for range 3 {
		e, err := a.Estimate(t.Context(), rollouts)
		require.NoError(t, err)
		if first == nil {
			first = e
		} else if !reflect.DeepEqual(first, e) {
			t.Fatal("two estimates of the same rollouts differ")
		}
	}
	if a, b := updated(t, a, samples, ppo.StepSizes{}), updated(t, a, samples, ppo.StepSizes{}); !reflect.DeepEqual(a, b) {
		t.Error("two losses of the same samples differ")
	}
}

// A fresh head is small: the critic begins with values near 0, whatever its trunk is.
func TestFreshValuesAreSmall(t *testing.T) {
	_, samples := tiny(t, Config{})
	for i, s := range samples {
		for k, v := range s.Values {
			if math.Abs(v) > 1 {
				t.Errorf("sample %d, token %d: value %g", i, k, v)
			}
		}
	}
}
