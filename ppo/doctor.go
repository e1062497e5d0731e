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

// A Checks looks at every iteration before and while it is trained on. It cannot be
// turned off; its fields say how much is still healthy. What it finds is a [*CheckError] and
// ends the run: none of these mistakes shows in a loss.
type Checks struct {
	// Ratio is how far ρ may be from 1 on average before the first update of an iteration.
	// 0: 1e-5, several times what sampling and training differ by in f32. +Inf: any.
	Ratio float64
	// Value is the same for |V−V_old|, in units of the values' size where that is over 1.
	// 0: 1e-5. +Inf: any.
	Value float64
	// Reference is how far policy and reference may be apart before any update, in nats a
	// token. 0: 1e-5, a reference is what training started from. +Inf: it is another model.
	Reference float64
}

func (d Checks) resolve() Checks {
	d.Ratio, d.Value, d.Reference = cmp.Or(d.Ratio, 1e-5), cmp.Or(d.Value, 1e-5), cmp.Or(d.Reference, 1e-5)
	return d
}

// A Check is one thing that the doctor looks at.
type Check uint8

const (
	CheckRollouts  Check = iota // of each start one response, whole, with log-probabilities
	CheckEnds                   // an EOS was sampled where a response ends, and nowhere else
	CheckReference              // KL to the reference is 0 before any update
	CheckReward                 // the score lies on the last sampled token
	CheckReturns                // returns are not whitened, nothing is not finite
	CheckWhitened               // advantages have mean 0 and variance 1
	CheckTrained                // something is left to train on
	CheckMask                   // the mask is the sampled tokens, and the columns lie under it
	CheckRatio                  // ρ is 1 on the first pass
	CheckValue                  // V is V_old on the first pass
)

func (c Check) String() string {
	return [...]string{"rollouts", "end", "reference", "reward", "returns", "whitened", "trained", "mask", "ratio", "value"}[c]
}

// A CheckError is something that the doctor found.
type CheckError struct {
	Check  Check
	Rows   []int  // of the iteration's rollouts; of the mini-batch, where Update was called by hand
	Found  string // and what was expected
	Change string // what to look at
}

func (f *CheckError) Error() string {
	rows := ""
	switch n := len(f.Rows); {
	case n > 8:
		rows = fmt.Sprintf("rows %v and %d more: ", f.Rows[:8], n-8)
	case n > 0:
		rows = fmt.Sprintf("rows %v: ", f.Rows)
	}
	return fmt.Sprintf("doctor: %v: %s%s; %s", f.Check, rows, f.Found, f.Change)
}

// Diagnostics is what the doctor counted in an iteration, and measured on its first update.
type Diagnostics struct {
	Truncated             int     // rollouts that the token limit cut off
	Masked                int     // rollouts that were not trained on
	Groups, ZeroStdGroups int     // groups of more than one rollout, and those whose scores, without penalties, are all equal
	RatioError            float64 // mean |ρ−1| before any update of the iteration
	RatioMax              float64 // the largest
	ValueError            float64 // mean |V−V_old|
	ValueMax              float64
}

func (h *Diagnostics) first(s Stats) {
	h.RatioError, h.ValueError = s.RatioError, s.ValueError
	if len(s.Ratios) > 0 {
		h.RatioMax = slices.Max(s.Ratios)
	}
	if len(s.Values) > 0 {
		h.ValueMax = slices.Max(s.Values)
	}
}

// count fills in the part of a step that is known before its updates.
func (s *Step) count(c Config, trained int) {
	reference := 0.0
	for _, x := range s.Samples {
		s.Sampled += len(x.Tokens)
		if c.Truncated != Mask || !x.Truncated {
			s.Trained += c.Epochs * (len(x.Prompt) + len(x.Tokens))
		}
		if x.Truncated {
			s.Diagnostics.Truncated++
		}
		for t, ref := range x.RefLogProbs {
			reference += float64(x.LogProbs[t]) - ref
		}
	}
	s.Diagnostics.Masked = len(s.Samples) - trained
	s.KL, s.NextKL = reference/float64(len(s.Samples)), c.KL
	if c.KLTarget > 0 {
		s.NextKL = adaptKL(c.KL, s.KL, c.KLTarget, len(s.Samples), c.KLHorizon)
	}
	if c.NumGenerations > 1 {
		for group := range slices.Chunk(s.Samples, c.NumGenerations) {
			s.Diagnostics.Groups++
			if !slices.ContainsFunc(group, func(x Sample) bool { return x.Score.Total != group[0].Score.Total }) {
				s.Diagnostics.ZeroStdGroups++
			}
		}
	}
}

// rounding is how far over 0 a log-probability may be: 3e-8 was seen of XLA's softmax, for a
// token that was all but certain.
const rounding = 1e-6

