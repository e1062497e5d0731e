package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
)

// ReadRestarts reads starts from JSON Lines of the paper's trainer, see [Restart], whose
// queries are prompts of a template. Errors contain the name. A start of status 0 has no
// steps; a start of 1 or -1 has some and ends in the bare token of an action of its
// problem, such as <|reflect|>. A row without a status has status 0, as in that trainer.
// Anything else is an error that names the row; no row is skipped.
//
// problems are the problems of the queries, in any order, and the answers have to be
// theirs. If problems is nil the question of a row is the text between the words
// of the template, which have to occur once. That works for [coat.Math], but not for
// [coat.Bare], whose question ends in a mere space.
func ReadRestarts(r io.Reader, name string, t coat.Template, problems []coat.Problem) iter.Seq2[coat.Start, error] {
	return func(yield func(coat.Start, error) bool) {
		find := known(t, problems)
		if problems == nil {
			find = between(t)
		}
		n := 0
		for row, err := range coat.ReadLines[restartRow](r, name) {
			n++
			var s coat.Start
			if err == nil {
				if s, err = row.start(t, find); err != nil {
					err = fmt.Errorf("%s: row %d: %w", name, n, err)
				} else if s.Problem.ID == "" {
					s.Problem.ID = fmt.Sprintf("%s:%d", strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), n)
				}
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// restartRow is a [Restart] whose missing fields are nil.
type restartRow struct {
	Query         *string `json:"query"`
	Answer        *string `json:"answer"`
	ReflectStatus int     `json:"reflect_status"`
}

// A finder returns the problem of a query, and the prompt of that problem without a prefix.
type finder func(query string) (coat.Problem, string, error)

func (row restartRow) start(t coat.Template, find finder) (coat.Start, error) {
	if row.Query == nil || row.Answer == nil {
		return coat.Start{}, errors.New("has no query or no answer")
	}
	prior, ok := map[int]coat.Outcome{0: coat.Unknown, 1: coat.Right, -1: coat.Wrong}[row.ReflectStatus]
	if !ok {
		return coat.Start{}, fmt.Errorf("reflect_status is %d, want 0, 1 or -1", row.ReflectStatus)
	}
	p, prompt, err := find(*row.Query)
	if err != nil {
		return coat.Start{}, err
	}
	if p.Answer = cmp.Or(p.Answer, *row.Answer); p.Answer == "" || p.Answer != *row.Answer {
		return coat.Start{}, fmt.Errorf("answer is %q, want %q", *row.Answer, p.Answer)
	}
	prefix, err := p.Actions.Parse((*row.Query)[len(prompt):])
	if err != nil {
		return coat.Start{}, fmt.Errorf("query: the steps taken: %w", err)
	}
	s := coat.Start{Problem: p, Prefix: prefix, Prior: prior}
	last := coat.Step{}
	if len(prefix) > 1 {
		last = prefix[len(prefix)-1]
	}
	bare := last.Action != coat.None && last.Text == ""
	switch {
	case prior == coat.Unknown && len(prefix) > 0:
		return s, fmt.Errorf("reflect_status is 0 and the query has %d steps taken", len(prefix))
	case prior != coat.Unknown && !bare:
		return s, fmt.Errorf("reflect_status is %d and the query does not end in steps and a bare token such as %v",
			row.ReflectStatus, coat.Reflect)
	case t(s) != *row.Query:
		return s, errors.New("query: the template makes another prompt of what was read")
	}
	return s, nil
}

// known finds the queries of given problems.
func known(t coat.Template, problems []coat.Problem) finder {
	prompts := make(map[string]coat.Problem, len(problems))
	lengths := map[int]bool{}
	for _, p := range problems {
		prompt := t(coat.Start{Problem: p})
		prompts[prompt], lengths[len(prompt)] = p, true
	}
	longest := slices.SortedFunc(maps.Keys(lengths), func(a, b int) int { return b - a })
	return func(query string) (coat.Problem, string, error) {
		for _, n := range longest {
			if n <= len(query) {
				if p, ok := prompts[query[:n]]; ok {
					return p, query[:n], nil
				}
			}
		}
		return coat.Problem{}, "", errors.New("query is of none of the problems, or of another template")
	}
}

// between finds the question by the words around it.
func between(t coat.Template) finder {
	const mark = "\x00question\x00"
	before, after, _ := strings.Cut(t(coat.Start{Problem: coat.Problem{Question: mark}}), mark)
	return func(query string) (coat.Problem, string, error) {
		rest, ok := strings.CutPrefix(query, before)
		if n := strings.Count(rest, after); !ok || after == "" || n != 1 {
			return coat.Problem{}, "", fmt.Errorf("query does not tell where its question ends: %q occurs %d times; give the problems", after, n)
		}
		question, _, _ := strings.Cut(rest, after)
		if question == "" {
			return coat.Problem{}, "", errors.New("query has no question")
		}
		return coat.Problem{Question: question}, before + question + after, nil
	}
}
