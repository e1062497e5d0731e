package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A preTokenizer cuts normalized text into the pieces that the model encodes.
type preTokenizer struct {
	steps []step
	bytes bool // the model reads the bytes of the pieces in the byte alphabet
}

// A step cuts every piece of the step before it.
type step struct {
	edit func(piece string, first bool) string // nil for none; first at the start of the text
	cut  cutter                                // nil for none
}

// A cutter returns the length of the first piece of a text that is not empty, and
// whether that is kept. It sees no more of the text than what was not cut off yet.
type cutter func(text string) (n int, keep bool)

// each calls f with the pieces of text; first says that nothing comes before it.
func (p *preTokenizer) each(text string, first bool, f func(piece string)) {
	each(p.steps, text, first, f)
}

func each(steps []step, text string, first bool, f func(piece string)) {
	if len(steps) == 0 {
		if text != "" {
			f(text)
		}
		return
	}
	s, rest := steps[0], steps[1:]
	if s.edit != nil {
		text = s.edit(text, first)
	}
	if s.cut == nil {
		each(rest, text, first, f)
		return
	}
	for text != "" {
		n, keep := s.cut(text)
		if keep {
			each(rest, text[:n], first, f)
		}
		text, first = text[n:], false
	}
}

// read adds the steps of a pre_tokenizer of tokenizer.json.
func (p *preTokenizer) read(path string, data json.RawMessage) error {
	name, err := typeOf(path, data)
	if err != nil {
		return err
	}
	if p.bytes {
		return fmt.Errorf("%s.type: %q is not supported after ByteLevel", path, name)
	}
	var s step
	switch name {
	case "Sequence":
		fields, err := pretokenizersShape.read(path, data)
		if err != nil {
			return err
		}
		var steps []json.RawMessage
		if err := decode(path+".pretokenizers", fields["pretokenizers"], &steps); err != nil {
			return err
		}
		for i, data := range steps {
			if err := p.read(fmt.Sprintf("%s.pretokenizers[%d]", path, i), data); err != nil {
				return err
			}
		}
		return nil
	case "ByteLevel":
		s, err = readByteLevel(path, data)
		p.bytes = true
	case "Split":
		s.cut, err = readSplit(path, data)
	case "Digits":
		s.cut, err = readDigits(path, data)
	case "Metaspace":
		s, err = readMetaspace(path, data)
	case "WhitespaceSplit":
		_, err = whitespaceShape.read(path, data)
		s.cut = cutSpace
	case "Whitespace":
		_, err = whitespaceShape.read(path, data)
		s.cut = cutWords
	default:
		err = unsupported(path+".type", []byte(quote(name)))
	}
	p.steps = append(p.steps, s)
	return err
}

func readByteLevel(path string, data json.RawMessage) (s step, err error) {
	fields, err := byteLevelStepShape.read(path, data)
	if string(fields["add_prefix_space"]) == "true" {
		s.edit = func(piece string, _ bool) string {
			if strings.HasPrefix(piece, " ") {
				return piece
			}
			return " " + piece
		}
	}
	if string(fields["use_regex"]) != "false" {
		s.cut = scanner(splitGPT2).cut
	}
	return s, err
}

// readSplit reads a cut at a pattern, which is a string or a known regular expression.
func readSplit(path string, data json.RawMessage) (cutter, error) {
	fields, err := splitShape.read(path, data)
	if err != nil {
		return nil, err
	}
	behavior := string(fields["behavior"])
	pattern, at := fields["pattern"], path+".pattern"
	if strings.HasPrefix(string(pattern), `{"Regex":`) {
		fields, err := regexShape.read(at, pattern)
		if err != nil {
			return nil, err
		}
		var re string
		if err := decode(at+".Regex", fields["Regex"], &re); err != nil {
			return nil, err
		}
		s, ok := scanners[re]
		if !ok {
			return nil, unsupported(at+".Regex", fields["Regex"])
		}
		if behavior != `"Isolated"` {
			return nil, fmt.Errorf("%s.behavior: %s is not supported with a regular expression", path, behavior)
		}
		return s.cut, nil
	}
	literal, err := readLiteral(at, pattern)
	if err != nil {
		return nil, err
	}
	return literalCutter(literal, behavior), nil
}

