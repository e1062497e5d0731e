package coat

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
)

// A LineError is a fault in a line of a JSON Lines file.
type LineError struct {
	File  string
	Line  int    // counted from 1
	Field string // "" where the line as a whole is at fault
	Err   error
}

func (e *LineError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s:%d: field %q: %v", e.File, e.Line, e.Field, e.Err)
}

func (e *LineError) Unwrap() error { return e.Err }

// maxLine bounds a line of a JSON Lines file, in bytes.
const maxLine = 16 << 20

// ReadLines decodes one JSON object a line into T and skips blank lines. The first
// error ends the stream. It is a [LineError] with the name and the line, or the error of r.
func ReadLines[T any](r io.Reader, name string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		readLines(r, name, func(v T, _ int, err error) bool { return yield(v, err) })
	}
}

// readLines works as ReadLines, and gives the number of the line as well.
func readLines[T any](r io.Reader, name string, yield func(v T, line int, err error) bool) {
	var zero T
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		var v T
		if err := json.Unmarshal(text, &v); err != nil {
			yield(zero, n, lineError(name, n, err))
			return
		}
		if !yield(v, n, nil) {
			return
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		yield(zero, n+1, &LineError{File: name, Line: n + 1, Err: fmt.Errorf("line is longer than %d MiB", maxLine>>20)})
	} else if err != nil {
		yield(zero, n+1, fmt.Errorf("%s: %w", name, err))
	}
}

// lineError says what encoding/json found, and names the field where one is at fault.
func lineError(name string, line int, err error) *LineError {
	var wrong *json.UnmarshalTypeError
	var bad *json.SyntaxError
	var in *fieldError
	field := ""
	if errors.As(err, &in) {
		field, err = in.field, in.err
	}
	switch {
	case errors.As(err, &wrong):
		field = cmp.Or(field, wrong.Field)
		return &LineError{File: name, Line: line, Field: field, Err: fmt.Errorf("is a JSON %s, want a %s", wrong.Value, wrong.Type)}
	case errors.As(err, &bad):
		return &LineError{File: name, Line: line, Err: fmt.Errorf("is not JSON: %v (byte %d of the line)", bad, bad.Offset)}
	}
	return &LineError{File: name, Line: line, Field: field, Err: err}
}

// ReadProblems reads problems from JSON Lines with the fields id, question, answer,
// level, solution and actions. It skips other fields. A missing question or answer and an
// id that occurred before are [LineError]s, and so is what a check finds, such as a
// reference answer that a checker cannot read. A check that is nil is skipped. A problem
// without an id gets the number of its line as its id.
func ReadProblems(r io.Reader, name string, checks ...func(Problem) error) ([]Problem, error) {
	var problems []Problem
	var fault error
	seen := map[string]int{} // id → line
	readLines(r, name, func(p Problem, line int, err error) bool {
		if err == nil {
			err = checkProblem(&p, name, line, seen)
		}
		for _, check := range checks {
			if err == nil && check != nil {
				if fault := check(p); fault != nil {
					err = &LineError{File: name, Line: line, Err: fault}
				}
			}
		}
		if err != nil {
			fault = err
			return false
		}
		problems = append(problems, p)
		return true
	})
	if fault == nil && len(problems) == 0 {
		fault = fmt.Errorf("%s: has no problems", name)
	}
	if fault != nil {
		return nil, fault
	}
	return problems, nil
}

func checkProblem(p *Problem, name string, line int, seen map[string]int) error {
	fault := func(field, format string, args ...any) error {
		return &LineError{File: name, Line: line, Field: field, Err: fmt.Errorf(format, args...)}
	}
	if p.ID == "" {
		p.ID = fmt.Sprint(line)
	}
	if before, dup := seen[p.ID]; dup {
		return fault("id", "%q is the id of line %d already", p.ID, before)
	}
	seen[p.ID] = line
	if strings.TrimSpace(p.Question) == "" {
		return fault("question", "is missing")
	}
	if strings.TrimSpace(p.Answer) == "" {
		return fault("answer", "is missing")
	}
	return nil
}

// OpenProblems reads the problems of a file, see [ReadProblems].
func OpenProblems(path string, checks ...func(Problem) error) ([]Problem, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadProblems(f, path, checks...)
}

// WriteLines writes one JSON object a line.
func WriteLines[T any](w io.Writer, values iter.Seq[T]) error {
	buffered := bufio.NewWriter(w)
	out := json.NewEncoder(buffered)
	out.SetEscapeHTML(false) // "<|reflect|>" stays readable
	for v := range values {
		if err := out.Encode(v); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
