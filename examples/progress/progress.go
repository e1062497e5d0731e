// Package progress shows how far a program is. On a terminal a [Line] is one line for each
// stage, which changes in place. In a log it prints a plain line every five seconds. [Trace]
// prints a [coat.Trace] with its steps in colour.
package progress

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	every     = 5 * time.Second        // between plain lines
	everyLive = 100 * time.Millisecond // between changes of the line on a terminal
	barWidth  = 20
)

// A Line shows the steps of one stage after another. One goroutine may use it. Its methods
// return no error: a program should not stop because a line of progress cannot be written.
type Line struct {
	w     io.Writer
	width func() int // of the terminal in columns; nil: the writer is no terminal
	now   func() time.Time

	name   string // of the open stage, or ""
	of     int
	bar    *progressbar.ProgressBar // on a terminal
	start  time.Time
	shown  time.Time // when a line was last written
	text   string    // of the last step, or ""
	tokens int       // in the stage

	// The first step that was shown. The rest of the time is estimated from there, without the
	// preparation of the stage and without the steps of an earlier run.
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

// A Field is a value that a line shows.
type Field struct {
	text   string
	tokens int
}

// Value makes a field of a number with three digits.
func Value(name string, v float64) Field { return Field{text: fmt.Sprintf("%s %.3g", name, v)} }

// Share makes a field of a number from 0 to 1, which the line shows in percent.
func Share(name string, v float64) Field { return Field{text: fmt.Sprintf("%s %.1f %%", name, 100*v)} }

// Count makes a field of a whole number.
func Count(name string, n int) Field { return Field{text: fmt.Sprintf("%s %d", name, n)} }

// Tokens makes a field of the number of tokens since the last step. The line shows tokens a
// second since the stage began.
func Tokens(n int) Field { return Field{tokens: n} }

// Stage opens a stage of so many steps, and ends the stage before it. With 0 steps their
// number is unknown. If the stage of that name is already open, Stage changes the number of its
// steps and leaves its clock alone.
func (l *Line) Stage(name string, of int) {
	if name == l.name && of == l.of {
		return
	}
	if name == l.name {
		l.of = of
	} else {
		l.Done()
		now := l.now()
		*l = Line{w: l.w, width: l.width, now: l.now, name: name, of: of, start: now, shown: now}
	}
	if l.width == nil {
		return
	}
	most := of
	if most <= 0 {
		most = -1 // a bar without an end
	}
	if l.bar != nil {
		l.bar.Clear()
	}
	l.bar = progressbar.NewOptions(most,
		progressbar.OptionSetSpinnerChangeInterval(0), // or else a goroutine draws a bar without an end, also when the stage is over
		progressbar.OptionSetWriter(l.w),
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionSetPredictTime(false), // the bar would count the steps of an earlier run
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░"}), // every font has these,
	)
	l.draw(0, cmp.Or(l.text, name))
}

// Step shows that n steps of the stage are done, with the fields of the last one.
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
	if now.Sub(l.shown) < wait || l.bar == nil && n == l.of { // Done prints the last step
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

// Done ends the stage, after whichever step, and prints a line that stays. It prints nothing
// about a stage without a step. Without an open stage it does nothing, so that a program can
// defer it.
func (l *Line) Done() {
	if l.name == "" {
		return
	}
	if l.bar != nil {
		l.bar.Clear()
	}
	if l.text != "" {
		fmt.Fprintf(l.w, "%s, took %v\n", l.text, l.now().Sub(l.start).Round(100*time.Millisecond))
	}
	l.name, l.bar = "", nil
}

// draw draws the bar, and after it as many words as fit on the line.
func (l *Line) draw(n int, words ...string) {
	left := l.width() - barWidth - len(" 100% || ") - 1
	text := ""
	for i, word := range words {
		if i > 0 {
			word = ", " + word
		}
		if len(text)+len(word) > left {
			break
		}
		text += word
	}
	l.bar.Describe(text)
	l.bar.Set(n)
}

// isTerminal reports whether a writer is a terminal that understands control codes.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}
