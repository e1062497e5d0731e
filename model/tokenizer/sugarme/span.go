package sugarme

import (
	"iter"
	"strings"
	"unicode/utf8"

	lib "github.com/sugarme/tokenizer"
	"golang.org/x/text/unicode/norm"

	"github.com/satori-go/satori/model/tokenizer"
)

// A span is a part of a text with the tokens it became, whose offsets count from start.
type span struct {
	text   string
	start  int
	tokens []lib.Token
}

// spans yields the pieces of a text that became tokens.
func spans(t *tokenizer.Tokenizer, text string) iter.Seq[span] {
	return func(yield func(span) bool) {
		text := tokenizer.ValidUTF8(text)
		at := 0
		for p := range t.Pieces(text) {
			start, end, put, same := locate(text, at, p.Text)
			at = end
			if len(p.IDs) == 0 {
				continue
			}
			s := span{text: text[start:end], start: start, tokens: make([]lib.Token, len(p.IDs))}
			measured, pos := put+s.text, 0
			for i, id := range p.IDs {
				token, _ := t.Token(id)
				from, to := 0, len(s.text)
				if same && !p.Added {
					next := min(pos+width(t, token, measured[pos:]), len(measured))
					from, to = max(pos-len(put), 0), max(next-len(put), 0)
					pos = next
				}
				s.tokens[i] = lib.NewToken(int(id), token, []int{from, to})
			}
			if !yield(s) {
				return
			}
		}
	}
}

// mark is what SentencePiece writes for a space.
const mark = "▁"

// locate finds the part of text, from at on, that became a piece: itself, perhaps with
// something dropped before it; or itself with marks for spaces and one put before; or
// what composes to it. It says what was put before, and whether the tokens of the piece
// can be measured in the text.
func locate(text string, at int, piece string) (start, end int, put string, same bool) {
	if i := strings.Index(text[at:], piece); i == 0 || i > 0 && !strings.Contains(piece, mark) && norm.NFC.IsNormalString(text[at:at+i]) {
		return at + i, at + i + len(piece), "", true
	}
	for _, put := range []string{"", mark, " "} {
		rest, ok := strings.CutPrefix(piece, put)
		if n := spaced(text[at:], rest); ok && n > 0 {
			return at, at + n, put, true
		}
	}
	// Compose more and more of the text, but not forever.
	for i, r := range text[at:] {
		n := i + utf8.RuneLen(r)
		if i > 4*len(piece)+64 {
			break
		}
		if n >= len(piece) && norm.NFC.String(text[at:at+n]) == piece {
			return at, at + n, "", false
		}
	}
	end = min(at+len(piece), len(text))
	for end < len(text) && !utf8.RuneStart(text[end]) {
		end++
	}
	start = min(at, end)
	for start > 0 && (start == end || !utf8.RuneStart(text[start])) {
		start--
	}
	return start, end, "", false
}

// spaced returns the length of the start of text that is the piece once spaces are
// marks, or 0.
func spaced(text, piece string) int {
	n := 0
	for _, r := range piece {
		got, size := utf8.DecodeRuneInString(text[n:])
		if got != r && !(got == ' ' && string(r) == mark) {
			return 0
		}
		n += size
	}
	return n
}

// width is how much of text a token stands for.
func width(t *tokenizer.Tokenizer, token, text string) int {
	if strings.HasPrefix(text, token) {
		return len(token)
	}
	if n := spaced(text, token); n > 0 {
		return n
	}
	if len(token) == 6 && strings.HasPrefix(token, "<0x") { // a byte
		return 1
	}
	// In the byte alphabet each character is a byte; an unknown token is one character.
	if raw := t.Join([]string{token}); raw != token || utf8.RuneCountInString(token) != len(token) {
		return utf8.RuneCountInString(token)
	}
	_, n := utf8.DecodeRuneInString(text)
	return n
}
