package latex

import "strings"

// A kind says what a token is.
type kind uint8

const (
	tEnd  kind = iota
	tNum       // a number without grouping: 12, 0.5, .5, 1.5e3, 0.1(6)
	tRun       // a run of letters: x, xy, cm, dollars
	tName      // a symbol that is no run of letters: \alpha, \mathbb{Z}
	tFunc      // a known function: sin, sqrt
	tSym       // an operator, a bracket or a separator
	tCmd       // a command with arguments: \frac, \sqrt, \begin
	tBad       // what has no meaning here
)

// A Token is a word of an answer. Its field space says that white space comes before it,
// and prose says that it is inside \text or a similar command.
type Token struct {
	kind         kind
	space, prose bool
	text         string
}

// A lexer cuts an answer into tokens. It drops fonts, sizes, math delimiters and spacing.
type lexer struct {
	toks   []Token
	depth  int   // open ( [ \{, in which commas never group digits
	braces int   // open {
	broken bool  // brackets or braces do not match
	space  bool  // white space has been passed since the last token
	dollar bool  // the next $ is a currency sign, not a delimiter
	times  []int // the words min and sec
	nest   int
}

// Lex returns the tokens of an answer. ok is false if brackets or braces do not match.
func Lex(src string) (toks []Token, ok bool) {
	src = fold(src)
	l := lexer{toks: make([]Token, 0, min(len(src), 48)+4)}
	if n := strings.Count(src, "$") - strings.Count(src, `\$`); n%2 == 1 {
		l.dollar = true
	}
	l.run(src, false)
	for _, i := range l.times { // minutes and seconds, where no argument follows
		if i > 0 && (i+1 == len(l.toks) || !opens(l.toks[i+1])) {
			l.toks[i].kind = tRun
		}
	}
	if n := len(l.toks); n > 1 && l.toks[n-1].text == "." && l.toks[n-2].text != "." {
		l.toks = l.toks[:n-1]
	}
	ok = !l.broken && l.depth == 0 && l.braces == 0
	return l.toks, ok
}

// add appends a token.
func (l *lexer) add(k kind, text string, prose bool) {
	l.toks = append(l.toks, Token{k, l.space, prose, text})
	l.space = false
}

// run adds the tokens of s.
func (l *lexer) run(s string, prose bool) {
	if l.nest++; l.nest > maxDepth {
		l.broken = true
		return
	}
	defer func() { l.nest-- }()
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '~':
			l.space = true
			i++
		case IsDigit(c) || c == '.' && i+1 < len(s) && IsDigit(s[i+1]) && (i == 0 || s[i-1] != '.'):
			text, n := number(s[i:], l.depth > 0)
			l.add(tNum, text, prose)
			i += n
		case IsLetter(c):
			n := 1
			for i+n < len(s) && IsLetter(s[i+n]) {
				n++
			}
			word := s[i : i+n]
			if m := meridiem(s[i:]); n == 1 && m > 0 { // a.m. and p.m.
				word, n = word+"m", m
			}
			l.word(word, prose)
			i += n
		case c == '\\':
			i += l.command(s[i:], prose)
		case c == '$':
			if l.dollar {
				l.dollar = false
				l.add(tSym, "$", prose)
			}
			i++
		case c >= 0x80:
			n := 1
			for i+n < len(s) && s[i+n] >= 0x80 {
				n++
			}
			l.add(tBad, s[i:i+n], prose)
			i += n
		default:
			i += l.symbol(s[i:], prose)
		}
	}
}

// opens reports whether t can begin the argument of a function or its power.
func opens(t Token) bool {
	if t.kind != tSym {
		return true
	}
	switch t.text {
	case "(", "[", "{", `\{`, "|", "^", "_", "-":
		return true
	}
	return false
}

// meridiem returns the length of "a.m." or "p.m." at the head of s, or 0.
func meridiem(s string) int {
	if len(s) >= 4 && (s[0]|0x20 == 'a' || s[0]|0x20 == 'p') && s[1] == '.' && s[2]|0x20 == 'm' && s[3] == '.' {
		return 4
	}
	return 0
}

// symbol adds the operator at the head of s and returns its length.
func (l *lexer) symbol(s string, prose bool) int {
	two := ""
	if len(s) > 1 {
		switch s[:2] {
		case "<=", ">=", "!=":
			two = s[:2]
		case "=<", "=>", "==", ":=", "->", "//", "..":
			l.add(tBad, s[:2], prose)
			return 2
		case "**":
			l.add(tSym, "^", prose)
			return 2
		}
	}
	if two != "" {
		if two == "!=" && len(s) > 2 && s[2] == '=' {
			l.add(tBad, "!==", prose)
			return 3
		}
		l.add(tSym, two, prose)
		return 2
	}
	switch c := s[0]; c {
	case '{':
		if strings.HasPrefix(s, "{}") { // {} alone supplies nothing, as in {}_nC_k
			return 2
		}
		l.braces++
		l.add(tSym, "{", prose)
	case '}':
		if l.braces--; l.braces < 0 {
			l.broken = true
		}
		l.add(tSym, "}", prose)
	case '(', '[':
		l.open(s[:1], prose)
	case ')', ']':
		l.close(s[:1], prose)
	case '+', '-', '*', '/', '^', '_', '=', '<', '>', ',', ';', ':', '!', '%', '|', '\'', '.', '&':
		l.add(tSym, s[:1], prose)
	default:
		l.add(tBad, s[:1], prose)
	}
	return 1
}

// open adds an opening bracket.
func (l *lexer) open(text string, prose bool) {
	l.add(tSym, text, prose)
	l.depth++
}

// close adds a closing bracket.
func (l *lexer) close(text string, prose bool) {
	if l.depth--; l.depth < 0 {
		l.broken = true
	}
	l.add(tSym, text, prose)
}

// word adds a run of letters.
func (l *lexer) word(w string, prose bool) {
	if len(w) > 1 {
		switch low := lower(w); low {
		case "and", "or":
			l.add(tSym, low, prose)
			return
		case "infinity", "infty":
			l.add(tSym, "inf", prose)
			return
		}
		switch {
		case w == "pi":
			l.add(tName, "pi", prose)
			return
		case w == "oo":
			l.add(tSym, "inf", prose)
			return
		case functions[w] != "":
			if w == "min" || w == "sec" {
				l.times = append(l.times, len(l.toks))
			}
			l.add(tFunc, functions[w], prose)
			return
		case !prose && len(w) > 2: // sinx
			for _, cut := range []int{len(w) - 1, len(w) - 2} {
				if f := functions[w[:cut]]; f != "" && cut >= 2 && glued[f] && !units[w] {
					if rest := w[cut:]; len(rest) == 1 || rest == "pi" {
						l.add(tFunc, f, prose)
						l.word(rest, prose)
						return
					}
				}
			}
		}
	}
	l.add(tRun, w, prose)
}

// lower returns s in lower case, without a copy if it is that already.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

// IsDigit reports whether c is an ASCII digit.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }

// IsLetter reports whether c is an ASCII letter.
func IsLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// IsSpace reports whether c is a space, a tab or a line break.
func IsSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
