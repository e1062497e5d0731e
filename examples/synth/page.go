package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/answer"
	"github.com/satori-go/satori/synth"
	"github.com/satori-go/satori/synth/agent"
	"github.com/satori-go/satori/synth/clean"
	"github.com/satori-go/satori/synth/run"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// shown is the number of demonstrations of each kind on the page.
const shown = 4

// A page holds what report.html shows.
type page struct {
	Manifest run.Manifest
	Problems int // after cleaning
	Cleaned  clean.Report
	Stats    synth.Stats
	Usage    map[string]agent.Usage
	Total    agent.Usage
	samples  map[coat.Kind][]coat.Demo
	tried    int // problems with at least one demonstration
}

func (p *page) add(r synth.Result) {
	p.Stats.Add(r.Stats)
	if len(r.Demos) > 0 {
		p.tried++
	}
	for _, d := range r.Demos {
		if p.samples == nil {
			p.samples = map[coat.Kind][]coat.Demo{}
		}
		if len(p.samples[d.Kind]) < shown {
			p.samples[d.Kind] = append(p.samples[d.Kind], d)
		}
	}
}

func (p *page) write(w io.Writer) error { return pageTemplate.Execute(w, p) }

// Demos counts the demonstrations.
func (p *page) Demos() (n int) {
	for _, k := range p.Stats.Demos {
		n += k
	}
	return n
}

// Yielding returns the share of problems with at least one demonstration.
func (p *page) Yielding() string { return percent(p.tried, p.Stats.Problems) }

func percent(n, of int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}

// A count is a row of a table.
type count struct {
	Name, What string
	N          int
	Share      string
	Width      int // of its bar, in percent
}

// kinds lists the paper's kinds in its order, and then others.
func (p *page) kinds() []coat.Kind {
	list := coat.Kinds()
	for _, k := range slices.Sorted(maps.Keys(p.Stats.Demos)) {
		if !slices.Contains(list, k) {
			list = append(list, k)
		}
	}
	return list
}

var kindWords = map[coat.Kind]string{
	coat.TypeI:    "right at once",
	coat.TypeII1:  "right, verified on the way",
	coat.TypeII2:  "right, verified, then wrong, then corrected",
	coat.TypeIII1: "wrong, corrected",
	coat.TypeIII2: "wrong, corrected twice",
}

// Kinds counts demonstrations by type.
func (p *page) Kinds() (rows []count) {
	for _, k := range p.kinds() {
		n := p.Stats.Demos[k]
		rows = append(rows, count{string(k), cmp.Or(kindWords[k], "more rounds"), n, percent(n, p.Demos()), 100 * n / max(1, p.Demos())})
	}
	return rows
}

// Dropped counts what did not become a demonstration, by reason.
func (p *page) Dropped() (rows []count) {
	add := func(name, what string, n int, of int) {
		if n > 0 {
			rows = append(rows, count{Name: name, What: what, N: n, Share: percent(n, of)})
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(p.Cleaned.Dropped)) {
		add("problems", string(reason), p.Cleaned.Dropped[reason], p.Cleaned.Read)
	}
	for _, set := range slices.Sorted(maps.Keys(p.Cleaned.Sets)) {
		add("problems", "… of these with "+set, p.Cleaned.Sets[set], p.Cleaned.Read)
	}
	s := p.Stats
	add("first solutions", "without an answer", s.Invalid, s.Solutions)
	add("first solutions", "right or wrong, more than were kept", s.Surplus, s.Solutions)
	add("solutions and paths", "an agent passed", s.Skipped-s.Unparsable-s.Truncated-s.Unboxed, s.Solutions)
	add("solutions and paths", "a reply could not be parsed (a critic is asked twice)", s.Unparsable, s.Solutions)
	add("solutions and paths", "a reply was cut off at the token limit", s.Truncated, s.Solutions)
	add("paths", "a continuation without an answer", s.Unboxed, s.Solutions)
	add("paths", "still wrong after the last round", s.Unfixed, s.Solutions)
	add("demonstrations", "could not be parsed into steps", s.Malformed, p.Demos())
	for _, k := range p.kinds() {
		add("demonstrations", "of type "+string(k)+", not the best", s.Outranked[k], s.Outranked[k]+s.Demos[k])
	}
	return rows
}

// Roles lists the roles that used a model.
func (p *page) Roles() []string { return slices.Sorted(maps.Keys(p.Usage)) }

// A sample is a demonstration with the steps that the page shows.
type sample struct {
	coat.Demo
	Steps []step
}

type step struct {
	Class, Label, Text, Box string
	Right                   bool
}

// Samples returns some demonstrations of each type.
func (p *page) Samples() (list []sample) {
	for _, k := range p.kinds() {
		for _, d := range p.samples[k] {
			s := sample{Demo: d}
			for _, t := range d.Trace {
				v := step{Class: string(cmp.Or(t.Action, "start")), Label: string(cmp.Or(t.Action, "start")), Text: strings.TrimSpace(t.Text)}
				if box, ok := reward.Boxed(t.Text); ok {
					v.Box, v.Right = box, answer.Equal(d.Problem.Answer, box)
				}
				s.Steps = append(s.Steps, v)
			}
			list = append(list, s)
		}
	}
	return list
}