// literalCutter cuts at each delimiter: it is a piece of its own, is dropped, or ends
// or starts a piece. One that has no text on that side is a piece of its own.
func literalCutter(delimiter, behavior string) cutter {
	until := func(text string) int { // the length before the next delimiter
		if i := strings.Index(text, delimiter); i >= 0 {
			return i
		}
		return len(text)
	}
	return func(text string) (int, bool) {
		rest, found := strings.CutPrefix(text, delimiter)
		switch {
		case found && behavior == `"MergedWithNext"`:
			return len(delimiter) + until(rest), true
		case found:
			return len(delimiter), behavior != `"Removed"`
		case behavior == `"MergedWithPrevious"`:
			return min(until(text)+len(delimiter), len(text)), true
		}
		return until(text), true
	}
}

func readDigits(path string, data json.RawMessage) (cutter, error) {
	fields, err := digitsShape.read(path, data)
	single := string(fields["individual_digits"]) == "true"
	return func(text string) (int, bool) {
		r, n := utf8.DecodeRuneInString(text)
		digit := isNumeric(r)
		if digit && single {
			return n, true
		}
		if n = strings.IndexFunc(text, func(r rune) bool { return isNumeric(r) != digit }); n < 0 {
			n = len(text)
		}
		return n, true
	}, err
}

// readMetaspace reads the pre-tokenizer that writes spaces as another character, puts
// one before the text, and cuts before each.
func readMetaspace(path string, data json.RawMessage) (s step, err error) {
	mark, scheme, split, err := metaspace(path, data)
	s.edit = func(piece string, first bool) string {
		piece = strings.ReplaceAll(piece, " ", mark)
		if (scheme == "always" || scheme == "first" && first) && !strings.HasPrefix(piece, mark) {
			return mark + piece
		}
		return piece
	}
	if split {
		s.cut = literalCutter(mark, `"MergedWithNext"`)
	}
	return s, err
}

// metaspace reads what the Metaspace pre-tokenizer and decoder have in common.
func metaspace(path string, data json.RawMessage) (mark, scheme string, split bool, err error) {
	fields, err := metaspaceShape.read(path, data)
	if err != nil {
		return "", "", false, err
	}
	if err := decode(path+".replacement", fields["replacement"], &mark); err != nil {
		return "", "", false, err
	}
	if utf8.RuneCountInString(mark) != 1 {
		return "", "", false, unsupported(path+".replacement", fields["replacement"])
	}
	scheme = "always"
	if err := decode(path+".prepend_scheme", fields["prepend_scheme"], &scheme); err != nil {
		return "", "", false, err
	}
	if string(fields["add_prefix_space"]) == "false" && scheme != "never" {
		return "", "", false, fmt.Errorf("%s.add_prefix_space: false does not go with the prepend_scheme %q", path, scheme)
	}
	return mark, scheme, string(fields["split"]) != "false", nil
}

// cutSpace is the pre-tokenizer WhitespaceSplit.
func cutSpace(text string) (int, bool) {
	if n := run(text, space); n > 0 {
		return n, false
	}
	if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
		return i, true
	}
	return len(text), true
}

// cutWords is the pre-tokenizer Whitespace: \w+|[^\w\s]+.
func cutWords(text string) (int, bool) {
	if n := run(text, space); n > 0 {
		return n, false
	}
	r, _ := utf8.DecodeRuneInString(text)
	first := inWord(r)
	if i := strings.IndexFunc(text, func(r rune) bool { return inWord(r) != first || unicode.IsSpace(r) }); i >= 0 {
		return i, true
	}
	return len(text), true
}
