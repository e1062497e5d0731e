package ppo

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden is testdata/golden.json, made with PyTorch by TRL's formulas (testdata/README.md).
type golden struct {
	Gamma, Lam, Clip float64
	ValueClip        float64 `json:"value_clip"`
	KLCoef           float64 `json:"kl_coef"`
	Batch, Seq       int
	Vocab            int
	Input            struct {
		Lengths  []int
		Actions  [][]int32
		Logits   [][][]float64
		OldLogp  [][]float64 `json:"old_logp"`
		RefLogp  [][]float64 `json:"ref_logp"`
		Value    [][]float64
		OldValue [][]float64 `json:"old_value"`
		Score    []float64
	}
	Output struct {
		Rewards, Advantages, Returns [][]float64
		Whitened                     [][]float64 `json:"whitened_advantages"`
		Logp, Ratio                  [][]float64
		PolicyLoss                   float64 `json:"policy_loss"`
		SeqMean                      float64 `json:"policy_loss_seq_mean"`
		K1, K2, K3                   float64
		ValueLoss                    float64 `json:"value_loss"`
		Entropy                      float64
		ClipFraction                 float64 `json:"clip_fraction"`
		Grad                         map[string]any
	}
}

func goldens(t *testing.T) []golden {
	data, err := os.ReadFile("testdata/golden.json")
	require.NoError(t, err)
	var file struct{ Cases []golden }
	require.NoError(t, json.Unmarshal(data, &file))
	return file.Cases
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s: %.12g, want %.12g", what, got, want)
	}
}

func TestAdvantageGolden(t *testing.T) {
	for _, c := range goldens(t) {
		var samples []Sample
		for b, n := range c.Input.Lengths {
			rewards := TokenRewards(c.Input.Score[b], c.Input.OldLogp[b][:n], c.Input.RefLogp[b][:n], c.KLCoef)
			advantages, returns := GAE(rewards, c.Input.OldValue[b][:n], c.Gamma, c.Lam)
			for k := range n {
				near(t, "reward", rewards[k], c.Output.Rewards[b][k], 1e-9)
				near(t, "advantage", advantages[k], c.Output.Advantages[b][k], 1e-9)
				near(t, "return", returns[k], c.Output.Returns[b][k], 1e-9)
			}
			samples = append(samples, Sample{Advantages: advantages})
		}
		Whiten(samples)
		for b, s := range samples {
			for k, got := range s.Advantages {
				near(t, "whitened advantage", got, c.Output.Whitened[b][k], 1e-9)
			}
		}
	}
}

// With λ = 1 and γ = 1 the return is the reward to go.
func TestRewardToGo(t *testing.T) {
	rewards := []float64{0.5, -1, 0.25, 2}
	_, returns := GAE(rewards, []float64{3, -2, 1, 0.5}, 1, 1)
	sum := 0.0
	for k := len(rewards) - 1; k >= 0; k-- {
		sum += rewards[k]
		near(t, "return", returns[k], sum, 1e-12)
	}
}

func TestExplainedVariance(t *testing.T) {
	sample := func(values []float64) []Sample {
		return []Sample{{Returns: []float64{1, 2}, Values: values[:2]}, {Returns: []float64{4}, Values: values[2:]}}
	}
	near(t, "perfect", explainedVariance(sample([]float64{1, 2, 4})), 1, 1e-12)
	near(t, "perfect but for the mean", explainedVariance(sample([]float64{0, 1, 3})), 1, 1e-12)
	near(t, "constant", explainedVariance(sample([]float64{7, 7, 7})), 0, 1e-12)
	near(t, "returns do not vary", explainedVariance([]Sample{{Returns: []float64{1, 1}, Values: []float64{0, 5}}}), 0, 0)
}

func TestWhitenLeavesOneTokenAlone(t *testing.T) {
	s := []Sample{{Advantages: []float64{3}}}
	Whiten(s)
	near(t, "advantage", s[0].Advantages[0], 3, 0)
}
