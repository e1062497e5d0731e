package extract

import (
	"strings"

	"github.com/satori-go/satori/reward/answer/internal/latex"
)

// Find returns the final answer in the output of a model. Package answer says where it
// looks.
func Find(output string) (answer string, ok bool) {
	const think = "</think>"
	for {
		at := strings.Index(output, think)
		if at < 0 {
			break
		}
		output = output[at+len(think):]
	}
	if s, found := boxed(output); found {
		s = trim(s)
		return s, s != ""
	}
	if s := trim(hashes(output)); s != "" {
		return s, true
	}
	s := trim(phrase(output))
	return s, s != ""
}

// nextBox returns the index of the next \boxed or \fbox in s, and the index behind that
// word. It returns -1 if there is none.
func nextBox(s string, from int) (at, after int) {
	for from < len(s) {
		i := strings.IndexByte(s[from:], '\\')
		if i < 0 {
			break
		}
		at = from + i
		switch {
		case strings.HasPrefix(s[at:], `\boxed`):
			return at, at + len(`\boxed`)
		case strings.HasPrefix(s[at:], `\fbox`):
			return at, at + len(`\fbox`)
		}
		from = at + 2 // \\boxed is a line break and a word
	}
	return -1, -1
}

// A box says where a box starts and ends in the text, and what it contains. Its end is -1
// if it is not closed.
type box struct {
	start, end int
	body       string
}

// boxed returns the last group of boxes in s. found says that there is any box.
func boxed(s string) (answer string, found bool) {
	boxes := findBoxes(s)
	if len(boxes) == 0 {
		return "", false
	}
	last := boxes[len(boxes)-1]
	if last.end < 0 {
		return "", true
	}
	first := len(boxes) - 1
	for first > 0 && boxes[first-1].end >= 0 && strings.TrimSpace(boxes[first-1].body) != "" &&
		separates(s[boxes[first-1].end:boxes[first].start]) {
		first--
	}
	group := boxes[first:]
	for i := range group {
		group[i].body = unbox(strings.TrimSpace(group[i].body), 0)
		if group[i].body == "" {
			return "", true
		}
	}
	if len(group) == 1 {
		return group[0].body, true
	}
	var b strings.Builder
	for i, x := range group {
		if i > 0 && x.body == group[i-1].body {
			continue
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(x.body)
	}
	return b.String(), true
}

// findBoxes returns the boxes of s in order, without boxes inside other boxes. It reads s
// once, whatever s contains.
func findBoxes(s string) []box {
	at, after := nextBox(s, 0)
	if at < 0 {
		return nil
	}
	var out []box
	var open []int // for each open brace the number of the box it opens, or -1
	for i := at; i < len(s); {
		if i == at {
			b := box{start: at, end: -1}
			if after < len(s) && latex.IsLetter(s[after]) { // another command
				i = after
				at, after = nextBox(s, i)
				continue
			}
			for after < len(s) && latex.IsSpace(s[after]) {
				after++
			}
			if after < len(s) && s[after] == '{' {
				open = append(open, len(out))
				b.body = s[after+1:]
				i = after + 1
				out = append(out, b)
			} else if n := bare(s[after:]); n > 0 {
				b.body, b.end = s[after:after+n], after+n
				i = b.end
				out = append(out, b)
			} else {
				out = append(out, b)
				i = after
			}
			at, after = nextBox(s, i)
			continue
		}
		switch s[i] {
		case '\\':
			i += 2
			continue
		case '{':
			open = append(open, -1)
		case '}':
			if n := len(open); n > 0 {
				if k := open[n-1]; k >= 0 {
					out[k].body = out[k].body[:len(out[k].body)-(len(s)-i)]
					out[k].end = i + 1
					out = out[:k+1] // those within are part of it
				}
				open = open[:n-1]
			}
		}
		if at < 0 && len(open) == 0 {
			break
		}
		i++
	}
	return out
}

// bare returns the length of the argument of a box without braces.
func bare(s string) int {
	n, depth := 0, 0
	for n < len(s) {
		switch c := s[n]; {
		case depth == 0 && (latex.IsSpace(c) || c == '$'), c == '\n':
			return n
		case c == '\\' && n+1 < len(s):
			if depth == 0 && (s[n+1] == ')' || s[n+1] == ']') {
				return n
			}
			n++
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth < 0 {
				return n
			}
		}
		n++
	}
	return n
}

// maxNesting bounds the number of boxes inside boxes that unbox removes.
const maxNesting = 100

// unbox removes boxes around a whole answer.
func unbox(s string, depth int) string {
	at, after := nextBox(s, 0)
	if at != 0 || depth > maxNesting {
		return s
	}
	body, n, ok := latex.Argument(s[after:])
	if !ok || after+n != len(s) {
		return s
	}
	return unbox(strings.TrimSpace(body), depth+1)
}

// separates reports whether s, the text between two boxes, contains only separators.
func separates(s string) bool {
	if len(s) > 200 {
		return false
	}
next:
	for s != "" {
		for _, sep := range boxSeparators {
			if strings.HasPrefix(s, sep) {
				s = s[len(sep):]
				continue next
			}
		}
		for _, word := range [...]string{"and", "or"} {
			if strings.HasPrefix(s, word) && (len(s) == len(word) || !latex.IsLetter(s[len(word)])) {
				s = s[len(word):]
				continue next
			}
		}
		for _, command := range [...]string{`\text`, `\mathrm`, `\textrm`, `\mbox`} {
			if rest, ok := strings.CutPrefix(s, command); ok {
				if body, n, ok := latex.Argument(rest); ok && separates(body) {
					s = rest[n:]
					continue next
				}
			}
		}
		return false
	}
	return true
}

// boxSeparators may stand between the boxes of a group.
var boxSeparators = []string{" ", "\n", "\t", "\r", ",", ";", "$", "~", "&", "**",
	`\(`, `\)`, `\[`, `\]`, `\quad`, `\qquad`, `\,`, `\;`, `\ `, `\:`}
