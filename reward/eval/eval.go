package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/satori-go/satori/coat"
)

// A Summary describes attempts. Shares lie in [0, 1]; shares of nothing are 0.
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

// A Level describes the attempts at problems of one difficulty. Level 0: not known.
type Level struct {
	Level      int     `json:"level"`
	N          int     `json:"n"`
	Accuracy   float64 `json:"accuracy"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	MeanTokens float64 `json:"mean_tokens"`
}

// Groups describes attempts of which there are equally many at each problem, two or more.
type Groups struct {
	Problems int     `json:"problems"`
	Size     int     `json:"attempts"` // n, for each problem
	Pass1    float64 `json:"pass_1"`
	PassN    float64 `json:"pass_n"`
	MajN     float64 `json:"maj_n"`
}

// Summarize counts attempts that were judged. It leaves nil what the caller sets.
func Summarize(attempts []coat.Judged) Summary {
	all, truncated := count(0, attempts), 0
	for _, a := range attempts {
		if a.Truncated {
			truncated++
		}
	}
	s := Summary{
		N: all.N, Accuracy: all.Accuracy, Low: all.Low, High: all.High, MeanTokens: all.MeanTokens,
		Truncated: share(truncated, len(attempts)),
		Levels:    []Level{}, // [] in JSON
		Form:      form(attempts),
		Groups:    groups(attempts),
	}
	byLevel := map[int][]coat.Judged{}
	for _, a := range attempts {
		level := a.Start.Problem.Level
		byLevel[level] = append(byLevel[level], a)
	}
	for level, list := range byLevel {
		s.Levels = append(s.Levels, count(level, list))
	}
	slices.SortFunc(s.Levels, func(a, b Level) int { return cmp.Compare(a.Level, b.Level) })
	return s
}

func count(level int, attempts []coat.Judged) Level {
	right, tokens := 0, 0
	for _, a := range attempts {
		if a.Right() {
			right++
		}
		tokens += a.Tokens
	}
	l := Level{Level: level, N: len(attempts), Accuracy: share(right, len(attempts)), MeanTokens: share(tokens, len(attempts))}
	l.Low, l.High = Wilson(right, len(attempts))
	return l
}

// Wilson returns the 95 % score interval of a share k/n (Wilson 1927), with z = 1.96:
//
//	(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n),  p = k/n
//
// For n = 0 the interval is [0, 1].
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
