package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/satori-go/satori/reward/eval"
)

// A view is a report as the page needs it: numbers are formatted and charts laid out. What a
// report does not have is empty.
type view struct {
	Title       string
	Notes       []string
	Facts       []string // task, seed, backend
	Before      string   // the phase that tiles compare with
	After       string   // the phase of the tiles
	Tiles       []tile
	Rows        []row
	Curves      []curveView
	Legend      []phase
	ByLevel     []chart
	Corrections []correctionRow
	Times       []timeRow
	Total       timeRow
	Samples     []sampleView
	Versions    []string
	Config      string
}

// A phase is a model that was evaluated.
type phase struct {
	Class, Name string
	Summary     *Evaluation
}

// colours lists the classes of the page that have a colour.
var colours = []string{"ft", "rl", "round2", "cot_ft", "cot_rl"}

// phases lists the evaluations. Those of the paper's stages have colours of their own, others
// take what is left of these.
func (s Summary) phases() (list []phase) {
	left := slices.DeleteFunc(slices.Clone(colours), func(c string) bool { return s.Evaluation(c) != nil })
	for i, e := range s.Evaluations {
		class := e.Name
		if !slices.Contains(colours, class) {
			class = ""
			if len(left) > 0 {
				class, left = left[0], left[1:]
			}
		}
		list = append(list, phase{class, stageName(e.Name), &s.Evaluations[i]})
	}
	return list
}

type tile struct{ Figure, From, Label string }

// A row of the table of headline figures.
type row struct {
	phase
	Greedy, Greedy95 string
	T1, T195         string
	Hard, Hard95     string
	Tokens           string
	Truncated        string
	Whole, Again     string // of the ways tried
	N                int
}

type curveView struct {
	Title  string
	Charts []chart
}

// A correctionRow has a Plot: its share and interval as x in a strip 100 wide.
type correctionRow struct {
	Class, Name, Kind string
	eval.Correction
	Percent, Interval string // of the share
	Undecided         bool   // there is nothing to take a share of
	Plot              struct{ At, Low, Width float64 }
}

type timeRow struct {
	Name, Time, Tokens, Rate, Cores string
	Width                           float64 // of the bar, in percent
}

type sampleView struct {
	Title, Question, Answer string
	Level                   int
	Attempts                []attemptView
}

type attemptView struct {
	Judged
	Steps []stepView
}

func newView(r Report) view {
	s := r.Summary
	v := view{Title: cmp.Or(r.Title, "Training report"), Notes: r.Notes, Legend: s.phases()}
	for _, f := range []struct{ name, value string }{{"task", s.Task}, {"backend", s.Backend}, {"seed", strconv.FormatUint(s.Seed, 10)}} {
		if f.value != "" {
			v.Facts = append(v.Facts, f.name+" "+f.value)
		}
	}
	v.Before, v.After, v.Tiles = stageName(r.Before), stageName(r.After), tiles(s.Evaluation(r.Before), s.Evaluation(r.After))
	for _, p := range v.Legend {
		v.Rows = append(v.Rows, newRow(p))
	}
	v.Corrections = corrections(v.Legend)
	v.Curves = learning(curves(r.Metrics))
	v.ByLevel = byLevel(v.Legend)
	v.Times, v.Total = times(s.Stages)
	for _, sample := range r.Samples {
		if len(sample.Attempts) == 0 {
			continue
		}
		p := sample.Attempts[0].Attempt.Start.Problem
		sv := sampleView{Title: sample.Title, Question: p.Question, Answer: p.Answer, Level: p.Level}
		for _, j := range sample.Attempts {
			sv.Attempts = append(sv.Attempts, attemptView{j, j.steps()})
		}
		v.Samples = append(v.Samples, sv)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Versions)) {
		v.Versions = append(v.Versions, name+" "+s.Versions[name])
	}
	var config bytes.Buffer
	if json.Indent(&config, s.Config, "", "  ") == nil {
		v.Config = config.String()
	}
	return v
}

