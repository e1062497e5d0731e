package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/satori-go/satori/coat"
)

// A Result is an attempt and what the caller found out about it.
type Result struct {
	Attempt coat.Attempt
	Right   bool // see reward.Func.Verdict
	Tokens  int  // of the response
	// Answer is what the attempt votes for; see [Majority]. Empty: the words of its last
	// box. [Answers] finds those of mathematics.
	Answer string
}

// A Summary describes results. Shares lie in [0, 1]; those of nothing are 0.
type Summary struct {
	N          int     `json:"n"`
	Accuracy   float64 `json:"accuracy"`
	Low        float64 `json:"low"` // Wilson interval of Accuracy, 95 %
	High       float64 `json:"high"`
	MeanTokens float64 `json:"mean_tokens"`
	Truncated  float64 `json:"truncated"` // share that hit the token limit
	Levels     []Level `json:"by_level"`  // ascending
	Form       Form    `json:"format"`
	Groups     *Groups `json:"groups,omitempty"` // nil: one attempt a problem, or unequal numbers

	// Set by the caller, who alone knows how the attempts were made.
	AccuracyT1     *float64    `json:"accuracy_t1,omitempty"`     // at temperature 1, where these are greedy
	Hard           *Summary    `json:"hard,omitempty"`            // on problems harder than those of training
	SelfCorrection *Correction `json:"self_correction,omitempty"` // by SelfCorrection
	// SelfCorrectionT1 is by SelfCorrection, too, of attempts at temperature 1.
	SelfCorrectionT1 *Correction `json:"self_correction_t1,omitempty"`
	SecondAttempt    *Correction `json:"second_attempt,omitempty"` // by SecondAttempt
}

// A Level is the results on problems of one difficulty. Level 0 is not known.
type Level struct {
	Level      int     `json:"level"`
	N          int     `json:"n"`
	Accuracy   float64 `json:"accuracy"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	MeanTokens float64 `json:"mean_tokens"`
}

// A Form describes the responses as traces. The prefix of a restart is left out; its
// bare <|reflect|> and the text that the response opens with are one step, which is
// the prefix's.
type Form struct {
	Parsed       float64 `json:"parsed"`            // share that parses as a coat.Trace
	Steps        float64 `json:"mean_steps"`        // of those that parse
	Reflections  float64 `json:"mean_reflections"`  // ...
	Explorations float64 `json:"mean_explorations"` // ...
}

// Groups describes results with the same number of attempts for each problem.
type Groups struct {
	Problems int     `json:"problems"`
	Size     int     `json:"attempts"` // n, for each problem
	Pass1    float64 `json:"pass_1"`
	PassN    float64 `json:"pass_n"`
	MajN     float64 `json:"maj_n"`
}

// Summarize counts. What the caller sets is left nil.
func Summarize(results []Result) Summary {
	all, truncated := count(0, results), 0
	for _, r := range results {
		if r.Attempt.Truncated {
			truncated++
		}
	}
	s := Summary{
		N: all.N, Accuracy: all.Accuracy, Low: all.Low, High: all.High, MeanTokens: all.MeanTokens,
		Truncated: share(truncated, len(results)),
		Levels:    []Level{}, // [] in JSON
		Form:      form(results),
		Groups:    groups(results),
	}
	byLevel := map[int][]Result{}
	for _, r := range results {
		level := r.Attempt.Start.Problem.Level
		byLevel[level] = append(byLevel[level], r)
	}
	for level, rs := range byLevel {
		s.Levels = append(s.Levels, count(level, rs))
	}
	slices.SortFunc(s.Levels, func(a, b Level) int { return cmp.Compare(a.Level, b.Level) })
	return s
}

func count(level int, results []Result) Level {
	right, tokens := 0, 0
	for _, r := range results {
		if r.Right {
			right++
		}
		tokens += r.Tokens
	}
	l := Level{Level: level, N: len(results), Accuracy: share(right, len(results)), MeanTokens: share(tokens, len(results))}
	l.Low, l.High = Wilson(right, len(results))
	return l
}

func form(results []Result) Form {
	var traces, prefixes []coat.Trace
	for _, r := range results {
		if trace, err := r.Attempt.Trace(); err == nil {
			traces = append(traces, trace)
			prefixes = append(prefixes, r.Attempt.Start.Prefix)
		}
	}
	perTrace := func(counts func(coat.Step) bool) float64 {
		n := 0
		for i, trace := range traces {
			n += steps(trace, counts) - steps(prefixes[i], counts)
		}
		return share(n, len(traces))
	}
	return Form{
		Parsed:       share(len(traces), len(results)),
		Steps:        perTrace(func(coat.Step) bool { return true }),
		Reflections:  perTrace(func(s coat.Step) bool { return s.Action == coat.Reflect }),
		Explorations: perTrace(func(s coat.Step) bool { return s.Action == coat.Explore }),
	}
}

func steps(trace coat.Trace, counts func(coat.Step) bool) (n int) {
	for _, s := range trace {
		if counts(s) {
			n++
		}
	}
	return n
}

// Wilson is the 95 % score interval of a share k/n (Wilson 1927), with z = 1.96:
//
//	(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n),  p = k/n
//
// It is [0, 1] for n = 0.
func Wilson(k, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959963984540054 // 97.5 % quantile of the normal distribution
	p, m := float64(k)/float64(n), float64(n)
	centre := p + z*z/(2*m)
	half := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	scale := 1 + z*z/m
	// At p = 0 and p = 1 the interval ends there, but for rounding.
	return max(0, min(p, (centre-half)/scale)), min(1, max(p, (centre+half)/scale))
}

func share(k, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(k) / float64(n)
}
