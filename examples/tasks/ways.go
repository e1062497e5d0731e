package tasks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
)

// Ways counts what responses try, right or wrong. A response begins a way, and so does
// every <|explore|> in it.
type Ways struct {
	Tried       int `json:"tried"`
	Whole       int `json:"whole"`  // each step is one that the question allows, up to the way's end
	Again       int `json:"again"`  // of those that are whole: tried before in the same response
	Checks      int `json:"checks"` // reflections on steps that the question allows
	ChecksRight int `json:"checks_right"`
}

// Add sums up.
func (w *Ways) Add(o Ways) {
	w.Tried += o.Tried
	w.Whole += o.Whole
	w.Again += o.Again
	w.Checks += o.Checks
	w.ChecksRight += o.ChecksRight
}

// Ways goes through a response, which may be no [coat.Trace]. A way that the token limit
// cut off is left out.
func (t Task) Ways(a coat.Attempt) (Ways, error) {
	z, err := t.read(a.Start.Problem.Question)
	if err != nil {
		return Ways{}, fmt.Errorf("tasks: problem %q: %w", a.Start.Problem.ID, err)
	}
	var n Ways
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
func (z puzzle) follow(text string, n *Ways) (way, bool) {
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
