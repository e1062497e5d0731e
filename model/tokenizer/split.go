package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// A scanner returns the length of the first piece of a text that is not empty and
// valid UTF-8. Each is what a regular expression matches at the start of the text;
// these expressions look ahead, which package regexp cannot, and scanning is faster.
type scanner func(text string) int

func (s scanner) cut(text string) (int, bool) { return s(text), true }

// The pattern inside the ByteLevel pre-tokenizer, from GPT-2's encoder.py.
const gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// Patterns of the Split pre-tokenizer, from the tokenizer.json of these models.
const (
	qwenPattern  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	llamaPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

var scanners = map[string]scanner{
	gpt2Pattern:  splitGPT2,
	qwenPattern:  func(text string) int { return splitLines(text, 1) },
	llamaPattern: func(text string) int { return splitLines(text, 3) },
}

var contractions = []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}

// splitGPT2 matches gpt2Pattern.
func splitGPT2(text string) int {
	if text[0] == '\'' {
		for _, c := range contractions {
			if strings.HasPrefix(text, c) {
				return len(c)
			}
		}
	}
	lead := 0
	if text[0] == ' ' {
		lead = 1
	}
	if rest := text[lead:]; rest != "" {
		if k := kindAt(rest); k != space {
			return lead + run(rest, k)
		}
	}
	return splitSpace(text)
}

// splitLines matches qwenPattern, and llamaPattern if up to three digits make a piece.
func splitLines(text string, digits int) int {
	if text[0] == '\'' {
		for _, c := range contractions {
			if len(text) >= len(c) && strings.EqualFold(text[:len(c)], c) {
				return len(c)
			}
		}
		if long := "'ſ"; strings.HasPrefix(text, long) { // ſ is a lower-case s to (?i)
			return len(long)
		}
	}
	r, size := utf8.DecodeRuneInString(text)
	kind := kindOf(r)
	switch {
	case kind == letter:
		return run(text, letter)
	case kind == number:
		end := size
		for n := 1; n < digits && end < len(text) && kindAt(text[end:]) == number; n++ {
			_, size = utf8.DecodeRuneInString(text[end:])
			end += size
		}
		return end
	case r != '\r' && r != '\n':
		if n := run(text[size:], letter); n > 0 {
			return size + n
		}
	}
	lead := 0
	if r == ' ' {
		lead = 1
	}
	if n := run(text[lead:], other); n > 0 {
		rest := text[lead+n:]
		return lead + n + len(rest) - len(strings.TrimLeft(rest, "\r\n"))
	}
	if i := strings.LastIndexAny(text[:run(text, space)], "\r\n"); i >= 0 {
		return i + 1
	}
	return splitSpace(text)
}

// splitSpace matches \s+(?!\S)|\s+: all the space at the end of the text, but before
// a word all except the last space, unless that is the only one.
func splitSpace(text string) int {
	n := run(text, space)
	if n == len(text) {
		return n
	}
	if _, last := utf8.DecodeLastRuneInString(text[:n]); last < n {
		return n - last
	}
	return n
}
