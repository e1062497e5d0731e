package tokenizer

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Tokenizer maps text to ids and back. It is safe for concurrent use, but for
// AddSpecial, which must have returned before anything else is called.
type Tokenizer struct {
	file   file // what Save writes, but for the added tokens
	model  model
	nfc    bool             // text is brought to normal form C first
	tokens []string         // by id
	vocab  map[string]int32 // what the model knows, without the tokens added later

	added      []addedToken
	addedIndex map[string]int // content to index in added
	special    map[int32]bool
	verbatim   finder // added tokens found in the text as it came
	normalized finder // added tokens found after normalization
}

// A model encodes the text between added tokens.
type model interface {
	encode(ids []int32, text string) ([]int32, error) // appends to ids
	join(tokens []string) string
	admit(special string) error // an error if the token could not be read back
}

// An addedToken is an entry of added_tokens in tokenizer.json.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // refused if set, as the next two
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// Encode returns the ids of the text. Special tokens in the text are recognised,
// so text from strangers can contain them; no template is applied. Each maximal
// part of the text that is not UTF-8 reads as U+FFFD. It is an error if the
// vocabulary has neither a word of the text nor a token for unknown ones.
func (t *Tokenizer) Encode(text string) ([]int32, error) {
	ids := make([]int32, 0, len(text)/3+1)
	for text, id := range t.verbatim.cut(validUTF8(text)) {
		if id >= 0 {
			ids = append(ids, id)
			continue
		}
		if t.nfc {
			text = composed(text)
		}
		for text, id := range t.normalized.cut(text) {
			if id >= 0 {
				ids = append(ids, id)
				continue
			}
			var err error
			if ids, err = t.model.encode(ids, text); err != nil {
				return nil, fmt.Errorf("tokenizer: %w", err)
			}
		}
	}
	return ids, nil
}

// Decode returns the text of the ids, special tokens included: words joined by
// one space, or the bytes of byte-level tokens, where each maximal part that is
// not UTF-8 reads as U+FFFD. Ids that are not in the vocabulary are left out.
func (t *Tokenizer) Decode(ids []int32) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		if token, ok := t.Token(id); ok {
			tokens = append(tokens, token)
		}
	}
	return t.model.join(tokens)
}

// DecodeText is Decode without the special tokens.
func (t *Tokenizer) DecodeText(ids []int32) string {
	return t.Decode(slices.DeleteFunc(slices.Clone(ids), t.IsSpecial))
}

// ID returns the id of a token as tokenizer.json spells it; a byte-level token is
// spelled in the byte alphabet, "Ġthe" for " the".
func (t *Tokenizer) ID(token string) (int32, bool) {
	if i, ok := t.addedIndex[token]; ok {
		return t.added[i].ID, true
	}
	id, ok := t.vocab[token]
	return id, ok
}

// Token is the inverse of ID.
func (t *Tokenizer) Token(id int32) (string, bool) {
	if id < 0 || int(id) >= len(t.tokens) {
		return "", false
	}
	return t.tokens[id], true
}

// Len returns the number of ids; they are 0 to Len()-1.
func (t *Tokenizer) Len() int { return len(t.tokens) }

// IsSpecial tells whether DecodeText leaves the id out.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.special[id] }

// AddSpecial makes each token special, gives those that the vocabulary lacks the
// next free ids, and returns the ids of all. It panics on a token that could not
// be read back: one that is empty or not UTF-8 or, for a model of words, that has
// white space in it or stands inside a longer word.
func (t *Tokenizer) AddSpecial(tokens ...string) []int32 {
	for _, token := range tokens {
		if err := t.admit(token); err != nil {
			panic(fmt.Sprintf("tokenizer: AddSpecial: %v", err))
		}
	}
	ids := make([]int32, len(tokens))
	for i, token := range tokens {
		if k, ok := t.addedIndex[token]; ok {
			ids[i] = t.added[k].ID
			t.added[k].Special = true
			t.special[ids[i]] = true
			continue
		}
		id, ok := t.vocab[token]
		if !ok {
			id = int32(len(t.tokens))
		}
		ids[i] = id
		t.add(addedToken{ID: id, Content: token, Special: true})
	}
	t.index()
	return ids
}

func (t *Tokenizer) admit(special string) error {
	switch {
	case special == "":
		return fmt.Errorf("empty token")
	case !utf8.ValidString(special):
		return fmt.Errorf("token %q is not UTF-8", special)
	}
	return t.model.admit(special)
}

// add records an added token, whose id is that of its entry in the vocabulary or
// else the next one. Index must follow.
func (t *Tokenizer) add(a addedToken) {
	if int(a.ID) == len(t.tokens) {
		t.tokens = append(t.tokens, a.Content)
	}
	t.addedIndex[a.Content] = len(t.added)
	t.added = append(t.added, a)
	if a.Special {
		t.special[a.ID] = true
	}
}

// index rebuilds the finders.
func (t *Tokenizer) index() {
	t.verbatim, t.normalized = finder{}, finder{}
	for _, a := range t.added {
		if a.Normalized {
			t.normalized.put(a.Content, a.ID)
		} else {
			t.verbatim.put(a.Content, a.ID)
		}
	}
}

// A finder finds added tokens. Its index is the first byte of a token; of the
// tokens that share it the longest comes first.
type finder [256][]found

type found struct {
	content string
	id      int32
}

func (f *finder) put(content string, id int32) {
	list := append(f[content[0]], found{content, id})
	slices.SortStableFunc(list, func(a, b found) int { return cmp.Compare(len(b.content), len(a.content)) })
	f[content[0]] = list
}

// at returns the longest token that text starts with.
func (f *finder) at(text string) (found, bool) {
	for _, t := range f[text[0]] {
		if strings.HasPrefix(text, t.content) {
			return t, true
		}
	}
	return found{}, false
}

// cut yields the text in order: added tokens with their id, and what lies between
// them with id -1. The leftmost token wins, and of those that start there the longest.
func (f *finder) cut(text string) iter.Seq2[string, int32] {
	return func(yield func(string, int32) bool) {
		start := 0
		for i := 0; i < len(text); {
			t, ok := f.at(text[i:])
			if !ok {
				i++
				continue
			}
			if start < i && !yield(text[start:i], -1) || !yield(t.content, t.id) {
				return
			}
			i += len(t.content)
			start = i
		}
		if start < len(text) {
			yield(text[start:], -1)
		}
	}
}
