package latex

import "strings"

// Text returns the key by which answers in words are compared: the tokens in lower case
// without white space. Two numbers with a space between them keep it.
func Text(toks []Token) string {
	var b strings.Builder
	for i, t := range toks {
		if i > 0 && t.kind == tNum && toks[i-1].kind == tNum {
			b.WriteByte(' ')
		}
		if t.text == "{" || t.text == "}" {
			continue
		}
		b.WriteString(strings.ToLower(t.text))
	}
	return b.String()
}

// Unwrap removes braces around all tokens.
func Unwrap(toks []Token) []Token {
	for len(toks) > 2 && toks[0].text == "{" && toks[len(toks)-1].text == "}" {
		depth := 0
		for i, t := range toks {
			switch t.text {
			case "over", "choose": // whose arguments end at the braces
				return toks
			case "{":
				depth++
			case "}":
				depth--
			}
			if depth == 0 && i < len(toks)-1 {
				return toks
			}
		}
		toks = toks[1 : len(toks)-1]
	}
	return toks
}

// IsWord reports whether an answer is a single word: a run of three letters or more, "no",
// or two letters inside \text.
func IsWord(toks []Token) bool {
	if len(toks) != 1 || toks[0].kind != tRun {
		return false
	}
	t := toks[0]
	return len(t.text) > 2 || t.prose && len(t.text) > 1 || lower(t.text) == "no"
}

// HasWord reports whether one of the tokens is a word.
func HasWord(toks []Token) bool {
	for _, t := range toks {
		if t.kind == tRun && (len(t.text) > 2 || t.prose || banned[lower(t.text)]) {
			return true
		}
	}
	return false
}

// Letter returns the label of a reference answer to a multiple-choice question: one capital
// letter, bare or in parentheses. It returns 0 if there is none.
func Letter(toks []Token) byte {
	if len(toks) == 3 && toks[0].text == "(" && toks[2].text == ")" {
		toks = toks[1:2]
	}
	if len(toks) == 1 && toks[0].kind == tRun && len(toks[0].text) == 1 && toks[0].text[0] <= 'Z' {
		return toks[0].text[0]
	}
	return 0
}

// Choice returns the one label that an answer names, in upper case, or 0. It knows the
// forms X, (X), X., X), X: text, (X) text and Option X.
func Choice(toks []Token) byte {
	toks = Unwrap(toks)
	if len(toks) > 1 && toks[0].kind == tRun {
		switch lower(toks[0].text) {
		case "option", "choice":
			toks = Unwrap(toks[1:])
		}
	}
	opened := len(toks) > 2 && toks[0].text == "("
	if opened {
		toks = toks[1:]
	}
	if len(toks) == 0 || toks[0].kind != tRun || len(toks[0].text) != 1 {
		return 0
	}
	label := toks[0].text[0] &^ 0x20
	rest := toks[1:]
	switch {
	case opened:
		if len(rest) == 0 || rest[0].text != ")" {
			return 0
		}
		rest = rest[1:]
		if len(rest) > 0 && (rest[0].text == ":" || rest[0].text == ".") {
			rest = rest[1:]
		}
	case len(rest) == 0:
	case rest[0].text == ")" || rest[0].text == ".":
		if len(rest) > 1 {
			return 0
		}
		rest = nil
	case rest[0].text == ":":
		rest = rest[1:]
	default:
		return 0
	}
	for i, t := range rest { // the text must not carry another label
		if t.kind == tSym && (t.text == "or" || t.text == "and" && i == 0 || t.text == ",") && i == 0 {
			return 0
		}
		if t.kind == tRun && len(t.text) == 1 && 'A' <= t.text[0] && t.text[0] <= 'Z' {
			return 0
		}
		if t.kind == tRun && len(t.text) == 1 && i > 0 && (rest[i-1].text == "(" || rest[i-1].text == "or" || rest[i-1].text == "and") {
			return 0
		}
		if t.kind == tRun && (lower(t.text) == "option" || lower(t.text) == "choice" || lower(t.text) == "not") {
			return 0
		}
	}
	return label
}

// Alike reports whether two answers consist of the same tokens.
func Alike(a, b []Token) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].kind != b[i].kind || a[i].text != b[i].text {
			return false
		}
	}
	return true
}
