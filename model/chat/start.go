package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/chat/internal/jinja"
)

// startDate is the date of prompts that name one. It is the date that Llama's templates
// take where no clock is at hand. A clock would give a run that is resumed on another day
// other prompts.
var startDate = time.Date(2024, time.July, 26, 0, 0, 0, 0, time.UTC)

// ForStarts makes a [coat.Template] that writes a start as a chat: the messages of in, then
// the question as a user's turn, then what opens the assistant's turn, then the prefix of
// the start. Most programs have a system message in in.Messages or nothing. Where in.Now
// is zero, the date is 26 July 2024 on every day.
//
// The chat template is tried here, so that it cannot fail later. ForStarts reports an error
// if the template fails, if it leaves the question or a message out, or if it writes the
// question otherwise than as it stands or without the white space around it.
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

func (f frame) write(question string) string {
	if f.trims {
		question = jinja.Trim(question)
	}
	return f.before + question + f.after
}

// probes are questions that a template may treat in a special way. The first one must
// occur nowhere else in a prompt.
var probes = []string{
	"satori asks 6·7?",
	" \n satori asks 6·7? \t\n",
	"2",
	"a\n\nb {{ c }} {% d %} 'e' \"f\" <g> & \\frac{1}{2} 日本",
	"<think>\nh\n</think>\n\ni",
}

// frame finds what the template writes around a question, and checks it with all probes.
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
			return f, fmt.Errorf("the template writes the user's message %q as %q, want %q: write a coat.Template by hand", question, text, f.write(question))
		}
	}
	return f, nil
}
