package ppo

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/reward"
)

// A player is a policy of tables over a game of length tokens out of arms: logits and a
// value for each state, which is a position and the token before it.
type player struct {
	arms, length int
	rate         float64
	logits       [][]float64 // [state][arm]
	values       []float64
}

func newPlayer(arms, length int, rate float64) *player {
	p := &player{arms: arms, length: length, rate: rate, values: make([]float64, length*arms)}
	for range p.values {
		p.logits = append(p.logits, make([]float64, arms))
	}
	return p
}

// state is that in which token t was chosen.
func (p *player) state(tokens []int32, t int) int {
	if t == 0 {
		return 0
	}
	return t*p.arms + int(tokens[t-1])
}

func (p *player) probs(state int) []float64 {
	list, sum := make([]float64, p.arms), 0.0
	for k, x := range p.logits[state] {
		list[k] = math.Exp(x)
		sum += list[k]
	}
	for k := range list {
		list[k] /= sum
	}
	return list
}

func (p *player) Rollouts(_ context.Context, starts []coat.Start, seed uint64) (list []Rollout, err error) {
	for i, s := range starts {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		r := Rollout{Attempt: coat.Attempt{Start: s}, Prompt: []int32{0}}
		var words []string
		for t := range p.length {
			probs, u, arm := p.probs(p.state(r.Tokens, t)), rng.Float64(), 0
			for u -= probs[0]; u > 0 && arm < p.arms-1; u -= probs[arm] {
				arm++
			}
			r.Tokens, r.LogProbs = append(r.Tokens, int32(arm)), append(r.LogProbs, float32(math.Log(probs[arm])))
			words = append(words, string(rune('a'+arm)))
		}
		r.Text = strings.Join(words, " ")
		list = append(list, r)
	}
	return list, nil
}

func (p *player) Estimate(_ context.Context, rollouts []Rollout) (list []Estimates, err error) {
	for _, r := range rollouts {
		var e Estimates
		for t := range r.Tokens {
			e.Values = append(e.Values, p.values[p.state(r.Tokens, t)])
		}
		list = append(list, e)
	}
	return list, nil
}

// Update follows the gradients of both losses by hand.
func (p *player) Update(_ context.Context, minibatch []Sample, rate StepSizes) (s Stats, err error) {
	n := 0.0
	for _, x := range minibatch {
		n += float64(len(x.Tokens))
	}
	gradient, valueGradient, visits := newPlayer(p.arms, p.length, 0), make([]float64, len(p.values)), make([]float64, len(p.values))
	for _, x := range minibatch {
		for t, arm := range x.Tokens {
			state, a := p.state(x.Tokens, t), x.Advantages[t]
			probs := p.probs(state)
			ratio := probs[arm] / math.Exp(float64(x.LogProbs[t]))
			s.RatioError += math.Abs(ratio-1) / n
			if a > 0 && ratio < 1.2 || a < 0 && ratio > 0.8 {
				for k, pk := range probs {
					slope := -pk
					if k == int(arm) {
						slope++
					}
					gradient.logits[state][k] += ratio * a * slope / n
				}
			}
			valueGradient[state] += x.Returns[t] - p.values[state]
			visits[state]++
		}
	}
	for state := range p.logits {
		for k, g := range gradient.logits[state] {
			p.logits[state][k] += rate.Policy * p.rate * g
		}
		p.values[state] += rate.Critic * valueGradient[state] / max(2, 2*visits[state])
	}
	return s, nil
}

// variants are PPO and its group-relative kin; all see the same number of rollouts.
var variants = map[string]Config{
	"PPO":     {Epochs: 2},
	"PPO λ":   {Lambda: Frac(0.95)},
	"GRPO":    {NumGenerations: 8, Advantage: GRPO()},
	"Dr.GRPO": {NumGenerations: 8, Advantage: DrGRPO()},
	"RLOO":    {NumGenerations: 8, Advantage: RLOO()},
}

func reinforce(t *testing.T, p Policy, f reward.Func, c Config) (last Step) {
	t.Helper()
	trainer := Trainer{Policy: p, Rubric: reward.Rubric{{Name: "game", Weight: 1, Func: f}}, Config: c}
	for step, err := range trainer.Train(t.Context(), endless) {
		require.NoError(t, err)
		sound(t, c, step)
		last = step
	}
	return last
}

// sound fails where the samples of an iteration are not what its rewards and values give.
func sound(t *testing.T, c Config, step Step) {
	t.Helper()
	c, err := c.resolve()
	require.NoError(t, err)
	for k, s := range step.Samples {
		if !rewardInPlace(c, s) || !returnsAddUp(c, s) {
			t.Errorf("iteration %d, sample %d: %+v", step.Iteration, k, s)
		}
	}
	if !c.grouped() && !whitened(pick(step.Samples, c.trained(step.Samples))) {
		t.Errorf("iteration %d: the advantages are not whitened", step.Iteration)
	}
}

// A bandit whose best arm pays in 8 cases of 10, the second best in 6: all variants come
// to 95 % of what the best arm pays.
func TestBandit(t *testing.T) {
	pays := []float64{0.1, 0.6, 0.3, 0.8, 0.5}
	pull := func(_ context.Context, a coat.Attempt) (float64, error) {
		h := fnv.New64a()
		fmt.Fprint(h, a.Start.Problem.ID, a.Text)
		if float64(sampler.FoldIn(h.Sum64(), 0)>>11)/(1<<53) < pays[a.Text[0]-'a'] {
			return 1, nil
		}
		return 0, nil
	}
	for name, c := range variants {
		for seed := range uint64(5) {
			p := newPlayer(len(pays), 1, 4)
			c.Iterations, c.RolloutBatch, c.MiniBatch, c.Seed = 60, 64, 32, seed
			reinforce(t, p, pull, c)
			expected := 0.0
			for arm, prob := range p.probs(0) {
				expected += prob * pays[arm]
			}
			if expected < 0.95*0.8 {
				t.Errorf("%s, seed %d: %.3f a pull, the best arm pays 0.8", name, seed, expected)
			}
		}
	}
}

// The game: b, then always the other of a and b. The reward is the share of so many
// tokens that are right, so a policy that plays it gets 1.
func alternate(tokens int) reward.Func {
	return func(_ context.Context, a coat.Attempt) (float64, error) {
		right := 0.0
		for i, word := range strings.Fields(a.Text) {
			if word == []string{"b", "a"}[i%2] {
				right++
			}
		}
		return right / float64(tokens), nil
	}
}

func TestTokenGame(t *testing.T) {
	for name, c := range variants {
		for seed := range uint64(5) {
			p := newPlayer(3, 4, 12)
			c.Iterations, c.RolloutBatch, c.MiniBatch, c.Seed = 80, 64, 32, seed
			mean := mean(reinforce(t, p, alternate(4), c).Samples)
			if mean < 0.95 {
				t.Errorf("%s, seed %d: %.3f a game, the optimum is 1", name, seed, mean)
			}
		}
	}
}

func mean(samples []Sample) (sum float64) {
	for _, s := range samples {
		sum += s.Score.Total / float64(len(samples))
	}
	return sum
}
