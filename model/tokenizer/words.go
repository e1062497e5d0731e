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

// A words is the WordLevel model. It looks a piece of the text up as it stands.
type words struct {
	vocab map[string]int32
	unk   int32 // id of unknown words, -1 if there is none
}

// NewWordLevel makes a tokenizer that cuts text at white space. The words get the ids from 0,
// and the special tokens those after them. It cannot encode other words.
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
	// The library wants an unk_token. No word is empty, so it refuses unknown words.
	vocab.WriteString(`},"unk_token":""}`)
	t, err := assemble(file{
		Version:      json.RawMessage(`"1.0"`),
		PreTokenizer: json.RawMessage(`{"type":"WhitespaceSplit"}`),
		Model:        vocab.Bytes(),
	})
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if _, err := t.AddSpecial(special...); err != nil {
		return nil, err
	}
	return t, nil
}

func (m *words) encode(e *encoding, word string) {
	id, ok := m.vocab[word]
	if !ok {
		e.miss("word %q is not in the vocabulary", word)
		id = m.unk
	}
	if id >= 0 {
		e.ids = append(e.ids, id)
	}
}

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
