package actor

import (
	"cmp"
	"math"
	"os"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/train"
	"github.com/satori-go/satori/ppo"
)

// goBackend is where the tests of this package run that are about no backend. They are
// skipped where XLA is asked for: compiling them there takes minutes.
func goBackend(t *testing.T) model.Backend {
	t.Helper()
	if os.Getenv("GOMLX_BACKEND") == "xla" {
		t.Skip("runs on the Go backend")
	}
	b, err := model.OpenBackend("go")
	require.NoError(t, err)
	return b
}

// on runs a graph over one row on the Go backend.
func on(t *testing.T, build func(in []*Node) []*Node, rows ...[]float32) [][]float32 {
	t.Helper()
	b := goBackend(t)
	var in []any
	for _, r := range rows {
		in = append(in, backend.Floats(r, 1, len(r)))
	}
	out, err := CallOnceN(b, build, in...)
	require.NoError(t, err)
	var list [][]float32
	for _, o := range out {
		list = append(list, o.Value().([][]float32)[0])
	}
	return list
}

func same(t *testing.T, what string, got []float32, want ...float64) {
	t.Helper()
	for i, w := range want {
		near(t, what, float64(got[i]), w, 1e-6)
	}
}

// Where the ratio is 1 the loss is −Â; each side has a clip of its own, and only the
// dual clip holds a growing ratio of a token that was bad.
func TestPolicyLossIdentities(t *testing.T) {
	ratio := []float32{1, 1, 1.25, 1.25, 0.7, 0.7, 9}
	advantage := []float32{2, -3, 2, -2, 2, -2, -1}
	out := on(t, func(in []*Node) []*Node {
		higher := PolicyLoss(in[0], in[1], 0.2, 0.28)
		return []*Node{PolicyLoss(in[0], in[1], 0.2, 0.2), higher, dualClip(higher, in[1], 3), clipFracMask(in[0], in[1], 0.2, 0.2)}
	}, ratio, advantage)
	same(t, "symmetric", out[0], -2, 3, -2.4, 2.5, -1.4, 1.6, 9)
	same(t, "clip-higher", out[1], -2, 3, -2.5, 2.5, -1.4, 1.6, 9)
	same(t, "dual clip", out[2], -2, 3, -2.5, 2.5, -1.4, 1.6, 3)
	same(t, "clipped", out[3], 0, 0, 1, 0, 0, 1, 0)
}

// No log-ratio, however far, makes an infinity.
func TestRatioIsBounded(t *testing.T) {
	out := on(t, func(in []*Node) []*Node { return []*Node{probabilityRatio(in[0], in[1]), k3(in[0], in[1])} }, []float32{0, -200}, []float32{-200, 0})
	same(t, "ratio", out[0], math.Exp(20), math.Exp(-20))
	same(t, "k3", out[1], math.Exp(-20)-1+200, math.Exp(20)-1-200)
}

// Without a bound the value loss is half the squared error.
func TestValueLossWithoutClip(t *testing.T) {
	out := on(t, func(in []*Node) []*Node {
		return []*Node{ValueLoss(in[0], in[1], in[2], math.Inf(1)), ValueLoss(in[0], in[1], in[2], 0.2)}
	}, []float32{1, 5}, []float32{0.5, 0}, []float32{3, 5})
	same(t, "off", out[0], 2, 0)
	same(t, "clipped", out[1], 0.5*2.3*2.3, 0.5*4.8*4.8)
}

// The shares of a mini-batch of two responses, of 1 and 3 tokens.
func TestAggregation(t *testing.T) {
	for _, c := range []struct {
		name  string
		share LossAgg
		want  [2]float64
	}{
		{"token", TokenMean(), [2]float64{1. / 4, 1. / 4}},
		{"sequence", SeqMeanTokenMean(), [2]float64{1. / 2, 1. / 6}},
		{"constant", SeqMeanTokenSumNorm(10), [2]float64{1. / 20, 1. / 20}},
	} {
		near(t, c.name, c.share.Weight(2, 4, 1), c.want[0], 1e-15)
		near(t, c.name, c.share.Weight(2, 4, 3), c.want[1], 1e-15)
	}
}