// tiles makes the few figures to read first.
func tiles(first, last *Evaluation) []tile {
	if first == nil || last == nil {
		return nil
	}
	list := []tile{{share(last.Accuracy), share(first.Accuracy), "greedy accuracy"}}
	if last.AccuracyT1 != nil && first.AccuracyT1 != nil {
		list = append(list, tile{share(*last.AccuracyT1), share(*first.AccuracyT1), "accuracy at T = 1"})
	}
	if last.Hard != nil && first.Hard != nil {
		list = append(list, tile{share(last.Hard.Accuracy), share(first.Hard.Accuracy), "on problems harder than any in training"})
	}
	if c := last.SelfCorrection; c != nil && c.F2T+c.T2F > 0 {
		t := tile{Figure: fmt.Sprintf("%d : %d", c.F2T, c.T2F), Label: "answers corrected : answers made wrong"}
		if b := first.SelfCorrection; b != nil {
			t.From = fmt.Sprintf("%d : %d", b.F2T, b.T2F)
		}
		list = append(list, t)
	}
	return append(list, tile{plain(math.Round(last.MeanTokens)), plain(math.Round(first.MeanTokens)), "tokens a response"})
}

func newRow(p phase) row {
	s := p.Summary
	r := row{phase: p, N: s.N, Greedy: share(s.Accuracy), Greedy95: interval(s.Low, s.High),
		Tokens: strconv.FormatFloat(s.MeanTokens, 'f', 1, 64), Truncated: share(s.Truncated)}
	if s.AccuracyT1 != nil {
		// Attempts at one problem are not independent: the interval is that of one
		// attempt a problem, at worst too wide.
		low, high := eval.Wilson(int(math.Round(*s.AccuracyT1*float64(s.N))), s.N)
		r.T1, r.T195 = share(*s.AccuracyT1), interval(low, high)
	}
	if s.Hard != nil {
		r.Hard, r.Hard95 = share(s.Hard.Accuracy), interval(s.Hard.Low, s.Hard.High)
	}
	if w := s.Ways; w != nil && w.Tried > 0 {
		r.Whole, r.Again = share(float64(w.Whole)/float64(w.Tried)), share(float64(w.Again)/float64(w.Tried))
	}
	return r
}

// corrections makes the rows of the natural second attempts of all phases, then of the forced ones.
func corrections(phases []phase) (rows []correctionRow) {
	add := func(p phase, kind string, c *eval.Correction) {
		if c == nil {
			return
		}
		r := correctionRow{Class: p.Class, Name: p.Name, Kind: kind, Correction: *c, Undecided: c.F2T+c.T2F == 0}
		r.Percent, r.Interval = share(c.Share), interval(c.Low, c.High)
		r.Plot.At, r.Plot.Low, r.Plot.Width = round(100*c.Share), round(100*c.Low), round(100*(c.High-c.Low))
		rows = append(rows, r)
	}
	for _, p := range phases {
		add(p, "by itself", p.Summary.SelfCorrection)
	}
	for _, p := range phases {
		add(p, "forced", p.Summary.SecondAttempt)
	}
	return rows
}

// learning makes a row of charts for each stage with a reward, and one row for the losses
// of all others.
func learning(curves []curve) (views []curveView) {
	supervised := curveView{Title: "Supervised stages"}
	for _, c := range curves {
		if _, rewards := c.points("reward"); len(rewards) < 2 {
			if steps, losses := c.points("loss"); len(steps) > 1 {
				m := loss
				m.title = stageName(c.stage) + ": loss"
				supervised.Charts = append(supervised.Charts, lineChart(m, steps, losses))
			}
			continue
		}
		v := curveView{Title: stageName(c.stage)}
		for _, m := range measures {
			if steps, values := c.points(m.name); len(steps) > 1 {
				v.Charts = append(v.Charts, lineChart(m, steps, values))
			}
		}
		views = append(views, v)
	}
	if len(supervised.Charts) > 0 {
		views = append(views, supervised)
	}
	return views
}

