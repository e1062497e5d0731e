package ppo

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// Groups without variance are counted, and teach nothing.
func TestZeroStdGroups(t *testing.T) {
	step := Step{}
	for _, total := range []float64{1, 1, 0, 1, 0, 0} {
		step.Samples = append(step.Samples, Sample{Score: reward.Score{Total: total}})
	}
	step.count(Config{NumGenerations: 2}, 6)
	if step.Diagnostics.Groups != 3 || step.Diagnostics.ZeroStdGroups != 2 {
		t.Errorf("%+v", step.Diagnostics)
	}
}

// A value that is no check has a name, too.
func TestCheckNames(t *testing.T) {
	if got := CheckRatio.String() + " " + Check(200).String(); got != "ratio Check(200)" {
		t.Error(got)
	}
}

// A log-probability may be over 0 by rounding, and not further; and it has to be a number.
func TestRangeOfLogProbs(t *testing.T) {
	c := Config{Advantage: GRPO(), Checks: Checks{}.resolve()}
	starts := make([]coat.Start, 2)
	for _, x := range []struct {
		logp  float64
		check Check
		sound bool
	}{{-1, 0, true}, {2.5e-8, 0, true} /* seen of XLA's softmax */, {0.01, CheckRange, false}, {math.NaN(), CheckFinite, false}, {math.Inf(-1), CheckFinite, false}} {
		rollouts := []Rollout{{Prompt: []int32{1}, Tokens: []int32{2}, LogProbs: []float32{-1}}, {Prompt: []int32{1}, Tokens: []int32{2}, LogProbs: []float32{float32(x.logp)}}}
		err := c.checkRollouts(0, starts, rollouts, make([]Estimates, 2))
		var e *CheckError
		if x.sound && err != nil || !x.sound && (!errors.As(err, &e) || e.Check != x.check || !slices.Equal(e.Rows, []int{1})) {
			t.Errorf("%g: %v", x.logp, err)
		}
	}
}
