package extract

import (
	"strings"

	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// hashes returns the rest of the line after the last #### that a number can follow.
func hashes(s string) string {
	found := ""
	for {
		at := strings.Index(s, "####")
		if at < 0 {
			return found
		}
		s = strings.TrimLeft(s[at+4:], "#")
		line := s
		if end := strings.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		}
		line = strings.TrimSpace(line)
		if line != "" && (latex.IsDigit(line[0]) || strings.IndexByte(`+-$\(`, line[0]) >= 0 || strings.HasPrefix(line, "−") ||
			line[0] == '.' && len(line) > 1 && latex.IsDigit(line[1])) {
			found = line
		}
	}
}

// phrase returns what follows the last "answer is" or "answer:".
func phrase(s string) string {
	var starts []int // where an answer may begin
	lower, upper := strings.Index(s, "nswer"), strings.Index(s, "NSWER")
	for lower >= 0 || upper >= 0 {
		at := lower
		if at < 0 || upper >= 0 && upper < at {
			at = upper
		}
		after := at + len("nswer")
		if at > 0 && s[at-1]|0x20 == 'a' && (at == 1 || !latex.IsLetter(s[at-2])) {
			if rest, ok := verb(s[after:]); ok {
				starts = append(starts, len(s)-len(rest))
			}
		}
		if at == lower {
			lower = next(s, after, "nswer")
		} else {
			upper = next(s, after, "NSWER")
		}
	}
	for i := len(starts) - 1; i >= 0; i-- {
		if x := clause(s[starts[i]:]); trim(x) != "" {
			return x
		}
	}
	return ""
}

// next returns the index of sub in s[from:], counted in s, or -1.
func next(s string, from int, sub string) int {
	if i := strings.Index(s[from:], sub); i >= 0 {
		return from + i
	}
	return -1
}

// verb skips ":" or "is" at the head of s, and asterisks around it.
func verb(s string) (rest string, ok bool) {
	s = strings.TrimLeft(s, "* \t")
	if len(s) >= 2 && strings.EqualFold(s[:2], "is") && (len(s) == 2 || !latex.IsLetter(s[2])) {
		s, ok = strings.TrimLeft(s[2:], "* \t"), true
	}
	if strings.HasPrefix(s, ":") {
		s, ok = strings.TrimLeft(s[1:], "* \t"), true
	}
	return s, ok
}

// clause returns the math span at the head of s, or else the first sentence or line.
func clause(s string) string {
	if t := strings.TrimLeft(s, " \t\r\n*"); len(t) < len(s) && t != "" && s[0] <= '\r' {
		if !latex.IsDigit(t[0]) && strings.IndexByte(`$\+-(`, t[0]) < 0 { // the next line only where an answer begins it
			return ""
		}
		s = t
	}
	for _, d := range [...][2]string{{"$$", "$$"}, {"$", "$"}, {`\(`, `\)`}, {`\[`, `\]`}} {
		if rest, ok := strings.CutPrefix(s, d[0]); ok {
			if end := unescaped(rest, d[1]); end > 0 && !(d[0] == "$" && currency(rest[:end])) {
				return rest[:end]
			}
		}
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\n':
			return s[:i]
		case '.':
			if i+1 == len(s) || latex.IsSpace(s[i+1]) || s[i+1] == '*' {
				return s[:i]
			}
		}
	}
	return s
}

// unescaped returns the index of the delimiter end in s, or -1. It skips \$, which is a
// currency sign.
func unescaped(s, end string) int {
	for from := 0; ; {
		i := next(s, from, end)
		if i <= 0 || s[i-1] != '\\' || end[0] != '$' {
			return i
		}
		from = i + 1
	}
}

// currency reports whether the text between two dollar signs is prose that begins with a
// price, and not a math span.
func currency(s string) bool {
	return s[0] != ' ' && (s[len(s)-1] == ' ' || strings.Contains(s, ". ")) || strings.IndexByte(s, '\n') >= 0
}

// trim removes white space, math delimiters, asterisks and punctuation from both ends of an
// answer.
func trim(s string) string {
	for {
		before := len(s)
		s = strings.TrimSpace(s)
		if n := len(s); n >= 2 && s[0] == '$' && s[n-1] == '$' && s[n-2] != '\\' {
			s = strings.TrimSuffix(s[1:], "$")
		}
		if strings.HasPrefix(s, `\(`) || strings.HasPrefix(s, `\[`) {
			s = s[2:]
		}
		if strings.HasSuffix(s, `\)`) || strings.HasSuffix(s, `\]`) {
			s = s[:len(s)-2]
		}
		s = strings.TrimPrefix(strings.TrimSuffix(s, "**"), "**")
		if n := len(s); n > 0 {
			switch s[n-1] {
			case '.', ',', ';', ':':
				if n > 1 && s[n-2] == '\\' {
					s = s[:n-1]
				}
				s = s[:len(s)-1]
			}
		}
		if len(s) == before {
			return s
		}
	}
}
