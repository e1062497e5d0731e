package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// A Tokenizer maps text to ids and back. It is safe for concurrent use, except for
// [Tokenizer.AddSpecial], which must return before anything else is called.
type Tokenizer struct {
	file      file // what Save writes, but for the added tokens
	normalize normalizer
	pieces    preTokenizer
	model     model
	decoder   decoder
	tokens    []string         // by id
	vocab     map[string]int32 // what the model knows, without the tokens added later

	added      []addedToken
	addedIndex map[string]int // content to index in added
	special    map[string]bool
	shown      map[int32]string // added tokens that Decode gets in another form: as normalized
	verbatim   finder           // added tokens found in the text as it came
	normalized finder           // added tokens found after normalization
}

// A model encodes the pieces of the text between added tokens.
type model interface {
	encode(e *encoding, piece string)
	admit(special string) error // an error if the token could not be read back
}

// An encoding is the result of Encode as far as it is made, with buffers for the work.
type encoding struct {
	ids     []int32
	err     error // the first part of the text that the vocabulary cannot spell
	spelled []byte
	piece   piece
}

// miss records that the vocabulary cannot spell a part of the text.
func (e *encoding) miss(format string, parts ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, parts...)
	}
}

// Encode returns the ids of a text. It recognises added tokens in the text, so a text from
// outside can contain them. It applies no template. Each longest part of the text that is not
// UTF-8 reads as U+FFFD. What the vocabulary cannot spell becomes the unknown token, or is left
// out where there is none; [Tokenizer.EncodeStrict] returns an error instead.
func (t *Tokenizer) Encode(text string) []int32 { return t.encode(text).ids }

// EncodeStrict returns the ids of a text as [Tokenizer.Encode] does, and an error where Encode
// would leave a part of the text out or write it as the unknown token.
func (t *Tokenizer) EncodeStrict(text string) ([]int32, error) {
	e := t.encode(text)
	if e.err != nil {
		return nil, fmt.Errorf("tokenizer: %w", e.err)
	}
	return e.ids, nil
}

func (t *Tokenizer) encode(text string) *encoding {
	e := &encoding{ids: make([]int32, 0, len(text)/3+1)}
	t.walk(text,
		func(_ string, id int32) { e.ids = append(e.ids, id) },
		func(piece string) { t.model.encode(e, piece) })
	return e
}

// Decode returns the text of ids by the decoder of the file, special tokens included. Bytes
// that are not UTF-8 read as U+FFFD. Ids outside the vocabulary are left out.
func (t *Tokenizer) Decode(ids []int32) string { return t.decode(ids, false) }

// DecodeText returns the text of ids as [Tokenizer.Decode] does, without special tokens.
func (t *Tokenizer) DecodeText(ids []int32) string { return t.decode(ids, true) }

func (t *Tokenizer) decode(ids []int32, skip bool) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		token, ok := t.Token(id)
		if shown, other := t.shown[id]; other {
			token = shown
		}
		if ok && !(skip && t.special[token]) {
			tokens = append(tokens, token)
		}
	}
	return t.Join(tokens)
}

// ID returns the id of a token as tokenizer.json spells it. A byte-level token is spelled in
// the byte alphabet: "Ġthe" for " the".
func (t *Tokenizer) ID(token string) (int32, bool) {
	if i, ok := t.addedIndex[token]; ok {
		return t.added[i].ID, true
	}
	id, ok := t.vocab[token]
	return id, ok
}

// Token returns the token of an id, as [Tokenizer.ID] takes it.
func (t *Tokenizer) Token(id int32) (string, bool) {
	if id < 0 || int(id) >= len(t.tokens) {
		return "", false
	}
	return t.tokens[id], true
}

// Len returns the number of ids; they are 0 to Len()-1.
func (t *Tokenizer) Len() int { return len(t.tokens) }

// IsSpecial tells whether [Tokenizer.DecodeText] leaves an id out.
func (t *Tokenizer) IsSpecial(id int32) bool {
	token, ok := t.Token(id)
	return ok && t.special[token]
}

// AddSpecial makes each token special, gives those that the vocabulary lacks the next free
// ids, and returns the ids of all. A token that could not be read back is an error: one that
// is empty or not UTF-8 or, for a model of words, that has white space in it or is part of a
// longer word. After an error the tokenizer is as it was.
func (t *Tokenizer) AddSpecial(tokens ...string) ([]int32, error) {
	for _, token := range tokens {
		if err := t.admit(token); err != nil {
			return nil, fmt.Errorf("tokenizer: AddSpecial: %w", err)
		}
	}
	ids := make([]int32, len(tokens))
	for i, token := range tokens {
		if k, ok := t.addedIndex[token]; ok {
			ids[i] = t.added[k].ID
			t.added[k].Special = true
			t.special[token] = true
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
	return ids, nil
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
		t.special[a.Content] = true
	}
}

// index rebuilds the finders.
func (t *Tokenizer) index() {
	t.verbatim, t.normalized, t.shown = finder{}, finder{}, map[int32]string{}
	for _, a := range t.added {
		if !a.Normalized {
			t.verbatim.put(a.Content, a)
			continue
		}
		content := a.Content
		if t.normalize != nil {
			content = t.normalize(content)
		}
		if content != a.Content {
			t.shown[a.ID] = content
		}
		if content != "" {
			t.normalized.put(content, a)
		}
	}
}
