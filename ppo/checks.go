package ppo

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/satori-go/satori/coat"
)

// Checks hold the tolerances of the checks that a [Trainer] makes in every iteration. The checks
// find faults of a policy, a reward or a server that the loss does not show. They cannot be
// turned off. A failed check is a [*CheckError] and ends training.
type Checks struct {
	// Ratio bounds the mean |ρ−1| before the first update of an iteration. 0: 1e-5, several
	// times the difference between sampling and training in f32. +Inf: no bound.
	Ratio float64
	// Value bounds the mean |V−V_old| before the first update, in units of the values' size
	// where that is over 1. 0: 1e-5. +Inf: no bound.
	Value float64
	// Reference bounds the difference of policy and reference before any update, in nats a
	// token. 0: 1e-5, for a reference that is a copy of the policy. +Inf: no bound, for a
	// reference that is another model.
	Reference float64
}

func (c Checks) resolve() Checks {
	c.Ratio, c.Value, c.Reference = cmp.Or(c.Ratio, 1e-5), cmp.Or(c.Value, 1e-5), cmp.Or(c.Reference, 1e-5)
	return c
}

// A Check is one thing that a [Trainer] checks.
type Check uint8

// The checks. A [CheckError] names one of them.
const (
	CheckRollouts  Check = iota // each start has one response, whole, with one entry a token in each array
	CheckEnds                   // a response ends with a sampled EOS, or is truncated
	CheckFinite                 // log-probabilities, values and advantages are finite
	CheckRange                  // log-probabilities are not over 0, and of the whole distribution
	CheckReference              // policy and reference agree before any update
	CheckTrained                // some rollouts are left to train on
	CheckRatio                  // ρ is 1 on the first pass
	CheckValue                  // V is V_old on the first pass
)

var checkNames = [...]string{"rollouts", "ends", "finite", "range", "reference", "trained", "ratio", "value"}

// String returns the check's name in one word.
func (c Check) String() string {
	if int(c) < len(checkNames) {
		return checkNames[c]
	}
	return fmt.Sprintf("Check(%d)", uint8(c))
}

// A CheckError is a failed check.
type CheckError struct {
	Check Check
	Rows  []int  // rollouts of the iteration at fault; of the mini-batch, where the caller called Update
	Found string // what was found, and what was wanted
	Hint  string // where to look
}

// Error says what was found, and where to look.
func (e *CheckError) Error() string {
	rows := ""
	switch n := len(e.Rows); {
	case n > 8:
		rows = fmt.Sprintf("rows %v and %d more: ", e.Rows[:8], n-8)
	case n > 0:
		rows = fmt.Sprintf("rows %v: ", e.Rows)
	}
	return fmt.Sprintf("check %v: %s%s; %s", e.Check, rows, e.Found, e.Hint)
}

// maxRounding bounds how far rounding takes a log-probability over 0: 3e-8 was seen of XLA's
// softmax, for a token that was all but certain.
const maxRounding = 1e-6

