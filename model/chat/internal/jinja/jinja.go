package jinja

import (
	"fmt"
	"strings"
	"time"
)

// A Template is a parsed template. It is safe for concurrent use.
type Template struct{ body []statement }

// An Object is a dictionary that keeps the order of its keys.
type Object []Member

// A Member is a key of an [Object] with its value.
type Member struct {
	Name  string
	Value any
}

// Parse parses the source of a template. An error names the line.
func Parse(source string) (*Template, error) {
	body, err := parse(source)
	if err != nil {
		return nil, err
	}
	return &Template{body: body}, nil
}

// Render writes the text. The template sees the variables by their names, and strftime_now
// returns now. An error names the line.
func (t *Template) Render(variables map[string]any, now time.Time) (text string, err error) {
	r := &run{out: &strings.Builder{}, line: 1, now: now}
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(failure)
			if !ok {
				panic(p)
			}
			text, err = "", fmt.Errorf("line %d: %w", r.line, f.error)
		}
	}()
	s := &scope{names: map[string]any{}, run: r}
	for name, v := range variables {
		s.names[name] = value(v)
	}
	execAll(s, t.body)
	return r.out.String(), nil
}

// Trim removes the white space at both ends of s, as the filter trim does.
func Trim(s string) string { return strings.TrimFunc(s, isSpace) }
