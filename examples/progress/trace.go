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
	return trace(w, t, isTerminal(w) && os.Getenv("NO_COLOR") == "")
}

func trace(w io.Writer, t coat.Trace, colour bool) error {
	for _, step := range t {
		action, text := step.Action.String(), strings.TrimSpace(step.Text)
		pad := strings.Repeat(" ", max(0, len("<|continue|>")-len(action)))
		// What a model writes must not steer the terminal.
		text = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				return unicode.ReplacementChar
			}
			return r
		}, text)
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
