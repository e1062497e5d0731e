package report

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/satori-go/satori/reward/eval"
)

// Print prints the figures of the evaluations as a table, and what its rows and columns are. A
// figure that an evaluation lacks is a dash.
func Print(w io.Writer, s Summary) {
	const format = "%-8s %8s %8s %8s %8s %10s %14s %14s\n"
	fmt.Fprintf(w, "\n"+format, "", "greedy", "T=1", "hard", "tokens", "truncated", "F→T : T→F", "at T=1")
	for _, e := range s.Evaluations {
		t1, hard := "–", "–"
		if e.AccuracyT1 != nil {
			t1 = oneDigit(*e.AccuracyT1)
		}
		if e.Hard != nil {
			hard = oneDigit(e.Hard.Accuracy)
		}
		fmt.Fprintf(w, format, e.Name, oneDigit(e.Accuracy), t1, hard, fmt.Sprintf("%.1f", e.MeanTokens), oneDigit(e.Truncated),
			ratio(e.SelfCorrection), ratio(e.SelfCorrectionT1))
	}
	fmt.Fprint(w, legend)
	for _, e := range s.Evaluations {
		name := stageName(e.Name)
		if e.Name == "round2" {
			name = "the " + name
		}
		fmt.Fprintf(w, "%-10s the model after %s\n", e.Name, name)
	}
}

const legend = `
greedy     right answers, with the likeliest token at each position
T=1        right answers, sampled at temperature 1
hard       right answers to problems that are harder than any in training, greedy
tokens     mean length of a response, greedy
truncated  responses that the token limit cut off, greedy
F→T : T→F  changes from a wrong to a right answer : from a right to a wrong one, greedy
at T=1     the same, sampled at temperature 1
`

func oneDigit(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

func ratio(c *eval.Correction) string {
	if c == nil {
		return "–"
	}
	return fmt.Sprintf("%d : %d", c.F2T, c.T2F)
}

// Versions returns the versions of Go and of the modules on which the figures depend.
func Versions() map[string]string {
	v := map[string]string{"go": runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, m := range info.Deps {
		if strings.HasPrefix(m.Path, "github.com/gomlx/") {
			v[m.Path] = m.Version
		}
	}
	return v
}
