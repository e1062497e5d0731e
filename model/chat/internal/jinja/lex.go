package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A token is a piece of the source. The text between two tags is one token, and so is each
// mark that opens or closes a tag.
type token struct {
	kind  tokenKind
	text  string // of a string, what it stands for
	value any    // of a number
	line  int
}

type tokenKind uint8

const (
	endToken    tokenKind = iota
	textToken             // to be written as it stands
	openToken             // {{ or {%
	closeToken            // }} or %}
	nameToken             // identifiers and keywords
	stringToken           // 'a' or "a"
	numberToken
	signToken // operators and brackets
)

func (t token) String() string {
	switch t.kind {
	case endToken:
		return "the end of the template"
	case textToken:
		return "text"
	case stringToken:
		return strconv.Quote(t.text)
	}
	return t.text
}

// A lexer cuts the source into tokens and removes white space by Jinja2's rules. A minus at
// a mark removes the white space beside it, and a plus keeps it. Otherwise a line break
// right after a statement or comment is removed, and so is the indentation before it.
type lexer struct {
	source string
	pos    int
	fresh  bool // the last tag ended in a newline that was dropped, or there was none
	tokens []token

	counted, newlines int // the newlines before the position counted
}

// lex returns the tokens of a template.
func lex(source string) ([]token, error) {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source)
	l := &lexer{source: strings.TrimSuffix(source, "\n"), fresh: true}
	for {
		at := nextTag(l.source[l.pos:])
		if at < 0 {
			l.emit(textToken, l.source[l.pos:])
			l.pos = len(l.source)
			l.emit(endToken, "")
			return l.tokens, nil
		}
		l.text(at)
		var err error
		switch l.source[l.pos+1] {
		case '#':
			err = l.comment()
		case '%':
			if raw, ok := l.raw(); ok {
				err = raw
			} else {
				err = l.tag("%}")
			}
		default:
			err = l.tag("}}")
		}
		if err != nil {
			return nil, err
		}
	}
}

// nextTag returns the index of the first {{, {% or {#, or -1.
func nextTag(s string) int {
	for i := 0; ; i++ {
		j := strings.IndexByte(s[i:], '{')
		if i += j; j < 0 || i+1 == len(s) {
			return -1
		}
		if c := s[i+1]; c == '{' || c == '%' || c == '#' {
			return i
		}
	}
}

func (l *lexer) emit(kind tokenKind, text string) {
	if kind != textToken || text != "" {
		l.tokens = append(l.tokens, token{kind: kind, text: text, line: l.line()})
	}
}

func (l *lexer) line() int {
	l.newlines += strings.Count(l.source[l.counted:l.pos], "\n")
	l.counted = l.pos
	return 1 + l.newlines
}

func (l *lexer) fail(format string, args ...any) error {
	return fmt.Errorf("line %d: %s", l.line(), fmt.Sprintf(format, args...))
}

// text emits the n bytes before a tag and moves to the tag.
func (l *lexer) text(n int) {
	tag := l.source[l.pos+n:]
	text := strip(l.source[l.pos:l.pos+n], tag, l.fresh)
	l.emit(textToken, text)
	l.pos += n
}

// strip removes from the text before a tag the white space that the tag's opening mark
// removes.
func strip(text, tag string, fresh bool) string {
	switch {
	case strings.HasPrefix(tag[2:], "-"):
		return strings.TrimRightFunc(text, isSpace)
	case tag[1] == '{' || strings.HasPrefix(tag[2:], "+"):
		return text
	}
	start := strings.LastIndexByte(text, '\n') + 1
	if (start > 0 || fresh) && strings.TrimFunc(text[start:], isSpace) == "" {
		return text[:start]
	}
	return text
}

