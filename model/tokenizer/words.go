package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// words is the WordLevel model: what cut finds is looked up as it stands.
type words struct {
	vocab map[string]int32
	unk   int32 // id of unknown words, -1 if they are refused
	cut   func(text string) (word, rest string)
}

// NewWordLevel returns a tokenizer that cuts text at white space. The words have the
// ids from 0, the special tokens the ids after them; other words are refused.
func NewWordLevel(words, special []string) (*Tokenizer, error) {
	vocab := bytes.NewBufferString(`{"type":"WordLevel","vocab":{`)
	seen := map[string]bool{}
	for i, w := range slices.Concat(words, special) {
		switch {
		case w == "" || !utf8.ValidString(w) || strings.ContainsFunc(w, unicode.IsSpace):
			return nil, fmt.Errorf("tokenizer: %q is not a word: empty, not UTF-8 or with white space", w)
		case seen[w]:
			return nil, fmt.Errorf("tokenizer: %q is given twice", w)
		}
		seen[w] = true
		if i >= len(words) {
			continue
		}
		if i > 0 {
			vocab.WriteByte(',')
		}
		fmt.Fprintf(vocab, "%s:%d", quote(w), i)
	}
	// The library wants an unk_token. No word is empty, so it refuses unknown words too.
	vocab.WriteString(`},"unk_token":""}`)
	t, err := assemble(file{
		Version:      json.RawMessage(`"1.0"`),
		PreTokenizer: json.RawMessage(`{"type":"WhitespaceSplit"}`),
		Model:        vocab.Bytes(),
	})
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	for _, s := range special {
		if err := t.admit(s); err != nil {
			return nil, fmt.Errorf("tokenizer: %w", err)
		}
	}
	t.AddSpecial(special...)
	return t, nil
}

func (m *words) encode(ids []int32, text string) ([]int32, error) {
	for word, rest := m.cut(text); word != ""; word, rest = m.cut(rest) {
		id, ok := m.vocab[word]
		if !ok {
			id = m.unk
		}
		if id < 0 {
			return nil, fmt.Errorf("word %q is not in the vocabulary, and there is no unknown token", word)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (m *words) join(tokens []string) string { return strings.Join(tokens, " ") }

func (m *words) admit(special string) error {
	if strings.ContainsFunc(special, unicode.IsSpace) {
		return fmt.Errorf("token %q has white space in it", special)
	}
	for _, w := range slices.Sorted(maps.Keys(m.vocab)) {
		if w != special && strings.Contains(w, special) {
			return fmt.Errorf("token %q would cut the word %q", special, w)
		}
	}
	return nil
}

// cutSpace is the pre-tokenizer WhitespaceSplit.
func cutSpace(text string) (word, rest string) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// cutWords is the pre-tokenizer Whitespace: \w+|[^\w\s]+.
func cutWords(text string) (word, rest string) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if text == "" {
		return "", ""
	}
	r, _ := utf8.DecodeRuneInString(text)
	first := inWord(r)
	end := strings.IndexFunc(text, func(r rune) bool { return inWord(r) != first || unicode.IsSpace(r) })
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}

// inWord is \w as UTS 18 defines it (annex C): Alphabetic, M, Nd, Pc and Join_Control.
func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
	}
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.M, unicode.Nd, unicode.Pc, unicode.Join_Control)
}
