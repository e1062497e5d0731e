package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/satori-go/satori/coat"
)

// colours are three of the eight that every terminal has. Colour-blind readers can tell blue,
// yellow and cyan apart, and each step has its word as well.
var colours = map[coat.Action]string{
	coat.Continue: "\x1b[34m",
	coat.Reflect:  "\x1b[33m",
	coat.Explore:  "\x1b[36m",
}

const plain = "\x1b[0m"

// Trace prints a trace, one step a line. The meta-actions are in colour if the writer is a
// terminal and the variable NO_COLOR (no-color.org) is not set.
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

// colourful reports whether a writer is a terminal and NO_COLOR is not set.
func colourful(w io.Writer) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }

// tame replaces control characters, so that the text of a model cannot control the terminal.
func tame(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// Paint prepares a part of a model's text for a writer. For a terminal it colours the
// meta-actions as Trace does, and replaces control characters. For another writer it returns
// the text as it is.
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