// checkRollouts checks what the policy gave for the starts of iteration i, counted from 0.
func (c Config) checkRollouts(i int, starts []coat.Start, rollouts []Rollout, estimates []Estimates) error {
	if len(rollouts) != len(starts) || len(estimates) != len(starts) {
		found := fmt.Sprintf("%d rollouts and %d estimates of %d starts", len(rollouts), len(estimates), len(starts))
		return &CheckError{CheckRollouts, nil, found, "Policy.Rollouts and Estimate have to keep number and order"}
	}
	critic := slices.ContainsFunc(estimates, func(e Estimates) bool { return e.Values != nil })
	if !critic && !c.grouped() {
		return errors.New("the policy has no critic, which Config.Advantage needs where it is not set; give it a critic, or set Advantage")
	}
	var broken, infinite, filtered, over, apart []int
	for k, r := range rollouts {
		n, e := len(r.Tokens), estimates[k]
		if !reflect.DeepEqual(r.Start, starts[k]) || n == 0 || len(r.Prompt) == 0 || len(r.LogProbs) != n ||
			critic && len(e.Values) != n || e.RefLogProbs != nil && len(e.RefLogProbs) != n {
			broken = append(broken, k)
			continue
		}
		if c.KL > 0 && e.RefLogProbs == nil {
			return fmt.Errorf("Config.KL is %g and the policy has no reference to measure it against", c.KL)
		}
		logProbs := float64s(r.LogProbs)
		if !finite(logProbs) || !finite(e.Values) || !finite(e.RefLogProbs) || !finite([]float64{e.BootstrapValue}) {
			infinite = append(infinite, k)
			continue
		}
		if r.UnfilteredLogProbs != nil {
			filtered = append(filtered, k)
		}
		if slices.Max(logProbs) > maxRounding {
			over = append(over, k)
		}
		far := 0.0
		for t, ref := range e.RefLogProbs {
			far += math.Abs(logProbs[t]-ref) / float64(n)
		}
		if i == 0 && far > c.Checks.Reference {
			apart = append(apart, k)
		}
	}
	switch {
	case broken != nil:
		want := "want the start's prompt, one token or more, and a log-probability, a value and (with a reference) its log-probability a token"
		return &CheckError{CheckRollouts, broken, want, "look at Policy.Rollouts and Estimate"}
	case filtered != nil:
		found := "they were sampled with top-p, top-k or min-p, and every ratio would be off by the probability that was cut off"
		return &CheckError{CheckRange, filtered, found, "sample from the whole distribution"}
	case infinite != nil:
		return &CheckError{CheckFinite, infinite, "a log-probability or a value is not finite",
			"look at Policy.Rollouts and Estimate; if they worked before, lower the learning rates"}
	case over != nil:
		return &CheckError{CheckRange, over, "a log-probability is over 0", "look at Policy.Rollouts"}
	case apart != nil:
		found := fmt.Sprintf("the policy is more than %g nats a token away from its reference before any update", c.Checks.Reference)
		return &CheckError{CheckReference, apart, found, "the reference has to be a copy of the policy, at the temperature of sampling; " +
			"if it is meant to be another model, set Checks.Reference to +Inf"}
	}
	return nil
}

// checkTrained checks the samples that updates are made from: list of all samples.
func (c Config) checkTrained(samples []Sample, list []int) error {
	if len(list) == 0 {
		found := fmt.Sprintf("all of %d rollouts were cut off and are masked", len(samples))
		return &CheckError{CheckTrained, nil, found, "raise the token limit, or do not mask what it cuts off"}
	}
	var rows []int
	for k, s := range samples {
		if !finite(s.Advantages) || !finite(s.Returns) {
			rows = append(rows, k)
		}
	}
	if rows != nil {
		return &CheckError{CheckFinite, rows, "an advantage or a return is not finite", "look at the rewards, and at Config.Advantage"}
	}
	return nil
}

// checkFirst checks the statistics of the first update of an iteration: the policy is still
// the one that sampled, and the critic the one that estimated.
func (c Config) checkFirst(stats Stats, part []int, samples []Sample) error {
	if !(stats.RatioError <= c.Checks.Ratio) {
		found := fmt.Sprintf("before any update the ratio to the sampler's log-probabilities is off by %.2g on average, want under %g",
			stats.RatioError, c.Checks.Ratio)
		return &CheckError{CheckRatio, worst(stats.Ratios, part), found, "sampler and trainer disagree about weights, temperature, mask or shift; " +
			"if the sampler computes in another precision, set Checks.Ratio"}
	}
	var n, squares float64
	for _, k := range part {
		for _, v := range samples[k].Values {
			n, squares = n+1, squares+v*v
		}
	}
	if !(stats.ValueError <= c.Checks.Value*max(1, math.Sqrt(squares/n))) {
		found := fmt.Sprintf("before any update the values are off by %.2g on average from those of Estimate, want under %g",
			stats.ValueError, c.Checks.Value)
		return &CheckError{CheckValue, worst(stats.Values, part), found, "Estimate and the critic's loss disagree about weights, scale, mask or shift"}
	}
	return nil
}

// located gives the rows of a mini-batch's CheckError the numbers that they have in the
// iteration.
func located(err error, part []int) error {
	if e := (*CheckError)(nil); errors.As(err, &e) {
		for k, row := range e.Rows {
			e.Rows[k] = part[row]
		}
	}
	return err
}

// worst returns the rows that are off most, from the largest down to half of it; all rows,
// where off has no entry for each.
func worst(off []float64, part []int) (rows []int) {
	if len(off) != len(part) {
		return slices.Sorted(slices.Values(part))
	}
	for k, row := range part {
		if !(off[k] < slices.Max(off)/2) {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	return rows
}

func finite(list []float64) bool {
	return !slices.ContainsFunc(list, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}
