package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/chat/internal/jinja"
)

// startDate is the date of prompts that name one: the default of Llama's templates. With
// the current date a resumed run would have other prompts than the run before.
var startDate = time.Date(2024, time.July, 26, 0, 0, 0, 0, time.UTC)

// ForStarts makes a [coat.Template] that writes a start as a chat. The chat has the
// messages of in and the question as a user's message. Then come what opens the assistant's
// message and the prefix of the start. Usually in.Messages is empty or holds one system
// message. If in.Now is zero, the date is always 26 July 2024.
//
// ForStarts tries the template, so that the result cannot fail later. It returns an error
// if the template fails, if it leaves a message out, or if it changes the question in
// another way than to trim it.
func (t *Template) ForStarts(in Input) (coat.Template, error) {
	f, err := t.frame(in)
	if err != nil {
		return nil, fmt.Errorf("chat: template for starts: %w", err)
	}
	return func(s coat.Start) string { return f.write(s.Problem.Question) + s.Prefix.String() }, nil
}

// A frame is what a template writes before and after a question.
type frame struct {
	before, after string
	trims         bool // white space around the question is left out
}

// write returns the text for a question.
func (f frame) write(question string) string {
	if f.trims {
		question = jinja.Trim(question)
	}
	return f.before + question + f.after
}

// probes are questions that a template may treat in a special way. The first one must not
// occur anywhere else in a prompt.
var probes = []string{
	"satori asks 6·7?",
	" \n satori asks 6·7? \t\n",
	"2",
	"a\n\nb {{ c }} {% d %} 'e' \"f\" <g> & \\frac{1}{2} 日本",
	"<think>\nh\n</think>\n\ni",
}

// frame finds what the template writes around a question, and checks the result with every
// probe.
func (t *Template) frame(in Input) (f frame, err error) {
	if in.Now.IsZero() {
		in.Now = startDate
	}
	in.Continue = true
	given := in.Messages
	ask := func(question string) (string, error) {
		in.Messages = append(given[:len(given):len(given)], Message{Role: "user", Content: question})
		text, err := t.Render(in)
		return text, errors.Unwrap(err) // the caller says "chat:"
	}
	text, err := ask(probes[0])
	if err != nil {
		return f, err
	}
	if n := strings.Count(text, probes[0]); n != 1 {
		return f, fmt.Errorf("the template writes the user's message %d times, want it once as it stands", n)
	}
	for _, m := range given {
		if !strings.Contains(text, strings.TrimSpace(m.Content)) {
			return f, fmt.Errorf("the template leaves out the message of the role %q", m.Role)
		}
	}
	f.before, f.after, _ = strings.Cut(text, probes[0])
	text, err = ask(probes[1])
	if err != nil {
		return f, err
	}
	f.trims = text != f.write(probes[1])
	for _, question := range probes[1:] {
		text, err := ask(question)
		switch {
		case err != nil:
			return f, err
		case text != f.write(question):
			return f, fmt.Errorf("the template writes the user's message %q as %q, want %q: write a coat.Template by hand",
				question, text, f.write(question))
		}
	}
	return f, nil
}
