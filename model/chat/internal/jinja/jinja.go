package jinja

import (
	"fmt"
	"strings"
	"time"
)

// A Template is a parsed template. It does not change, and many goroutines can use it.
type Template struct{ body []statement }

// An Object is a dictionary whose keys keep their order.
type Object []Member

// A Member is one key of an [Object] and its value.
type Member struct {
	Name  string
	Value any
}

// Parse reads the source of a template. An error names the line.
func Parse(source string) (*Template, error) {
	body, err := parse(source)
	if err != nil {
		return nil, err
	}
	return &Template{body: body}, nil
}

// Render makes the text. The template sees variables by their names, and now through
// strftime_now. An error names the line at which rendering failed.
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
