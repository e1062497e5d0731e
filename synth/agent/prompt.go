package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"text/template"

	"github.com/satori-go/satori/coat"
)

// A Prompt is the two turns of a request, as templates over [Data]. A nil System means that
// there is no such turn.
type Prompt struct{ System, User *template.Template }

// A Data is the values that a prompt may contain. Which of them are set depends on the prompt.
type Data struct {
	Problem coat.Problem
	Given   string         // the solution so far, which is not to be reviewed or written again
	Steps   []NumberedStep // the steps to review, numbered from 1
	Mistake string         // the fault of the last of the given steps
	Hint    string         // another way
	Trace   string         // the demonstration to grade
}

// A NumberedStep is a step of a solution with its number, counted from 1.
type NumberedStep struct {
	N    int
	Text string
}

// request fills in the templates.
func (p Prompt) request(d Data) (r Request, err error) {
	if r.System, err = fill(p.System, d); err != nil {
		return r, err
	}
	r.User, err = fill(p.User, d)
	return r, err
}

func fill(t *template.Template, d Data) (string, error) {
	if t == nil {
		return "", nil
	}
	var b strings.Builder
	if err := t.Execute(&b, d); err != nil {
		return "", fmt.Errorf("agent: prompt %s: %w", t.Name(), err)
	}
	return strings.TrimSpace(b.String()), nil
}

// hash returns a part of SHA-256 over the text of both templates.
func (p Prompt) hash() string {
	h := sha256.New()
	for _, t := range []*template.Template{p.System, p.User} {
		if t != nil && t.Tree != nil {
			h.Write([]byte(t.Root.String()))
		}
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// A Prompts is all the prompts of the agents.
type Prompts struct {
	Solve          Prompt // asks for a first solution; template 1.1 of the paper
	Continue       Prompt // asks for the rest of a right partial solution that was checked; 1.2.1
	Correct        Prompt // asks for the rest of a wrong one, with feedback and hint; 1.2.2
	Verify         Prompt // asks why the steps so far are right; 2.1
	FindError      Prompt // asks for the first wrong step and a hint; 2.2.1
	FindErrorAgain Prompt // asks the same of a continuation; 2.2.2
	Retry          Prompt // follows a critic's prompt whose reply could not be read
	Grade          Prompt // asks for a mark from 0 to 10
}

// Hashes returns the hashes of the prompts, for a manifest. Their names are those that
// earlier versions wrote.
func (p Prompts) Hashes() map[string]string {
	return map[string]string{
		"solve": p.Solve.hash(), "go": p.Continue.hash(), "mend": p.Correct.hash(), "verify": p.Verify.hash(),
		"find": p.FindError.hash(), "find_next": p.FindErrorAgain.hash(), "again": p.Retry.hash(), "mark": p.Grade.hash(),
	}
}
