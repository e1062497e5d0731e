package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"text/template"

	"github.com/satori-go/satori/coat"
)

// A Prompt is the two turns of a request, templates over [Data]. A nil System is no
// turn.
type Prompt struct{ System, User *template.Template }

// Data is what a prompt may speak of. Which fields are set depends on the prompt.
type Data struct {
	Problem coat.Problem
	Given   string // what stands already and is not to be reviewed or written again
	Steps   []Step // what is to be reviewed, numbered from 1
	Mistake string // what is wrong with the last of the given steps
	Hint    string // another way
	Trace   string // the demonstration to be marked
}

// A Step is a step with its number.
type Step struct {
	N    int
	Text string
}

// request fills the templates in.
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

// Hash tells prompts apart: a part of SHA-256 over the text of both templates.
func (p Prompt) Hash() string {
	h := sha256.New()
	for _, t := range []*template.Template{p.System, p.User} {
		if t != nil && t.Tree != nil {
			h.Write([]byte(t.Root.String()))
		}
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Prompts are all that the agents ask with.
type Prompts struct {
	Solve    Prompt // the first solution; template 1.1 of the paper
	Go       Prompt // on from a right partial solution and its check; 1.2.1
	Mend     Prompt // on from a wrong one, with feedback and hint; 1.2.2
	Verify   Prompt // why the steps so far are right; 2.1
	Find     Prompt // the first wrong step and a hint; 2.2.1
	FindNext Prompt // the same of a continuation; 2.2.2
	Again    Prompt // what is put after a critic's prompt whose reply could not be read
	Mark     Prompt // a mark from 0 to 10
}

// Hashes are the hashes of the prompts by name, for a manifest.
func (p Prompts) Hashes() map[string]string {
	return map[string]string{
		"solve": p.Solve.Hash(), "go": p.Go.Hash(), "mend": p.Mend.Hash(), "verify": p.Verify.Hash(),
		"find": p.Find.Hash(), "find_next": p.FindNext.Hash(), "again": p.Again.Hash(), "mark": p.Mark.Hash(),
	}
}