// byLevel draws accuracy and length. It puts levels that only the hard set has beside the
// others.
func byLevel(phases []phase) []chart {
	accuracy, length := map[int]*group{}, map[int]*group{}
	for slot, p := range phases {
		levels := slices.Clone(p.Summary.Levels)
		if p.Summary.Hard != nil {
			for _, hard := range p.Summary.Hard.Levels {
				if !slices.ContainsFunc(levels, func(l eval.Level) bool { return l.Level == hard.Level }) {
					levels = append(levels, hard)
				}
			}
		}
		for _, l := range levels {
			if accuracy[l.Level] == nil {
				accuracy[l.Level] = &group{label: strconv.Itoa(l.Level)}
				length[l.Level] = &group{label: strconv.Itoa(l.Level)}
			}
			a, b := accuracy[l.Level], length[l.Level]
			a.bars = append(a.bars, groupBar{p.Class, p.Name, slot, l.Accuracy, l.Low, l.High, l.N})
			b.bars = append(b.bars, groupBar{p.Class, p.Name, slot, l.MeanTokens, 0, 0, l.N})
		}
	}
	if len(accuracy) == 0 {
		return nil
	}
	sorted := func(groups map[int]*group) (list []group) {
		for _, level := range slices.Sorted(maps.Keys(groups)) {
			list = append(list, *groups[level])
		}
		return list
	}
	return []chart{
		barChart("Greedy accuracy", sorted(accuracy), len(phases), percent, 1),
		barChart("Mean response length, tokens", sorted(length), len(phases), plain, 1),
	}
}

func times(stages []Stage) (rows []timeRow, total timeRow) {
	sum := Stage{Name: "total"}
	for _, s := range stages {
		sum.Seconds += s.Seconds
		sum.Tokens += s.Tokens
		sum.CoreSeconds += s.CoreSeconds
	}
	format := func(s Stage) timeRow {
		r := timeRow{Name: stageName(s.Name), Time: duration(s.Seconds), Cores: duration(s.CoreSeconds)}
		if s.Tokens > 0 {
			r.Tokens = thousands(s.Tokens)
			if s.Seconds > 0 {
				r.Rate = thousands(int(math.Round(float64(s.Tokens) / s.Seconds)))
			}
		}
		if sum.Seconds > 0 {
			r.Width = round(100 * s.Seconds / sum.Seconds)
		}
		return r
	}
	for _, s := range stages {
		rows = append(rows, format(s))
	}
	return rows, format(sum)
}

// stageName returns the plain words for a stage of the paper or its evaluation, or the name
// itself.
func stageName(stage string) string {
	names := map[string]string{
		"facts": "facts of the task", "base": "base model", "demos": "demonstrations", "ft": "format tuning", "sft": "fine-tuning",
		"samples": "samples after format tuning", "rm": "reward model", "rl": "RL", "harvest": "samples after RL",
		"distilled": "distillation", "round2": "second round", "cot_ft": "CoT, format tuning", "cot_rl": "CoT, RL",
	}
	if model, ok := strings.CutPrefix(stage, "eval_"); ok {
		return "evaluation: " + cmp.Or(names[model], model)
	}
	return cmp.Or(names[stage], stage)
}

func share(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" }

func interval(low, high float64) string {
	return fmt.Sprintf("%.1f – %.1f", 100*low, 100*high)
}

func duration(seconds float64) string {
	switch {
	case seconds < 9.95:
		return strconv.FormatFloat(seconds, 'f', 1, 64) + " s"
	case seconds < 59.5:
		return strconv.FormatFloat(seconds, 'f', 0, 64) + " s"
	}
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d:%02d h", int(d.Hours()), int(d.Minutes())%60)
}

// thousands groups digits by thin spaces, which do not break.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}
