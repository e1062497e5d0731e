package report

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/ppo/run"
	"github.com/satori-go/satori/reward"
)

// A Sample holds attempts at one problem, which the page shows side by side.
type Sample struct {
	Title    string   `json:"title"`
	Attempts []Judged `json:"attempts"`
}

// A Judged is an attempt with a verdict on each step of its trace that has a box.
type Judged struct {
	Label   string       `json:"label"` // such as "after RL"
	Attempt coat.Attempt `json:"attempt"`
	Right   bool         `json:"right"` // at its end
	Boxes   []bool       `json:"boxes"` // in order
}

// Judge asks the check about every box of an attempt, as if the attempt ended with that box.
// Of a text that is not a [coat.Trace] it takes the outcome of the attempt alone.
func Judge(ctx context.Context, label string, r coat.Judged, check reward.Func) (Judged, error) {
	j := Judged{Label: label, Attempt: r.Attempt, Right: r.Right()}
	trace, err := r.Trace()
	if err != nil {
		return j, nil
	}
	problem := r.Start.Problem
	for i, step := range trace {
		if _, ok := reward.Boxed(step.Text); !ok {
			continue
		}
		cut := coat.Attempt{Start: coat.Start{Problem: problem}, Text: trace[:i+1].String()}
		verdict, err := check.Verdict(ctx, cut)
		if err != nil {
			return j, fmt.Errorf("report: problem %q: %w", problem.ID, err)
		}
		j.Boxes = append(j.Boxes, verdict == coat.Right)
	}
	return j, nil
}

// changed reports whether the last box of an attempt has another verdict than the one before
// it, whose verdict is from.
func (j Judged) changed(from bool) bool {
	n := len(j.Boxes)
	return n > 1 && j.Boxes[n-2] == from && j.Boxes[n-1] != from
}

// Pick pairs attempts at the same problems before and after training. It returns at most n
// pairs, in turn from each of six classes, which the titles name: answers that became right,
// that became wrong, and that stayed the same.
func Pick(ctx context.Context, before, after []coat.Judged, check reward.Func, n int) ([]Sample, error) {
	earlier := map[string]coat.Judged{}
	for _, r := range slices.Backward(before) { // the first attempt at a problem counts
		earlier[r.Start.Problem.ID] = r
	}
	titles := []string{
		"Corrects itself after RL",
		"Wrong before RL, right after",
		"Spoils a right answer after RL",
		"Right before RL, wrong after",
		"Right both times",
		"Wrong both times",
	}
	classes := make([][]Sample, len(titles))
	for _, r := range after {
		first, ok := earlier[r.Start.Problem.ID]
		if !ok {
			continue
		}
		delete(earlier, r.Start.Problem.ID)
		a, err := Judge(ctx, "before RL", first, check)
		if err != nil {
			return nil, err
		}
		b, err := Judge(ctx, "after RL", r, check)
		if err != nil {
			return nil, err
		}
		class := 5
		switch {
		case b.Right && b.changed(false):
			class = 0
		case b.changed(true):
			class = 2
		case !a.Right && b.Right:
			class = 1
		case a.Right && !b.Right:
			class = 3
		case a.Right:
			class = 4
		}
		classes[class] = append(classes[class], Sample{titles[class], []Judged{a, b}})
	}
	var picked []Sample
	for round := range n {
		for _, class := range classes {
			// Take pairs from the whole class: problems are often in the order of their levels.
			if i := round * max(1, len(class)/n); i < len(class) && len(picked) < n {
				picked = append(picked, class[i])
			}
		}
	}
	return picked, nil
}

// PickRollouts chooses from the last attempts in a rollout log of RL. Of each kind of start it
// takes one that was right and one that was wrong, with their rewards.
func PickRollouts(ctx context.Context, log iter.Seq2[run.Record, error], check reward.Func) ([]Sample, error) {
	type class struct{ prior, verdict coat.Outcome }
	last := map[class]run.Record{}
	for e, err := range log {
		if err != nil {
			return nil, err
		}
		last[class{e.Start.Prior, e.Outcome}] = e
	}
	var samples []Sample
	for _, prior := range []coat.Outcome{coat.Unknown, coat.Right, coat.Wrong} {
		for _, verdict := range []coat.Outcome{coat.Right, coat.Wrong} {
			e, ok := last[class{prior, verdict}]
			if !ok {
				continue
			}
			label := fmt.Sprintf("reward %.2f:", e.Total)
			for _, part := range slices.Sorted(maps.Keys(e.Parts)) {
				label += fmt.Sprintf(" %s %.2f", part, e.Parts[part])
			}
			j, err := Judge(ctx, label, e.Judged(), check)
			if err != nil {
				return nil, err
			}
			from := "a fresh start"
			if prior != coat.Unknown {
				from = fmt.Sprintf("a restart from a %v attempt", prior)
			}
			title := fmt.Sprintf("A rollout of RL, iteration %d: %s", e.Iteration, from)
			samples = append(samples, Sample{Title: title, Attempts: []Judged{j}})
		}
	}
	return samples, nil
}

// A stepView is a step of a trace as the page shows it.
type stepView struct {
	Class, Label   string
	Before, After  string // around the box, or the whole text in Before
	Box            string
	HasBox, Right  bool
	Given, Changed bool   // Given: in the prefix of a restart; Changed: on the way to another answer
	Note           string // how the answer changed
}

// steps lays out an attempt. It marks the steps between two boxes that differ, from the first
// reflection on.
func (j Judged) steps() []stepView {
	trace, err := j.Attempt.Trace()
	if err != nil {
		return []stepView{{Class: "raw", Label: "not a trace", Before: j.Attempt.Start.Prefix.String() + j.Attempt.Text}}
	}
	var views []stepView
	given := max(0, len(j.Attempt.Start.Prefix)-1) // its last step is the response's first
	doubt, boxes := -1, 0                          // the first reflection after the last box
	var last stepView
	for i, step := range trace {
		v := stepView{Class: string(step.Action), Label: string(step.Action), Before: strings.TrimSpace(step.Text), Given: i < given}
		if step.Action == coat.None {
			v.Class, v.Label = "start", "start"
		}
		if step.Action == coat.Reflect && doubt < 0 {
			doubt = i
		}
		if box, ok := reward.Boxed(step.Text); ok {
			v.Before, v.After = aroundBox(step.Text, box)
			v.Box, v.HasBox = strings.TrimSpace(box), true
			v.Right = boxes < len(j.Boxes) && j.Boxes[boxes]
			if boxes > 0 && !sameWords(v.Box, last.Box) {
				v.Note = "answer changed: " + verdict(last.Right) + " → " + verdict(v.Right)
				v.Changed = true
				for k := max(doubt, 0); doubt >= 0 && k < i; k++ {
					views[k].Changed = true
				}
			}
			boxes++
			last, doubt = v, -1
		}
		views = append(views, v)
	}
	return views
}

func sameWords(a, b string) bool {
	return strings.Join(strings.Fields(a), " ") == strings.Join(strings.Fields(b), " ")
}

func verdict(right bool) string {
	if right {
		return "right"
	}
	return "wrong"
}

// aroundBox returns the text before the last box and after it.
func aroundBox(text, box string) (before, after string) {
	at := strings.LastIndex(text, `\boxed`)
	end := at + strings.IndexByte(text[at:], '{') + 1 + len(box) + 1
	return strings.TrimSpace(text[:at]), strings.TrimSpace(text[end:])
}
