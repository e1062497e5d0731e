package tasks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/report"
)

// Ways counts what a response tries; it need not be a [coat.Trace]. Ways leaves out a way
// that the token limit cut off.
func (t Task) Ways(a coat.Attempt) (report.Ways, error) {
	z, err := t.read(a.Start.Problem.Question)
	if err != nil {
		return report.Ways{}, fmt.Errorf("tasks: problem %q: %w", a.Start.Problem.ID, err)
	}
	var n report.Ways
	tried := map[string]bool{}
	all := strings.Split(a.Text, coat.Explore.String())
	for i, text := range all {
		if a.Truncated && i == len(all)-1 {
			break
		}
		n.Tried++
		if w, ok := z.follow(text, &n); ok {
			n.Whole++
			if tried[w.answer] {
				n.Again++
			}
			tried[w.answer] = true
		}
	}
	return n, nil
}

// follow takes the steps of a way's text, counts the checks among them, and tells which
// way they are, if they are one.
func (z puzzle) follow(text string, n *report.Ways) (way, bool) {
	open, done := z.ways, 0
	text = strings.ReplaceAll(text, coat.Reflect.String(), coat.Continue.String()+coat.Reflect.String())
	for part := range strings.SplitSeq(text, coat.Continue.String()) {
		check, isCheck := strings.CutPrefix(part, coat.Reflect.String())
		step := strings.Join(strings.Fields(check), " ")
		switch {
		case isCheck && done > 0 && len(open) > 0:
			n.Checks++
			if step == open[0].checks[done-1] {
				n.ChecksRight++
			}
		case isCheck || strings.HasPrefix(step, `\boxed{`):
		case len(open) > 0 && done < len(open[0].steps):
			open = slices.DeleteFunc(slices.Clone(open), func(w way) bool { return w.steps[done] != step })
			done++
		default:
			open = nil // a step more than there are
		}
	}
	if len(open) == 0 || done < len(open[0].steps) {
		return way{}, false
	}
	return open[0], true
}