// checkSampled looks at what the policy gave, in iteration i from 0.
func (c Config) checkSampled(i int, starts []coat.Start, rollouts []Rollout, estimates []Estimate) error {
	if len(rollouts) != len(starts) || len(estimates) != len(starts) {
		return &CheckError{CheckRollouts, nil, fmt.Sprintf("%d rollouts and %d estimates of %d starts", len(rollouts), len(estimates), len(starts)), "Policy.Rollouts and Estimate have to keep number and order"}
	}
	critic := slices.ContainsFunc(estimates, func(e Estimate) bool { return e.Values != nil })
	if !critic && c.Advantage == nil {
		return errors.New("the policy has no critic, and with Config.Advantage nil the advantages come of one; give it a critic, or set Advantage")
	}
	var broken, infinite, apart, filtered []int
	for k, r := range rollouts {
		n, e := len(r.Tokens), estimates[k]
		if !reflect.DeepEqual(r.Start, starts[k]) || n == 0 || len(r.Prompt) == 0 || len(r.LogProbs) != n || critic && len(e.Values) != n || e.RefLogProbs != nil && len(e.RefLogProbs) != n {
			broken = append(broken, k)
			continue
		}
		if r.UnfilteredLogProbs != nil {
			filtered = append(filtered, k)
		}
		sound := finite(append([]float64{e.Estimates}, e.Values...)) && finite(e.RefLogProbs)
		far := 0.0
		for t, logp := range r.LogProbs {
			sound = sound && logp <= rounding && !math.IsInf(float64(logp), 0) // not NaN either
			if e.RefLogProbs != nil {
				far += math.Abs(float64(logp)-e.RefLogProbs[t]) / float64(n)
			}
		}
		if !sound {
			infinite = append(infinite, k)
		}
		if i == 0 && far > c.Checks.Reference {
			apart = append(apart, k)
		}
		if c.KL > 0 && e.RefLogProbs == nil {
			return fmt.Errorf("Config.KL is %g and the policy has no reference to measure it against", c.KL)
		}
	}
	switch {
	case broken != nil:
		return &CheckError{CheckRollouts, broken, "want the start's prompt, one token or more, and a log-probability, a value and (with a reference) its log-probability a token", "look at Policy.Rollouts and Estimate"}
	case filtered != nil:
		return &CheckError{CheckRollouts, filtered, "they were sampled with top-p, top-k or min-p, and every ratio would be off by the mass that was cut off", "PPO takes the whole distribution at a temperature"}
	case infinite != nil:
		return &CheckError{CheckRollouts, infinite, "log-probabilities over 0, or figures that are not finite", "look at Policy.Rollouts and Estimate, and at the rates if it worked before"}
	case apart != nil:
		return &CheckError{CheckReference, apart, fmt.Sprintf("the policy is more than %g nats a token away from its reference before any update", c.Checks.Reference),
			"the reference has to be a copy of the policy, at the temperature of sampling; if it is meant to be another model, set Checks.Reference to +Inf"}
	}
	return nil
}

// checkRewards looks at what the scores became.
func (c Config) checkRewards(samples []Sample) error {
	var rows []int
	for k, s := range samples {
		if !c.rewardInPlace(s) {
			rows = append(rows, k)
		}
	}
	if rows != nil {
		return &CheckError{CheckReward, rows, "the reward of the response is not on its last sampled token, or not all of it", "look at TokenRewards: one entry a token, the score on the last, the penalty on each"}
	}
	return nil
}

// checkSamples looks at what the rewards became, of which those of train are trained on.
func (c Config) checkSamples(samples []Sample, train []int) error {
	if len(train) == 0 {
		return &CheckError{CheckTrained, nil, fmt.Sprintf("all of %d rollouts were cut off and are masked", len(samples)), "raise the token limit, or do not mask what it cuts off"}
	}
	var returns []int
	for k, s := range samples {
		if !c.returnsAddUp(s) {
			returns = append(returns, k)
		}
	}
	if returns != nil {
		return &CheckError{CheckReturns, returns, "the returns are not γλ-returns of the rewards and values", "look at GAE, and at what follows it: advantages are whitened, returns never"}
	}
	if c.Advantage != nil || count(pick(samples, train)) < 2 { // Whiten leaves one token alone
		return nil
	}
	// Returns less values are the advantages as they were.
	_, raw := moments(samples, train, func(s Sample, t int) float64 { return s.Returns[t] - s.Values[t] })
	mean, variance := moments(samples, train, func(s Sample, t int) float64 { return s.Advantages[t] })
	if want := raw / (raw + 1e-8); !(math.Abs(mean) < 1e-6 && math.Abs(variance-want) < 1e-3) {
		return &CheckError{CheckWhitened, nil, fmt.Sprintf("the advantages have mean %.3g and variance %.3g, want 0 and %.3g", mean, variance, want), "look at Whiten: over all tokens that are trained"}
	}
	return nil
}

// moments are mean and variance, with Bessel's correction, over the tokens of some samples.
func moments(samples []Sample, which []int, f func(s Sample, t int) float64) (mean, variance float64) {
	n := 0.0
	for _, k := range which {
		for t := range samples[k].Tokens {
			x := f(samples[k], t)
			n++
			d := x - mean
			mean += d / n
			variance += d * (x - mean)
		}
	}
	return mean, variance / max(1, n-1)
}