// closed moves behind the closing mark at pos, which has two characters, and behind the
// white space that the mark removes. sign is the sign before the mark, or 0.
func (l *lexer) closed(sign byte, trim bool) {
	l.pos += 2
	before := l.pos
	switch rest := l.source[l.pos:]; {
	case sign == '-':
		l.pos += len(rest) - len(strings.TrimLeftFunc(rest, isSpace))
	case sign == 0 && trim && strings.HasPrefix(rest, "\n"):
		l.pos++
	}
	l.fresh = l.pos > before && l.source[l.pos-1] == '\n'
}

func (l *lexer) comment() error {
	n := strings.Index(l.source[l.pos+2:], "#}")
	if n < 0 {
		return l.fail("comment without an end: write #}")
	}
	l.pos += 2 + n
	sign := byte(0)
	if c := l.source[l.pos-1]; n > 0 && (c == '-' || c == '+') {
		sign = c
	}
	l.closed(sign, true)
	return nil
}

// raw reads {% raw %}...{% endraw %} if it comes next.
func (l *lexer) raw() (error, bool) {
	n, _, ok := rawTag(l.source[l.pos:], "raw")
	if !ok {
		return nil, false
	}
	start := l.pos + n
	for i := start; ; i++ {
		j := strings.Index(l.source[i:], "{%")
		if j < 0 {
			return l.fail("raw without an end: write {%% endraw %%}"), true
		}
		i += j
		if n, sign, ok := rawTag(l.source[i:], "endraw"); ok {
			text := l.source[start:i]
			if l.source[start-3] == '-' {
				text = strings.TrimLeftFunc(text, isSpace)
			}
			l.emit(textToken, strip(text, l.source[i:], false))
			l.pos = i + n - 2
			l.closed(sign, true)
			return nil, true
		}
	}
}

// rawTag matches a tag of one word, and returns its length and the sign before its end.
func rawTag(s, word string) (n int, sign byte, ok bool) {
	rest := strings.TrimLeft(s[2:], "-+")
	if len(s)-2-len(rest) > 1 {
		return 0, 0, false
	}
	rest, ok = strings.CutPrefix(strings.TrimLeftFunc(rest, isSpace), word)
	rest = strings.TrimLeftFunc(rest, isSpace)
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		sign, rest = rest[0], rest[1:]
	}
	return len(s) - len(rest) + 2, sign, ok && strings.HasPrefix(rest, "%}")
}

// tag reads a tag up to its closing mark. Inside brackets that is no mark.
func (l *lexer) tag(closing string) error {
	l.emit(openToken, l.source[l.pos:l.pos+2])
	l.pos += 2
	if c := l.source[l.pos:]; c != "" && (c[0] == '-' || c[0] == '+') {
		l.pos++
	}
	var open []byte // the closing brackets that are due
	for {
		rest := l.source[l.pos:]
		trimmed := strings.TrimLeftFunc(rest, isSpace)
		l.pos += len(rest) - len(trimmed)
		rest = trimmed
		if rest == "" {
			return l.fail("tag without an end: write %s", closing)
		}
		if len(open) == 0 {
			sign := byte(0)
			mark := rest
			if rest[0] == '-' || rest[0] == '+' && closing == "%}" {
				sign, mark = rest[0], rest[1:]
			}
			if strings.HasPrefix(mark, closing) {
				l.emit(closeToken, closing)
				l.pos += len(rest) - len(mark)
				l.closed(sign, closing == "%}")
				return nil
			}
		}
		switch c, _ := utf8.DecodeRuneInString(rest); {
		case c == '\'' || c == '"':
			if err := l.str(rest); err != nil {
				return err
			}
		case '0' <= c && c <= '9':
			if err := l.number(rest); err != nil {
				return err
			}
		case c == '_' || unicode.IsLetter(c):
			n := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
			if n < 0 {
				n = len(rest)
			}
			l.emit(nameToken, rest[:n])
			l.pos += n
		default:
			n := 1
			for _, sign := range []string{"//", "**", "==", "!=", "<=", ">="} {
				if strings.HasPrefix(rest, sign) {
					n = 2
				}
			}
			switch {
			case n == 1 && !strings.ContainsRune("+-*/%~<>=()[]{}.:,|", c):
				return l.fail("%q means nothing here", c)
			case strings.ContainsRune("([{", c):
				open = append(open, ")]}"[strings.IndexRune("([{", c)])
			case strings.ContainsRune(")]}", c):
				if len(open) == 0 || open[len(open)-1] != byte(c) {
					return l.fail("%q closes nothing", c)
				}
				open = open[:len(open)-1]
			}
			l.emit(signToken, rest[:n])
			l.pos += n
		}
	}
}

