package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// A kind is a character class of the patterns; every character has exactly one.
type kind uint8

const (
	other  kind = iota
	letter      // \p{L}
	number      // \p{N}
	space       // \s, which is the Unicode property White_Space
)

var asciiKinds = func() (kinds [utf8.RuneSelf]kind) {
	for r := range kinds {
		kinds[r] = unicodeKind(rune(r))
	}
	return kinds
}()

func unicodeKind(r rune) kind {
	switch {
	case unicode.IsLetter(r) || unicode.Is(newerLetters, r):
		return letter
	case unicode.IsNumber(r) || unicode.Is(newerNumbers, r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

func kindOf(r rune) kind {
	if r < utf8.RuneSelf {
		return asciiKinds[r]
	}
	return unicodeKind(r)
}

func kindAt(text string) kind {
	if text[0] < utf8.RuneSelf {
		return asciiKinds[text[0]]
	}
	r, _ := utf8.DecodeRuneInString(text)
	return unicodeKind(r)
}

// run returns the length of the characters of kind k that text starts with.
func run(text string, k kind) int {
	for i, r := range text {
		if kindOf(r) != k {
			return i
		}
	}
	return len(text)
}

// isNumeric is what the Digits pre-tokenizer takes for a digit: Rust's
// char::is_numeric, whose tables are a version ahead of those of the patterns.
func isNumeric(r rune) bool {
	return kindOf(r) == number || unicode.Is(newestNumbers, r)
}

// inWord is \w as UTS 18 defines it (annex C): Alphabetic, M, Nd, Pc and Join_Control.
func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
	}
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.M, unicode.Nd, unicode.Pc, unicode.Join_Control, newerWords)
}

// What the library's tables (Unicode 16, found by asking it for every code point)
// have and Go's (15.0 as of Go 1.26) lack.
var (
	newerLetters = &unicode.RangeTable{
		R16: []unicode.Range16{{0x1c89, 0x1c8a, 1}, {0xa7cb, 0xa7cd, 1}, {0xa7da, 0xa7dc, 1}},
		R32: []unicode.Range32{
			{0x105c0, 0x105f3, 1}, {0x10d4a, 0x10d65, 1}, {0x10d6f, 0x10d85, 1}, {0x10ec2, 0x10ec4, 1},
			{0x11380, 0x11389, 1}, {0x1138b, 0x1138e, 3}, {0x11390, 0x113b5, 1}, {0x113b7, 0x113d1, 26},
			{0x113d3, 0x113d3, 1}, {0x11bc0, 0x11be0, 1}, {0x13460, 0x143fa, 1}, {0x16100, 0x1611d, 1},
			{0x16d40, 0x16d6c, 1}, {0x18cff, 0x18cff, 1}, {0x1e5d0, 0x1e5ed, 1}, {0x1e5f0, 0x1e5f0, 1},
			{0x2ebf0, 0x2ee5d, 1},
		},
	}
	newerNumbers = &unicode.RangeTable{
		R32: []unicode.Range32{
			{0x10d40, 0x10d49, 1}, {0x116d0, 0x116e3, 1}, {0x11bf0, 0x11bf9, 1}, {0x16130, 0x16139, 1},
			{0x16d70, 0x16d79, 1}, {0x1ccf0, 0x1ccf9, 1}, {0x1e5f1, 0x1e5fa, 1},
		},
	}
	newestNumbers = &unicode.RangeTable{ // of Unicode 17
		R32: []unicode.Range32{{0x11de0, 0x11de9, 1}, {0x16ff4, 0x16ff6, 1}},
	}
	newerWords = &unicode.RangeTable{
		R16: []unicode.Range16{{0x0897, 0x0897, 1}, {0x1c89, 0x1c8a, 1}, {0xa7cb, 0xa7cd, 1}, {0xa7da, 0xa7dc, 1}},
		R32: []unicode.Range32{
			{0x105c0, 0x105f3, 1}, {0x10d40, 0x10d65, 1}, {0x10d69, 0x10d6d, 1}, {0x10d6f, 0x10d85, 1},
			{0x10ec2, 0x10ec4, 1}, {0x10efc, 0x10efc, 1}, {0x11380, 0x11389, 1}, {0x1138b, 0x1138e, 3},
			{0x11390, 0x113b5, 1}, {0x113b7, 0x113c0, 1}, {0x113c2, 0x113c5, 3}, {0x113c7, 0x113ca, 1},
			{0x113cc, 0x113d3, 1}, {0x113e1, 0x113e2, 1}, {0x116d0, 0x116e3, 1}, {0x11bc0, 0x11be0, 1},
			{0x11bf0, 0x11bf9, 1}, {0x11f5a, 0x11f5a, 1}, {0x13460, 0x143fa, 1}, {0x16100, 0x16139, 1},
			{0x16d40, 0x16d6c, 1}, {0x16d70, 0x16d79, 1}, {0x18cff, 0x18cff, 1}, {0x1ccf0, 0x1ccf9, 1},
			{0x1e5d0, 0x1e5fa, 1}, {0x2ebf0, 0x2ee5d, 1},
		},
	}
)
