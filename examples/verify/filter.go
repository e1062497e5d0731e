package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/satori-go/satori/reward/answer"
)

// maxLine is the length of the longest line that the filter reads, in bytes.
const maxLine = 64 << 20

// A field is a member of a JSON object with its value as written.
type field struct {
	name  string
	value json.RawMessage
}

// filter judges the lines of in and writes each one as soon as it is judged.
//
// It keeps the fields of a line and their order, except for the three names that it adds.
// If a line has both a pred and an output, it judges the pred. A reference answer that
// cannot be parsed is an error that filter returns at the end, after the other lines. Its
// own line gets the reason "unreadable gold".
func filter(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	w := bufio.NewWriter(out)
	var unreadable []error
	for n := 1; lines.Scan(); n++ {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, w.Flush())
		}
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		judged, bad, err := judgeLine(line)
		if err != nil {
			return errors.Join(fmt.Errorf("line %d: %w", n, err), w.Flush())
		}
		if bad != nil {
			unreadable = append(unreadable, fmt.Errorf("line %d: %w", n, bad))
		}
		if _, err := w.Write(append(judged, '\n')); err != nil {
			return err
		}
	}
	if err := errors.Join(lines.Err(), w.Flush()); err != nil {
		return err
	}
	if len(unreadable) > 0 {
		return fmt.Errorf("%d gold answers could not be read; the first: %w", len(unreadable), unreadable[0])
	}
	return nil
}

// judgeLine returns a line with its verdict. gold is the fault of its reference answer.
func judgeLine(line []byte) (judged []byte, gold, err error) {
	var in struct{ Gold, Pred, Output *text }
	if err := json.Unmarshal(line, &in); err != nil {
		return nil, nil, err
	}
	if in.Gold == nil || in.Pred == nil && in.Output == nil {
		return nil, nil, errors.New(`want the fields "gold" and "pred", or "gold" and "output"`)
	}
	fields, err := members(line)
	if err != nil {
		return nil, nil, err
	}
	var pred, reason string
	var verdict answer.Verdict
	compiled, gold := answer.CompileGold(string(*in.Gold))
	switch {
	case gold != nil:
		reason = "unreadable gold"
		if in.Pred != nil {
			pred = string(*in.Pred)
		} else {
			pred, _ = answer.Extract(withoutEnd(string(*in.Output)))
		}
	case in.Pred != nil:
		pred = string(*in.Pred)
		verdict = compiled.Equal(pred)
	default:
		pred, verdict = judge(compiled, string(*in.Output))
	}
	if gold == nil {
		reason = verdict.Reason.String()
	}
	judged, err = join(fields, verdict.Equal, pred, reason)
	return judged, gold, err
}

// members returns the fields of an object without those that the filter adds.
func members(object []byte) (fields []field, err error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil { // {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		f := field{name: name.(string)}
		if err := d.Decode(&f.value); err != nil {
			return nil, err
		}
		switch f.name {
		case "equal", "answer", "reason":
		default:
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// join writes an object.
func join(fields []field, equal bool, pred, reason string) (object []byte, err error) {
	var line bytes.Buffer
	encode := json.NewEncoder(&line)
	encode.SetEscapeHTML(false)
	put := func(opening, name string, value any) {
		line.WriteString(opening)
		err = errors.Join(err, encode.Encode(name))
		line.Truncate(line.Len() - 1) // its line end
		line.WriteByte(':')
		if raw, ok := value.(json.RawMessage); ok {
			line.Write(raw)
			return
		}
		err = errors.Join(err, encode.Encode(value))
		line.Truncate(line.Len() - 1)
	}
	opening := "{"
	for _, f := range fields {
		put(opening, f.name, f.value)
		opening = ","
	}
	put(opening, "equal", equal)
	put(",", "answer", pred)
	put(",", "reason", reason)
	line.WriteByte('}')
	return line.Bytes(), err
}
