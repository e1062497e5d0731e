// Package progress shows a person how far a program is: one live line a stage on a
// terminal, a plain line every few seconds anywhere else, such as in a log. And it
// prints a [coat.Trace] with its steps in colour.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	every     = 5 * time.Second        // a plain line
	everyLive = 100 * time.Millisecond // a change of the live line
	barWidth  = 20
)

// A Line shows the steps of one stage after another. One goroutine uses it. That a
// line cannot be written is no reason to stop what it tells of, so nothing here
// returns an error.
type Line struct {
	w     io.Writer
	width func() int // of the terminal; nil where there is none
	now   func() time.Time

	name   string // of the open stage, or ""
	of     int
	bar    *progressbar.ProgressBar // on a terminal
	start  time.Time
	shown  time.Time // when a line was last written
	text   string    // of the last step
	tokens int       // in the stage

	// The first step seen: what a stage prepares before it, and steps that an earlier
	// run made, say nothing about the time to come.
	first   int
	firstAt time.Time
}

// New returns a Line on a writer, such as os.Stderr.
func New(w io.Writer) *Line {
	l := &Line{w: w, now: time.Now}
	if isTerminal(w) {
		l.width = func() int {
			if width, _, err := term.GetSize(int(w.(*os.File).Fd())); err == nil && width > 0 {
				return width
			}
			return 80
		}
	}
	return l
}

// A Field is something to say of a step.
type Field struct {
	text   string
	tokens int
}

// Value is a number with its name.
func Value(name string, v float64) Field { return Field{text: fmt.Sprintf("%s %.3g", name, v)} }

// Share is a number from 0 to 1, shown in percent.
func Share(name string, v float64) Field { return Field{text: fmt.Sprintf("%s %.1f %%", name, 100*v)} }

// Count is a whole number with its name.
func Count(name string, n int) Field { return Field{text: fmt.Sprintf("%s %d", name, n)} }

// Tokens is how many tokens there were since the last step; shown are tokens a
// second since the stage began.
func Tokens(n int) Field { return Field{tokens: n} }

// Stage opens a stage of so many steps and ends the one before it. 0 steps: nobody
// knows how many.
func (l *Line) Stage(name string, of int) {
	l.Done()
	now := l.now()
	*l = Line{w: l.w, width: l.width, now: l.now, name: name, of: of, start: now, shown: now, text: name}
	if l.width == nil {
		return
	}
	most := of
	if most <= 0 {
		most = -1 // a spinner
	}
	l.bar = progressbar.NewOptions(most,
		progressbar.OptionSetWriter(l.w),
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionSetPredictTime(false), // it would count the steps of an earlier run
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░"}), // every font has these,
	)
	l.draw(0, name)
}

// Step tells that n steps of the stage are done.
func (l *Line) Step(n int, fields ...Field) {
	now := l.now()
	if l.firstAt.IsZero() {
		l.first, l.firstAt = n, now
	}
	head := fmt.Sprintf("%s %d", l.name, n)
	if l.of > 0 {
		head += fmt.Sprintf("/%d", l.of)
	}
	words := []string{head}
	for _, f := range fields {
		if l.tokens += f.tokens; f.text != "" {
			words = append(words, f.text)
		}
	}
	if seconds := now.Sub(l.start).Seconds(); l.tokens > 0 && seconds > 0 {
		words = append(words, fmt.Sprintf("%.0f tokens/s", float64(l.tokens)/seconds))
	}
	l.text = strings.Join(words, ", ")
	wait := every
	if l.bar != nil {
		wait = everyLive
	}
	if now.Sub(l.shown) < wait {
		return
	}
	if done, rest := n-l.first, l.of-n; done > 0 && rest > 0 {
		left := time.Duration(float64(now.Sub(l.firstAt)) / float64(done) * float64(rest))
		words = append(words, "ends "+now.Add(left).Format("15:04:05"))
	}
	l.shown = now
	if l.bar != nil {
		l.draw(n, words...)
		return
	}
	fmt.Fprintln(l.w, strings.Join(words, ", "))
}

// Done ends the stage, whether or not it came to its last step, with a line that
// stays. Without a stage it does nothing, so it can be deferred.
func (l *Line) Done() {
	if l.name == "" {
		return
	}
	if l.bar != nil {
		l.bar.Clear()
	}
	fmt.Fprintf(l.w, "%s, took %v\n", l.text, l.now().Sub(l.start).Round(100*time.Millisecond))
	l.name, l.bar = "", nil
}

// draw puts the bar and as many words after it as the terminal has room for.
func (l *Line) draw(n int, words ...string) {
	room := l.width() - barWidth - len(" 100% || ") - 1
	text := ""
	for i, word := range words {
		if i > 0 {
			word = ", " + word
		}
		if len(text)+len(word) > room {
			break
		}
		text += word
	}
	l.bar.Describe(text)
	l.bar.Set(n)
}

// isTerminal tells whether a writer is a terminal that understands control codes.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}
