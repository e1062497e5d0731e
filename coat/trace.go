package coat

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Step is one action and the text that follows its token, white space included.
type Step struct {
	Action Action
	Text   string
}

// A Trace is a solution, or a part of one, as a sequence of steps. Only its first
// step may have the action None: a whole solution opens with one, a continuation
// may open with any action. Its last step may be empty: the prefix of a restart
// ends in a bare token such as <|reflect|>.
type Trace []Step

// A SyntaxError says why a text is not a trace.
type SyntaxError struct {
	Offset int // bytes before the fault
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("coat: at byte %d: %s", e.Offset, e.Msg)
}

// Parse splits a text at the tokens of the paper's three meta-actions. It is
// [Actions.Parse] of the zero set.
func Parse(text string) (Trace, error) { return Actions{}.Parse(text) }

// Parse splits a text at the tokens of the set. It keeps every byte: Parse(s) either
// fails or gives a trace whose String is s, and for every valid trace t, Parse(t.String())
// is t. A step without text that is not the last, and text that is not UTF-8, are
// [SyntaxError]s.
func (s Actions) Parse(text string) (Trace, error) {
	actions := s.List()
	if !utf8.ValidString(text) {
		return nil, &SyntaxError{Offset: invalidAt(text), Msg: "text is not UTF-8"}
	}
	var trace Trace
	action, start := None, 0 // the open step and where its text begins
	closeStep := func(end int, last bool) error {
		body := text[start:end]
		switch {
		case strings.TrimSpace(body) != "" || last && (action != None || body != ""):
			trace = append(trace, Step{action, body})
		case action != None || body != "":
			return &SyntaxError{Offset: start, Msg: fmt.Sprintf("step %d (%s) has no text", len(trace), stepName(action))}
		}
		return nil
	}
	for i := 0; i < len(text); {
		next, token := firstToken(text[i:], actions)
		if token == None {
			break
		}
		if err := closeStep(i+next, false); err != nil {
			return nil, err
		}
		i += next + len(token.String())
		action, start = token, i
	}
	if err := closeStep(len(text), true); err != nil {
		return nil, err
	}
	return trace, nil
}

// String joins the steps, each after its action's token, with nothing in between.
func (t Trace) String() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Action.String())
		b.WriteString(s.Text)
	}
	return b.String()
}

// CoT strips a trace of reflection and exploration: what remains is plain chain of
// thought, as for the paper's baseline (section 6). It drops the steps of every path
// that was given up, from the opening of that path to the reflection that ends it. It
// drops reflections on the path that was kept, and steps of actions that are not the
// paper's. On the kept path it drops every step with a box that another box follows.
func (t Trace) CoT() Trace {
	var kept Trace
	for _, s := range t {
		switch s.Action {
		case Explore:
			kept = kept[:0]
			fallthrough
		case None, Continue:
			kept = append(kept, Step{Continue, s.Text})
		}
	}
	last := -1
	for i, s := range kept {
		if strings.Contains(s.Text, `\boxed`) {
			last = i
		}
	}
	var cot Trace
	for i, s := range kept {
		if i != last && strings.Contains(s.Text, `\boxed`) {
			continue
		}
		if len(cot) == 0 {
			s.Action = None
			s.Text = strings.TrimLeft(s.Text, " ")
		}
		cot = append(cot, s)
	}
	return cot
}

// MarshalText writes a trace as its text, in JSON as a string.
func (t Trace) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a trace with [Parse], that is with the paper's three actions. A
// [Start] and a [Demo] read theirs with the actions of their problem.
func (t *Trace) UnmarshalText(text []byte) (err error) {
	*t, err = Parse(string(text))
	return err
}

// firstToken finds the first token of any of the actions. It returns where the token
// begins and whose it is, or None.
func firstToken(text string, actions []Action) (int, Action) {
	for i := 0; ; {
		next := strings.Index(text[i:], "<|")
		if next < 0 {
			return 0, None
		}
		i += next
		for _, a := range actions {
			if strings.HasPrefix(text[i:], a.String()) {
				return i, a
			}
		}
		i += len("<|")
	}
}

func stepName(a Action) string {
	if a == None {
		return "the opening"
	}
	return a.String()
}

func invalidAt(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(text[i:]); n == 1 {
				return i
			}
		}
	}
	return len(text)
}
