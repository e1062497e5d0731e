package latex

import "strings"

// command adds the tokens of the LaTeX command at the head of s and returns the number of
// bytes that it read. s begins with a backslash.
func (l *lexer) command(s string, prose bool) int {
	if len(s) == 1 {
		l.add(tBad, s, prose)
		return 1
	}
	if !IsLetter(s[1]) {
		return l.escape(s, prose)
	}
	n := 2
	for n < len(s) && IsLetter(s[n]) {
		n++
	}
	name := s[1:n]
	if sym, ok := symbols[name]; ok {
		switch sym {
		case "": // nothing but looks
		case " ":
			l.space = true
		case `\{`, "<<", "lfloor", "lceil":
			l.open(sym, prose)
		case `\}`, ">>", "rfloor", "rceil":
			l.close(sym, prose)
		default:
			l.add(tSym, sym, prose)
		}
		return n
	}
	switch {
	case greek[name]:
		l.add(tName, name, prose)
	case commands[name] != "":
		l.add(tCmd, commands[name], prose)
	case functions[name] != "":
		l.add(tFunc, functions[name], prose)
	case name == "left" || name == "right" || name == "middle":
		rest := strings.TrimLeft(s[n:], " ")
		switch {
		case rest == "" || strings.IndexByte(`()[]|./<>\`, rest[0]) < 0: // no delimiter
			l.add(tBad, s[:n], prose)
		case rest[0] == '.': // an invisible one
			n = len(s) - len(rest) + 1
		}
	case wrappers[name]: // \text{...}
		if body, m, ok := Argument(s[n:]); ok {
			l.text(body)
			return n + m
		}
		l.add(tBad, name, prose)
	case name == "mathbb":
		if body, m, ok := Argument(s[n:]); ok && len(body) == 1 {
			l.add(tName, `\`+body, prose)
			return n + m
		} else if n+1 < len(s) && s[n] == ' ' && IsLetter(s[n+1]) {
			l.add(tName, `\`+s[n+1:n+2], prose)
			return n + 2
		}
		l.add(tBad, name, prose)
	case accents[name]: // a name of its own: \vec{v}
		if body, m, ok := Argument(s[n:]); ok && len(body) < 40 {
			l.add(tName, name+"{"+strings.Join(strings.Fields(body), "")+"}", prose)
			return n + m
		}
		l.add(tBad, name, prose)
	case name == "begin" || name == "end":
		if body, m, ok := Argument(s[n:]); ok {
			n += m
			if name == "begin" && body == "array" { // its columns
				if _, m, ok := Argument(s[n:]); ok {
					n += m
				}
			}
			l.add(tCmd, name+" "+body, prose)
			return n
		}
		l.add(tBad, name, prose)
	case drops[name] > 0: // commands whose argument is never part of an answer
		if drops[name] == 2 && n < len(s) && s[n] == '*' {
			n++
		}
		if _, m, ok := Argument(s[n:]); ok {
			return n + m
		}
		l.add(tBad, name, prose)
	default:
		l.add(tBad, s[:n], prose)
	}
	return n
}

// escape reads a backslash that no letter follows.
func (l *lexer) escape(s string, prose bool) int {
	switch s[1] {
	case ',', ';', ':', '>', ' ', '\t', '\n':
		l.space = true
	case '!', '(', ')', '[', ']':
	case '{':
		l.open(`\{`, prose)
	case '}':
		l.close(`\}`, prose)
	case '%':
		l.add(tSym, "%", prose)
	case '$':
		l.add(tSym, "$", prose)
	case '|':
		l.add(tSym, "||", prose)
	case '\\':
		l.add(tSym, `\\`, prose)
		if len(s) > 2 && s[2] == '[' { // \\[2pt]
			if end := strings.IndexByte(s, ']'); end > 0 && end < 12 {
				return end + 1
			}
		}
	default:
		l.add(tBad, s[:2], prose)
	}
	return 2
}

// text adds the tokens of the argument of \text and similar commands.
func (l *lexer) text(body string) {
	trimmed := strings.TrimSpace(body)
	if trimmed == "" {
		l.space = true
		return
	}
	if body[0] != trimmed[0] {
		l.space = true
	}
	braces, depth := l.braces, l.depth
	l.run(body, true)
	if l.braces != braces || l.depth < depth {
		l.broken = true
	}
	l.space = l.space || body[len(body)-1] == ' '
}

// Argument returns the text inside the braces at the head of s, which may have white space
// before it, and the length up to the closing brace.
func Argument(s string) (body string, n int, ok bool) {
	start := 0
	for start < len(s) && IsSpace(s[start]) {
		start++
	}
	if start == len(s) || s[start] != '{' {
		return "", 0, false
	}
	end := closing(s[start+1:])
	if end < 0 {
		return "", 0, false
	}
	return s[start+1 : start+1+end], start + end + 2, true
}

// closing returns the index of the brace in s that closes a brace before s, or -1. It skips
// \{, \} and \\.
func closing(s string) int {
	depth := 1
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
