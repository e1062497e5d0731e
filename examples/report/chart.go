package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A chart is an SVG drawing in units of its own, which the page scales. The template draws
// it, so that every text in it is escaped.
type chart struct {
	Title, Alt               string
	W, H                     float64
	Left, Top, Right, Bottom float64 // edges of the plot, not margins
	XLabel                   string
	X, Y                     []tick
	Lines                    []line
	Bars                     []bar
}

type tick struct {
	At    float64
	Label string
}

type line struct{ Class, Points string }

// A bar is a bar of a chart, with or without a whisker from High to Low. In SVG y grows
// downwards.
type bar struct {
	Class, Hint string
	X, Y, W, H  float64
	Middle      float64
	High, Low   float64
	HasWhisker  bool
}

// A scale maps values onto a stretch of the drawing.
type scale struct{ from, to, low, high float64 }

func (s scale) at(v float64) float64 {
	if s.to == s.from {
		return round((s.low + s.high) / 2)
	}
	return round(s.low + (v-s.from)/(s.to-s.from)*(s.high-s.low))
}

func round(v float64) float64 { return math.Round(v*10) / 10 }

// nice returns about n ticks that cover the values. Their distance is 1, 2 or 5 times a power
// of ten, and not less than least.
func nice(low, high float64, n int, least float64) []float64 {
	if high <= low {
		low, high = low-0.5, high+0.5
	}
	raw := max((high-low)/float64(n), least)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, m := range []float64{1, 2, 5} {
		if m*power >= raw*0.999 {
			step = m * power
			break
		}
	}
	var ticks []float64
	for i := math.Floor(low/step + 1e-9); ; i++ {
		ticks = append(ticks, i*step)
		if i*step >= high-step*1e-9 {
			return ticks
		}
	}
}

// A measure is a value that charts show against the step.
type measure struct {
	name, title string
	format      func(float64) string
	floor, top  float64 // the axis covers these at least; NaN: it covers the values
	least       float64 // values below it are drawn at it; NaN: there is no such limit
}

var none = math.NaN()

// measures lists those of reinforcement learning, in the order of the page.
var measures = []measure{
	{"reward", "Mean reward", plain, none, none, none},
	{"accuracy", "Accuracy", percent, 0, 1, none},
	{"tokens", "Response length, tokens", plain, 0, none, none},
	{"explained_variance", "Critic, explained variance", plain, 0, 1, -1},
}

var loss = measure{"loss", "Loss", plain, 0, none, none}

func plain(v float64) string { return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'g', 4, 64) }

func percent(v float64) string { return plain(100*v) + " %" }

// lineChart draws one curve. The strong line is the mean over neighbouring steps; where there
// are enough steps for that, a faint line shows the steps themselves.
func lineChart(m measure, steps, values []float64) chart {
	c := chart{Title: m.title, W: 260, H: 172, Left: 42, Top: 10, Right: 254, Bottom: 136, XLabel: "step"}
	values = append([]float64(nil), values...)
	low, high := math.Inf(1), math.Inf(-1)
	for i, v := range values {
		if v < m.least {
			values[i] = m.least
		}
		low, high = min(low, values[i]), max(high, values[i])
	}
	if !math.IsNaN(m.floor) {
		low = min(low, m.floor)
	}
	if !math.IsNaN(m.top) {
		high = max(high, m.top)
	}
	ys := nice(low, high, 4, 0)
	y := scale{ys[0], ys[len(ys)-1], c.Bottom, c.Top}
	for _, v := range ys {
		c.Y = append(c.Y, tick{y.at(v), m.format(v)})
	}
	first, last := steps[0], steps[len(steps)-1]
	x := scale{first, last, c.Left + 6, c.Right - 6}
	for _, v := range nice(first, last, 4, 1) {
		if v >= first && v <= last {
			c.X = append(c.X, tick{x.at(v), plain(v)})
		}
	}
	path := func(values []float64) string {
		var b strings.Builder
		for i, v := range values {
			fmt.Fprintf(&b, "%g,%g ", x.at(steps[i]), y.at(v))
		}
		return strings.TrimSuffix(b.String(), " ")
	}
	half := len(values) / 20 // of the window
	if half > 0 {
		c.Lines = append(c.Lines, line{"faint", path(values)})
	}
	c.Lines = append(c.Lines, line{"strong", path(smooth(values, half))})
	c.Alt = fmt.Sprintf("%s from %s at step %g to %s at step %g", m.title, m.format(values[0]), first, m.format(values[len(values)-1]), last)
	return c
}

// smooth averages each value with up to half values on each side. It takes as many on one
// side as on the other, so that a trend does not bend at the ends.
func smooth(values []float64, half int) []float64 {
	out := make([]float64, len(values))
	for i := range values {
		h := min(half, i, len(values)-1-i)
		for _, v := range values[i-h : i+h+1] {
			out[i] += v / float64(2*h+1)
		}
	}
	return out
}

// A group holds the bars of one level, one for each stage that has the level.
type group struct {
	label string
	bars  []groupBar
}

type groupBar struct {
	class, name string
	slot        int // of the stage
	value       float64
	low, high   float64 // whisker, where high > low
	n           int
}

// barChart draws groups side by side. A group has slots bars.
func barChart(title string, groups []group, slots int, format func(float64) string, top float64) chart {
	c := chart{Title: title, W: 440, H: 230, Left: 46, Top: 12, Right: 432, Bottom: 192, XLabel: "level"}
	for _, g := range groups {
		for _, b := range g.bars {
			top = max(top, b.value, b.high)
		}
	}
	ys := nice(0, top, 5, 0)
	y := scale{0, ys[len(ys)-1], c.Bottom, c.Top}
	for _, v := range ys {
		c.Y = append(c.Y, tick{y.at(v), format(v)})
	}
	pitch := (c.Right - c.Left) / float64(len(groups))
	width := min(26, pitch*0.82/float64(slots))
	for i, g := range groups {
		middle := c.Left + (float64(i)+0.5)*pitch
		c.X = append(c.X, tick{round(middle), g.label})
		for _, b := range g.bars {
			left := middle + (float64(b.slot)-float64(slots)/2)*width
			hint := fmt.Sprintf("%s, level %s: %s", b.name, g.label, format(b.value))
			v := bar{Class: b.class, X: round(left), Y: y.at(b.value), W: round(width * 0.9), Middle: round(left + width*0.45)}
			v.H = round(c.Bottom - v.Y)
			if b.high > b.low {
				v.HasWhisker, v.Low, v.High = true, y.at(b.low), y.at(b.high)
				hint += fmt.Sprintf(" (%s to %s)", format(b.low), format(b.high))
			}
			v.Hint = fmt.Sprintf("%s, n = %d", hint, b.n)
			c.Bars = append(c.Bars, v)
		}
	}
	c.Alt = title + " by level"
	return c
}
