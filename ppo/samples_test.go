package ppo

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// rewardInPlace tells whether the score is on the last token and nothing is elsewhere, apart
// from the penalty.
func rewardInPlace(c Config, s Sample) bool {
	if len(s.Rewards) != len(s.Tokens) {
		return false
	}
	for t, r := range s.Rewards {
		if s.RefLogProbs != nil {
			r += c.inReward() * (float64(s.LogProbs[t]) - s.RefLogProbs[t])
		}
		if t == len(s.Rewards)-1 {
			r -= s.Score.Total
		}
		if !(math.Abs(r) <= 1e-9*max(1, math.Abs(s.Score.Total), math.Abs(s.Rewards[t]))) {
			return false
		}
	}
	return true
}

// returnsAddUp tells whether the returns follow from rewards and values,
// R = r + γ·((1−λ)·V' + λ·R'), whatever was done to the advantages since.
func returnsAddUp(c Config, s Sample) bool {
	if len(s.Returns) != len(s.Rewards) || len(s.Advantages) != len(s.Rewards) || !finite(s.Returns) || !finite(s.Advantages) {
		return false
	}
	lambda := c.Lambda.Value()
	for t := len(s.Rewards) - 2; t >= 0; t-- { // the last may be bootstrapped
		want := s.Rewards[t] + c.Gamma*((1-lambda)*s.Values[t+1]+lambda*s.Returns[t+1])
		if !(math.Abs(s.Returns[t]-want) <= 1e-9*max(1, math.Abs(want), math.Abs(s.Values[t]))) {
			return false
		}
	}
	last := len(s.Rewards) - 1
	return c.Truncated == Bootstrap && s.Truncated || math.Abs(s.Returns[last]-s.Rewards[last]) <= 1e-9*max(1, math.Abs(s.Rewards[last]), math.Abs(s.Values[last]))
}

// whitened tells whether the advantages have mean 0 and variance 1.
func whitened(samples []Sample) bool {
	if len(samples) == 1 && len(samples[0].Tokens) == 1 { // Whiten leaves one token as it is
		return true
	}
	// Returns less values are the advantages as they were.
	_, raw := moments(samples, func(s Sample, t int) float64 { return s.Returns[t] - s.Values[t] })
	mean, variance := moments(samples, func(s Sample, t int) float64 { return s.Advantages[t] })
	return math.Abs(mean) < 1e-6 && math.Abs(variance-raw/(raw+1e-8)) < 1e-3
}

// moments returns mean and variance, with Bessel's correction, over the tokens of samples.
func moments(samples []Sample, f func(s Sample, t int) float64) (mean, variance float64) {
	n := 0.0
	for _, s := range samples {
		for t := range s.Tokens {
			x := f(s, t)
			n++
			d := x - mean
			mean += d / n
			variance += d * (x - mean)
		}
	}
	return mean, variance / max(1, n-1)
}

// prepared makes samples of responses of 1 to 4 tokens.
func prepared(t *testing.T, c Config) []Sample {
	t.Helper()
	var rollouts []Rollout
	var scores []reward.Score
	var estimates []Estimates
	for i := range 4 {
		r := Rollout{Attempt: coat.Attempt{Truncated: i == 2}, Prompt: []int32{1}}
		var e Estimates
		for k := range i + 1 {
			r.Tokens, r.LogProbs = append(r.Tokens, int32(k)), append(r.LogProbs, -float32(k+1))
			e.Values, e.RefLogProbs = append(e.Values, math.Sin(float64(i+k))), append(e.RefLogProbs, -float64(i+1))
		}
		rollouts, estimates = append(rollouts, r), append(estimates, e)
		scores = append(scores, reward.Score{Total: float64(i) - 1.5})
	}
	samples, err := c.samples(rollouts, scores, make([]coat.Outcome, len(rollouts)), estimates)
	require.NoError(t, err)
	Whiten(samples)
	return samples
}

// The reward of a response is on its last token, returns add up, and advantages are
// whitened; and what tells that finds each way in which it could be otherwise.
func TestSamples(t *testing.T) {
	var c Config
	for _, with := range []Config{{KL: 0.1, Lambda: Frac(0.8), Gamma: 0.9}, {Truncated: Bootstrap, Lambda: Frac(0)}, {KL: 0.1, KLUse: UseKLLoss}} {
		var err error
		with.Iterations = 1
		c, err = with.resolve()
		require.NoError(t, err)
		samples := prepared(t, c)
		for k, s := range samples {
			if !rewardInPlace(c, s) || !returnsAddUp(c, s) {
				t.Errorf("%+v: sample %d: %+v", with, k, s)
			}
		}
		if !whitened(samples) {
			t.Errorf("%+v: not whitened", with)
		}
	}

	c, _ = Config{Iterations: 1, Gamma: 0.9, Lambda: Frac(0.8), KL: 0.1}.resolve()
	broken := func(sound func(c Config, s Sample) bool, mutate func(s []Sample), rows ...int) {
		t.Helper()
		samples := prepared(t, c)
		mutate(samples)
		var got []int
		for k, s := range samples {
			if !sound(c, s) {
				got = append(got, k)
			}
		}
		if !slices.Equal(got, rows) {
			t.Errorf("found rows %v, want %v", got, rows)
		}
	}
	broken(rewardInPlace, func(s []Sample) { s[2].Rewards = append(s[2].Rewards, 0) }, 2)
	broken(rewardInPlace, func(s []Sample) { r := s[2].Rewards; r[1], r[2] = r[2], r[1] }, 2)
	broken(rewardInPlace, func(s []Sample) { s[1].Rewards[1] = math.Trunc(s[1].Rewards[1]) }, 1) // an integer array
	broken(rewardInPlace, func(s []Sample) { s[3].Rewards[3] -= s[3].Score.Total }, 3)
	broken(rewardInPlace, func(s []Sample) { s[3].RefLogProbs = nil }, 3) // a penalty without a reference
	broken(returnsAddUp, func(s []Sample) {
		for i := range s {
			s[i].Advantages, s[i].Returns = s[i].Returns, s[i].Advantages
		}
		Whiten(s) // the returns
		for i := range s {
			s[i].Advantages, s[i].Returns = s[i].Returns, s[i].Advantages
		}
	}, 0, 1, 2, 3)
	broken(returnsAddUp, func(s []Sample) { s[1].Returns[0] += 0.01 }, 1)
	broken(returnsAddUp, func(s []Sample) { s[3].Advantages[1] = math.Inf(1) }, 3)
	for i, mutate := range []func(s []Sample){
		func(s []Sample) { s[0].Advantages[0] += 0.1 },
		func(s []Sample) {
			for i := range s {
				for k := range s[i].Advantages {
					s[i].Advantages[k] *= 1.01
				}
			}
		},
	} {
		if samples := prepared(t, c); whitened(samples) {
			if mutate(samples); whitened(samples) {
				t.Errorf("change %d is not found", i)
			}
		}
	}

	// One token that is trained has no variance, and is not whitened.
	one := prepared(t, c)[:1]
	one[0].Advantages[0] = one[0].Returns[0] - one[0].Values[0]
	Whiten(one)
	if got, want := one[0].Advantages[0], one[0].Returns[0]-one[0].Values[0]; got != want || !whitened(one) {
		t.Errorf("advantage %g, want %g", got, want)
	}
}