// tiny is a policy with a critic over five words, and samples of it with ratios,
// advantages and values all over the place.
func tiny(t *testing.T, c Config) (*Policy, []ppo.Sample) {
	t.Helper()
	b := goBackend(t)
	lm := words(t, b, "a b c d", 3)
	if c.Reference != nil {
		c.Reference = lm.Clone()
	}
	c.Template, c.MaxTokens, c.PolicyRate, c.CriticRate, c.CriticSteps = coat.Bare, 6, 1e-2, 1e-2, cmp.Or(c.CriticSteps, 1)
	critic, err := lm.Net.WithHeads(5, decoder.HeadScore)
	require.NoError(t, err)
	a, err := New(lm, critic, c)
	require.NoError(t, err)
	var starts []coat.Start
	for _, q := range []string{"a b", "c", "b c d a", "d d", "a", "b b b", "c a", "d"} {
		starts = append(starts, coat.Start{Problem: coat.Problem{Question: q}})
	}
	rollouts, err := a.Rollouts(t.Context(), starts, 1)
	require.NoError(t, err)
	estimates, err := a.Estimate(t.Context(), rollouts)
	require.NoError(t, err)
	var samples []ppo.Sample
	for i, r := range rollouts {
		s := ppo.Sample{Rollout: r, Values: estimates[i].Values, RefLogProbs: estimates[i].RefLogProbs}
		for k := range r.Tokens {
			s.LogProbs[k] += float32(0.35 * math.Sin(float64(3*i+k)))
			s.Advantages = append(s.Advantages, math.Sin(float64(i+2*k)))
			s.Returns = append(s.Returns, s.Values[k]+math.Cos(float64(i+k)))
			if s.RefLogProbs != nil {
				s.RefLogProbs[k] += 0.3 * math.Cos(float64(i-k))
			}
		}
		samples = append(samples, s)
	}
	return a, samples
}

// However a mini-batch is cut into micro-batches, losses, statistics and gradients are
// those of the whole, for each way to aggregate.
func TestMicroBatchesAddUp(t *testing.T) {
	for name, aggregate := range map[string]LossAgg{"token": {}, "sequence": SeqMeanTokenMean(), "constant": SeqMeanTokenSumNorm(6)} {
		a, samples := tiny(t, Config{Temperature: 0.8, LossAgg: aggregate, Entropy: 0.01, Reference: &model.LM{}})
		for _, half := range []struct {
			learner      *train.Learner
			cols         columns
			coefficients []float64
			stats        int
		}{{a.actor, a.policyColumns, []float64{0.1, 0.8}, 4}, {a.critic, valueColumns, nil, 1}} {
			var whole train.Stat
			for _, micro := range []int{8, 4, 3, 1} {
				batch := pack(samples, half.cols, half.coefficients...)
				batch.MicroBatch = micro
				update, stat, err := half.learner.Prepare(batch, train.Rates{train.Network: 1e-2})
				require.NoError(t, err)
				update.Discard()
				if micro == 8 {
					whole = stat
					continue
				}
				near(t, name+": loss", stat.Loss, whole.Loss, 1e-6)
				near(t, name+": norm of the gradient", stat.GradNorm, whole.GradNorm, 1e-6)
				for k := range half.stats {
					near(t, name+": statistic", stat.Stats[k], whole.Stats[k], 1e-6)
				}
			}
		}
	}
}

// Each way to aggregate gives the loss that a loop over rows gives: policies, advantages
// and ratios are those of single rows.
func TestAggregatedLoss(t *testing.T) {
	for name, aggregate := range map[string]LossAgg{"token": TokenMean(), "sequence": SeqMeanTokenMean(), "constant": SeqMeanTokenSumNorm(6)} {
		a, samples := tiny(t, Config{Temperature: 0.8, LossAgg: aggregate})
		want := 0.0
		for _, s := range samples {
			alone, err := a.Update(t.Context(), []ppo.Sample{s}, ppo.StepSizes{}) // of one row, TokenMean and SeqMeanTokenMean are alike
			require.NoError(t, err)
			n := float64(len(s.Tokens))
			switch name {
			case "token":
				want += alone.PolicyLoss * n / float64(count(samples))
			case "sequence", "constant":
				want += alone.PolicyLoss / float64(len(samples))
			}
		}
		all, err := a.Update(t.Context(), samples, ppo.StepSizes{})
		require.NoError(t, err)
		near(t, name, all.PolicyLoss, want, 1e-6)
	}
}
