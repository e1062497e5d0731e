package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/satori-go/satori/coat"
)

// colours are of the 8 that every terminal has; blue, yellow and cyan are told apart
// by the colour-blind, and each step has its word as well.
var colours = map[coat.Action]string{
	coat.Continue: "\x1b[34m",
	coat.Reflect:  "\x1b[33m",
	coat.Explore:  "\x1b[36m",
}

const plain = "\x1b[0m"

// Trace prints a trace, a step a line. Its meta-actions are in colour where the
// writer is a terminal and NO_COLOR (no-color.org) is not set.
func Trace(w io.Writer, t coat.Trace) error {
	return trace(w, t, colourful(w))
}

func trace(w io.Writer, t coat.Trace, colour bool) error {
	for _, step := range t {
		action, text := step.Action.String(), strings.TrimSpace(step.Text)
		pad := strings.Repeat(" ", max(0, len("<|continue|>")-len(action)))
		text = tame(text)
		if code := colours[step.Action]; colour && code != "" {
			action = code + action + plain
			if step.Action != coat.Continue {
				text = code + text + plain
			}
		}
		if _, err := fmt.Fprintf(w, "%s%s  %s\n", action, pad, text); err != nil {
			return err
		}
	}
	return nil
}

// colourful tells whether a writer is a terminal and NO_COLOR is not set.
func colourful(w io.Writer) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }

// tame replaces control characters: what a model writes must not steer the terminal.
func tame(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// Paint is a part of a model's text for a writer: on a terminal its meta-actions are in
// colour, as those of Trace, and control characters are replaced; elsewhere it stays.
func Paint(w io.Writer, text string) string {
	if !isTerminal(w) {
		return text
	}
	return paint(text, colourful(w))
}

func paint(text string, colour bool) string {
	text = tame(text)
	if colour {
		for action, code := range colours {
			text = strings.ReplaceAll(text, action.String(), code+action.String()+plain)
		}
	}
	return text
}
