package tokenizer

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ValidUTF8 replaces each maximal invalid part of s by U+FFFD: a byte that starts
// no character, or the start of a character that is not completed. This is
// Unicode's recommended practice (section 3.9) and what Rust's from_utf8_lossy
// does. [Tokenizer.Encode] reads text so. strings.ToValidUTF8 replaces whole runs, a range loop single bytes.
func ValidUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			// FullRune is false as long as the bytes could yet become a character.
			for i+n < len(s) && !utf8.FullRuneInString(s[i:i+n]) && !utf8.FullRuneInString(s[i:i+n+1]) {
				n++
			}
		}
		b.WriteRune(r)
		i += n
	}
	return b.String()
}

// composed returns the normal form C of s as the tokenizers library makes it (measured
// on 0.23.3): with the tables of Unicode 9, to which newerMarks mean nothing.
func composed(s string) string {
	if norm.NFC.IsNormalString(s) {
		return s // and so is each part of it
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return unicode.Is(newerMarks, r) })
		if i < 0 {
			i = len(s)
		}
		b.WriteString(composedPart(s[:i]))
		_, n := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+n])
		s = s[i+n:]
	}
	return b.String()
}

const graphemeJoiner = "\u034f"

// composedPart is composed where there are no newer marks. x/text follows the
// Stream-Safe Text Process (UAX 15, section 13) and puts a grapheme joiner into any
// run of more than 30 marks; where it did, the form is computed without that.
func composedPart(s string) string {
	c := norm.NFC.String(s)
	if strings.Count(c, graphemeJoiner) == strings.Count(s, graphemeJoiner) {
		return c
	}
	var rs []rune // fully decomposed
	for _, r := range s {
		rs = append(rs, []rune(norm.NFD.String(string(r)))...)
	}
	for i := 0; i < len(rs); { // canonical order: marks between two starters are sorted by class
		end := i + 1
		for end < len(rs) && class(rs[end]) != 0 {
			end++
		}
		slices.SortStableFunc(rs[i:end], func(a, b rune) int { return cmp.Compare(class(a), class(b)) })
		i = end
	}
	out := rs[:0] // canonical composition, UAX 15 and definition D117 of the standard
	starter := -1 // index in out of the last starter
	for _, r := range rs {
		// A mark is blocked from the starter by one between them of no lower class.
		if starter >= 0 && (starter == len(out)-1 || class(out[len(out)-1]) < class(r)) {
			pair := norm.NFC.String(string([]rune{out[starter], r}))
			if p, n := utf8.DecodeRuneInString(pair); n == len(pair) {
				out[starter] = p
				continue
			}
		}
		if class(r) == 0 {
			starter = len(out)
		}
		out = append(out, r)
	}
	return string(out)
}

// class is the canonical combining class; it is 0 for a starter.
func class(r rune) uint8 { return norm.NFC.PropertiesString(string(r)).CCC() }

// newerMarks are the characters of Unicode 10 to 15 that take part in normalization:
// those with a combining class, and U+11930, which composes with one before it.
var newerMarks = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x07fd, 0x07fd, 1}, {0x0898, 0x089f, 1}, {0x08ca, 0x08d3, 1}, {0x09fe, 0x09fe, 1},
		{0x0c3c, 0x0c3c, 1}, {0x0d3b, 0x0d3c, 1}, {0x0eba, 0x0eba, 1}, {0x1715, 0x1715, 1},
		{0x1abf, 0x1ace, 1}, {0x1df6, 0x1dfa, 1}, {0xa82c, 0xa82c, 1},
	},
	R32: []unicode.Range32{
		{0x10d24, 0x10d27, 1}, {0x10eab, 0x10eac, 1}, {0x10efd, 0x10eff, 1}, {0x10f46, 0x10f50, 1},
		{0x10f82, 0x10f85, 1}, {0x11070, 0x11070, 1}, {0x1133b, 0x1133b, 1}, {0x1145e, 0x1145e, 1},
		{0x11839, 0x1183a, 1}, {0x11930, 0x11930, 1}, {0x1193d, 0x1193e, 1}, {0x11943, 0x11943, 1},
		{0x119e0, 0x119e0, 1}, {0x11a34, 0x11a34, 1}, {0x11a47, 0x11a47, 1}, {0x11a99, 0x11a99, 1},
		{0x11d42, 0x11d42, 1}, {0x11d44, 0x11d45, 1}, {0x11d97, 0x11d97, 1}, {0x11f41, 0x11f42, 1},
		{0x16ff0, 0x16ff1, 1}, {0x1e08f, 0x1e08f, 1}, {0x1e130, 0x1e136, 1}, {0x1e2ae, 0x1e2ae, 1},
		{0x1e2ec, 0x1e2ef, 1}, {0x1e4ec, 0x1e4ef, 1},
	},
}
