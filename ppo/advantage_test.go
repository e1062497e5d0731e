package ppo

import "testing"

// Python's statistics module has the figures: stdev([1, 0, 0, 2]) = 0.9574271077563381.
func TestGroupAdvantages(t *testing.T) {
	rewards := []float64{1, 0, 0, 2}
	for _, c := range []struct {
		name string
		f    func([]float64) []float64
		want []float64
	}{
		{"GRPO", GRPO().Func, []float64{0.25 / 0.9575271077563381, -0.75 / 0.9575271077563381, -0.75 / 0.9575271077563381, 1.25 / 0.9575271077563381}},
		{"DrGRPO", DrGRPO().Func, []float64{0.25, -0.75, -0.75, 1.25}},
		{"RLOO", RLOO().Func, []float64{1 - 2./3, -1, -1, 2 - 1./3}},
	} {
		sum := 0.0
		for i, a := range c.f(rewards) {
			near(t, c.name, a, c.want[i], 1e-12)
			sum += a
		}
		near(t, c.name+" sums to", sum, 0, 1e-12)
		for _, a := range c.f([]float64{3, 3, 3}) {
			near(t, c.name+" of equal rewards", a, 0, 0)
		}
	}
}

func TestAdaptKL(t *testing.T) {
	for _, c := range []struct{ kl, want float64 }{{6, 0.1}, {6.6, 0.1 * (1 + 0.1*0.0256)}, {60, 0.1 * (1 + 0.2*0.0256)}, {0, 0.1 * (1 - 0.2*0.0256)}} {
		near(t, "β", adaptKL(0.1, c.kl, 6, 256, 10000), c.want, 1e-15)
	}
}

// A value after the last token is what GAE would make of one more token there.
func TestBootstrapped(t *testing.T) {
	rewards, values := []float64{0.5, -1, 0.25}, []float64{3, -2, 1}
	got, _ := GAE(bootstrapped(rewards, 0.7, 0.9), values, 0.9, 0.8)
	delta := 0.25 + 0.9*0.7 - 1
	near(t, "the last advantage", got[2], delta, 1e-12)
	near(t, "the one before", got[1], -1+0.9*1-(-2)+0.9*0.8*delta, 1e-12)
	if rewards[2] != 0.25 {
		t.Error("the rewards were changed")
	}
}

// A penalty is on every token, the score on the last alone.
func TestTokenRewards(t *testing.T) {
	for t2, want := range []float64{-0.1 * (-1 - -2), -0.1*(-3-(-0.5)) + 0.5} {
		near(t, "reward", TokenRewards(0.5, []float64{-1, -3}, []float64{-2, -0.5}, 0.1)[t2], want, 1e-15)
	}
}