func (l *lexer) number(s string) error {
	n := 0
	digits := func() {
		for n < len(s) && ('0' <= s[n] && s[n] <= '9' || s[n] == '_' && n+1 < len(s) && '0' <= s[n+1] && s[n+1] <= '9') {
			n++
		}
	}
	digits()
	isFloat := false
	if n+1 < len(s) && s[n] == '.' && '0' <= s[n+1] && s[n+1] <= '9' {
		n++
		digits()
		isFloat = true
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n
		if n++; n < len(s) && (s[n] == '+' || s[n] == '-') {
			n++
		}
		if n < len(s) && '0' <= s[n] && s[n] <= '9' {
			digits()
			isFloat = true
		} else {
			n = m
		}
	}
	t := token{kind: numberToken, text: s[:n], line: l.line()}
	plain := strings.ReplaceAll(s[:n], "_", "")
	var err error
	if isFloat {
		t.value, err = strconv.ParseFloat(plain, 64)
	} else {
		t.value, err = strconv.ParseInt(plain, 10, 64)
	}
	if err != nil {
		return l.fail("%s is too large a number", s[:n])
	}
	l.tokens = append(l.tokens, t)
	l.pos += n
	return nil
}

// str reads a string literal with Python's escapes.
func (l *lexer) str(s string) error {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == s[0]:
			l.tokens = append(l.tokens, token{kind: stringToken, text: b.String(), line: l.line()})
			l.pos += i + 1
			return nil
		case c == '\\' && i+1 < len(s):
			i++
			n, err := escape(&b, s[i:])
			if err != nil {
				return l.fail("%v", err)
			}
			i += n - 1
		default:
			b.WriteByte(c)
		}
	}
	return l.fail("string without an end: write %c", s[0])
}

// escape writes the character that an escape stands for. s begins behind the backslash. It
// returns the length of the escape.
func escape(b *strings.Builder, s string) (int, error) {
	if i := strings.IndexByte(`\'"abfnrtv`, s[0]); i >= 0 {
		b.WriteByte("\\'\"\a\b\f\n\r\t\v"[i])
		return 1, nil
	}
	digits, base, first := 0, 16, 1
	switch {
	case s[0] == '\n':
		return 1, nil
	case s[0] == 'x':
		digits = 2
	case s[0] == 'u':
		digits = 4
	case s[0] == 'U':
		digits = 8
	case '0' <= s[0] && s[0] <= '7':
		base, first, digits = 8, 0, 1
		for digits < 3 && digits < len(s) && '0' <= s[digits] && s[digits] <= '7' {
			digits++
		}
	default:
		b.WriteByte('\\')
		_, n := utf8.DecodeRuneInString(s)
		b.WriteString(s[:n])
		return n, nil
	}
	if len(s) < first+digits {
		return 0, fmt.Errorf("\\%c lacks digits", s[0])
	}
	r, err := strconv.ParseUint(s[first:first+digits], base, 32)
	if err != nil || !utf8.ValidRune(rune(r)) {
		return 0, fmt.Errorf("\\%s is no character", s[:first+digits])
	}
	b.WriteRune(rune(r))
	return first + digits, nil
}

// isSpace reports whether Python's str.isspace is true for r.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
