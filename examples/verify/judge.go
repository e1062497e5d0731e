package main

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"

	"github.com/satori-go/satori/reward/answer"
)

// A text is a JSON string, or a number as written. Reference answers are either.
type text string

// UnmarshalJSON reads a string or a number.
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil && string(data) != "null" {
		*t = text(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil || n == "" {
		return errors.New("want a string or a number")
	}
	*t = text(n)
	return nil
}

// judge compares the answer in an output with the reference answer.
func judge(gold *answer.Gold, output string) (pred string, verdict answer.Verdict) {
	pred, ok := answer.Extract(withoutEnd(output))
	if !ok {
		return "", answer.Verdict{Reason: answer.NoAnswer}
	}
	return pred, gold.Equal(pred)
}

// response returns what a policy wrote: the query without the prompt at its head. A query
// is decoded from tokens. It may begin with another token, such as <s>, and its white space
// may differ from the prompt's.
func response(query, prompt string) (string, error) {
	if _, after, ok := strings.Cut(query, prompt); ok {
		return after, nil
	}
	for i := range query[:min(len(query), maxOpening)] {
		if after, ok := follow(query[i:], prompt); ok {
			return after, nil
		}
	}
	return "", errors.New("does not start with its prompt")
}

// maxOpening is the number of bytes that may come before the prompt.
const maxOpening = 64

// follow returns what comes after the prompt at the head of text. It ignores white space.
func follow(text, prompt string) (after string, ok bool) {
	for _, want := range prompt {
		if unicode.IsSpace(want) {
			continue
		}
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
		if text, ok = strings.CutPrefix(text, string(want)); !ok {
			return "", false
		}
	}
	return text, true
}

// withoutEnd removes the special tokens at the end of an output, because OpenRLHF decodes
// them too. Otherwise they would become part of "the answer is 72<|im_end|>".
func withoutEnd(output string) string {
	for {
		output = strings.TrimRightFunc(output, unicode.IsSpace)
		open := strings.LastIndexByte(output, '<')
		if open < 0 || !isToken(output[open:]) {
			return output
		}
		output = output[:open]
	}
}

// isToken reports whether <...> is a special token of a usual tokenizer.
func isToken(s string) bool {
	name, ok := strings.CutSuffix(strings.TrimPrefix(s, "<"), ">")
	if !ok || len(name) > maxOpening {
		return false
	}
	switch name {
	case "/s", "s", "eos", "pad", "end_of_turn":
		return true
	}
	for _, bar := range []string{"|", "\uff5c"} { // DeepSeek's bars are full-width
		inner := strings.TrimPrefix(name, bar)
		if len(inner) < len(name) && strings.HasSuffix(inner, bar) {
			return true
		}
	}
	return false
}