// rewardInPlace: without the penalty, the score is on the last token and nothing is
// elsewhere.
func (c Config) rewardInPlace(s Sample) bool {
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

// returnsAddUp: returns less values follow GAE's recursion, whatever was done to the
// advantages since.
func (c Config) returnsAddUp(s Sample) bool {
	if len(s.Returns) != len(s.Rewards) || len(s.Advantages) != len(s.Rewards) || !finite(s.Returns) || !finite(s.Advantages) {
		return false
	}
	for t := len(s.Rewards) - 2; t >= 0; t-- { // the last may be bootstrapped
		// R = r + γ·((1−λ)·V' + λ·R')
		want := s.Rewards[t] + c.Gamma*((1-c.Lambda)*s.Values[t+1]+c.Lambda*s.Returns[t+1])
		if !(math.Abs(s.Returns[t]-want) <= 1e-9*max(1, math.Abs(want), math.Abs(s.Values[t]))) {
			return false
		}
	}
	last := len(s.Rewards) - 1
	return c.Truncated == Bootstrap && s.Truncated || math.Abs(s.Returns[last]-s.Rewards[last]) <= 1e-9*max(1, math.Abs(s.Rewards[last]), math.Abs(s.Values[last]))
}

// checkFirst looks at the first update of an iteration: the policy is still the one that
// sampled, and the critic the one that estimated.
func (c Config) checkFirst(stats Stats, part []int, samples []Sample) error {
	if !(stats.RatioError <= c.Checks.Ratio) {
		return &CheckError{CheckRatio, worst(stats.Ratios, part), fmt.Sprintf("before any update the ratio to the sampler's log-probabilities is off by %.2g on average, want under %g", stats.RatioError, c.Checks.Ratio),
			"sampler and trainer disagree about weights, temperature, mask or shift; if the sampler computes in another precision, set Checks.Ratio"}
	}
	var n, squares float64
	for _, k := range part {
		for _, v := range samples[k].Values {
			n, squares = n+1, squares+v*v
		}
	}
	if !(stats.ValueError <= c.Checks.Value*max(1, math.Sqrt(squares/n))) {
		return &CheckError{CheckValue, worst(stats.Values, part), fmt.Sprintf("before any update the values are off by %.2g on average from those of Estimate, want under %g", stats.ValueError, c.Checks.Value),
			"Estimate and the critic's loss disagree about weights, scale, mask or shift"}
	}
	return nil
}

// located is a fault of a mini-batch with the rows that its samples have in the iteration.
func located(err error, part []int) error {
	if f := (*CheckError)(nil); errors.As(err, &f) {
		for k, row := range f.Rows {
			f.Rows[k] = part[row]
		}
	}
	return err
}

// behind is a fault of a part with the rows that its samples have in the mini-batch.
func behind(err error, from int) error {
	if f := (*CheckError)(nil); errors.As(err, &f) {
		for k := range f.Rows {
			f.Rows[k] += from
		}
	}
	return err
}

// worst are the rows that are off most, from the largest down to half of it: all of
// them, if it is not known which.
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

// checkEnds: a response ends where an EOS was sampled, or is marked as truncated.
func (a *ActorCritic) checkEnds(rollouts []Rollout) error {
	c := a.LM.Config
	ends := func(token int32) bool { return token == c.EOS || slices.Contains(c.Stops, token) }
	limit := a.config.MaxTokens
	if a.config.ForceEOS {
		limit++
	}
	var rows []int
	for k, r := range rollouts {
		at := slices.IndexFunc(r.Tokens, ends)
		if ended := at >= 0 && at == len(r.Tokens)-1; at >= 0 && !ended || ended == r.Truncated || len(r.Tokens) > limit {
			rows = append(rows, k)
		}
	}
	if rows != nil {
		return &CheckError{CheckEnds, rows, fmt.Sprintf("want at most %d tokens, the EOS at the end of what is not truncated and nowhere else", limit),
			"an EOS that was not sampled is not to be trained; ForceEOS does it in full knowledge"}
	}
	return nil
}

// checkPacked: what lies under the mask of a micro-batch is what was sampled.
func checkPacked(minibatch []Sample, group []int, ids [][]int32, floats [][][]float32) error {
	fault := func(i int, found string) error {
		return &CheckError{CheckMask, []int{i}, found, "look at pack: one mask, 1 on the sampled tokens, the columns aligned to it"}
	}
	for k, i := range group {
		s, at := minibatch[i], 0
		for t, m := range floats[0][k] {
			if m == 0 {
				continue
			}
			if m != 1 || at >= len(s.Tokens) || t != len(s.Prompt)+at || ids[k][t] != s.Tokens[at] {
				return fault(i, fmt.Sprintf("position %d is under the mask and is not token %d of the response", t, at))
			}
			at++
		}
		if at != len(s.Tokens) || at == 0 {
			return fault(i, fmt.Sprintf("%d positions under the mask, %d tokens were sampled", at, len(s.Tokens)))
		}
		for _, column := range floats[1:] {
			for t, x := range column[k] {
				if x != 0 && floats[0][k][t] == 0 {
					return fault(i, fmt.Sprintf("position %d has a figure and is not under the mask", t))
				}
			}
		}
	}
	return nil
}
