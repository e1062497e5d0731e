package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sampler"
)

const (
	longestLine = 64 << 20
	together    = 256 // lines that are sampled at a time, at most
)

// A line is one line of the input.
type line struct {
	number int
	text   []byte
	err    error // the error that ended the reading
}

// A completed is one line of the output.
type completed struct {
	IDs       []int32   `json:"ids"`
	Text      string    `json:"text"`
	LogProbs  []float32 `json:"logprobs"`
	Truncated bool      `json:"truncated"` // it ends at -max-tokens
}

// lines answers the lines of stdin. A line that cannot be read gets its error as an answer,
// the other lines are still answered, and the program fails at the end.
func (g *generator) lines(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := make(chan line, together)
	go scan(ctx, stdin, in) // ends with stdin, or at its next line
	out := bufio.NewWriter(stdout)
	start, tokens, bad := time.Now(), 0, 0
	for batch := range batches(ctx, in) {
		n, faults, err := g.answer(ctx, batch, out, stderr)
		if err := errors.Join(err, out.Flush()); err != nil {
			return err
		}
		tokens, bad = tokens+n, bad+faults
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	fmt.Fprintf(stderr, "%d tokens in %.1f s with reading prompts and compiling, %.1f tokens/s\n", tokens, seconds, float64(tokens)/seconds)
	if bad > 0 {
		return fmt.Errorf("%d lines could not be answered", bad)
	}
	return nil
}

// scan sends the lines of stdin to in.
func scan(ctx context.Context, stdin io.Reader, in chan<- line) {
	defer close(in)
	lines := bufio.NewScanner(stdin)
	lines.Buffer(nil, longestLine)
	send := func(l line) bool {
		select {
		case in <- l:
			return true
		case <-ctx.Done():
			return false
		}
	}
	n := 0
	for lines.Scan() {
		n++
		if text := bytes.TrimSpace(lines.Bytes()); len(text) > 0 && !send(line{number: n, text: bytes.Clone(text)}) {
			return
		}
	}
	if err := lines.Err(); err != nil {
		send(line{number: n + 1, err: err})
	}
}

// batches yields each line as soon as it is there, together with the lines that are there
// by then.
func batches(ctx context.Context, in <-chan line) func(yield func([]line) bool) {
	return func(yield func([]line) bool) {
		for {
			var batch []line
			select {
			case l, ok := <-in:
				if !ok {
					return
				}
				batch = append(batch, l)
			case <-ctx.Done():
				return
			}
			for more := true; more && len(batch) < together; {
				select {
				case l, ok := <-in:
					if more = ok; ok {
						batch = append(batch, l)
					}
				default:
					more = false
				}
			}
			if !yield(batch) {
				return
			}
		}
	}
}

// answer writes the completions of a batch in order. It returns the numbers of tokens and
// of bad lines.
func (g *generator) answer(ctx context.Context, batch []line, out, stderr io.Writer) (tokens, bad int, err error) {
	var requests []model.Request
	faults := make([]error, len(batch))
	for i, l := range batch {
		r, err := g.read(l)
		if err != nil {
			faults[i] = fmt.Errorf("line %d: %w", l.number, err)
			continue
		}
		r.Seed = sampler.FoldIn(r.Seed, uint64(l.number-1))
		requests = append(requests, r)
	}
	encode := json.NewEncoder(out)
	encode.SetEscapeHTML(false) // "<|reflect|>" stays readable
	next := 0
	// refuse answers the bad lines before the next good one.
	refuse := func() error {
		for ; next < len(batch) && faults[next] != nil; next++ {
			bad++
			fmt.Fprintln(stderr, "generate:", faults[next])
			if err := encode.Encode(map[string]string{"error": faults[next].Error()}); err != nil {
				return err
			}
		}
		return nil
	}
	for done, err := range g.lm.InOrder(ctx, requests) {
		if err == nil {
			err = refuse()
		}
		if err != nil {
			return tokens, bad, err
		}
		for _, c := range done {
			tokens += len(c.Tokens)
			l := completed{IDs: c.Tokens, LogProbs: c.LogProbs, Truncated: c.Truncated}
			if g.lm.Tokenizer() != nil {
				l.Text = g.lm.Response(c.Tokens)
			}
			if err := encode.Encode(l); err != nil {
				return tokens, bad, err
			}
		}
		next++
	}
	return tokens, bad, refuse()
}

// read makes a request from a line.
func (g *generator) read(l line) (model.Request, error) {
	if l.err != nil {
		return model.Request{}, l.err
	}
	var in struct {
		Prompt *string
		IDs    []int32
	}
	if err := json.Unmarshal(l.text, &in); err != nil {
		return model.Request{}, err
	}
	switch {
	case in.Prompt != nil && in.IDs == nil:
		return g.ask(*in.Prompt)
	case in.Prompt == nil && in.IDs != nil:
		return g.askIDs(in.IDs)
	}
	return model.Request{}, errors.New(`want either "prompt" or "ids"`)
}
