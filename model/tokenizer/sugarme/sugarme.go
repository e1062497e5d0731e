// Package sugarme makes a tokenizer of github.com/sugarme/tokenizer from one of package
// tokenizer, for programs that need that type, its interfaces, or the place in the text of each
// token. Only programs that use this package link that library.
//
// Package tokenizer decides all ids. [PreTokenizer] finds the added tokens, normalizes and cuts
// the text between them, and attaches the ids, so that the library has nothing to split or to
// look up. The ids are those of [tokenizer.Tokenizer.Encode], which is five to twenty times
// faster. The library's own parts (v0.3.0) give wrong ids for most published models: its BPE
// breaks ties at random, its NFC is NFD, added tokens vanish, and invalid UTF-8 panics.
//
// # Notes
//
//   - The library panics on text that is not UTF-8 before any part of this package gets it.
//     [Encode] repairs the text first. Other callers of the library have to repair it with
//     [tokenizer.ValidUTF8].
//   - Offsets are bytes of the repaired text. A piece that NFC changed has no finer
//     offsets than its own, and neither has a token of a part of a character.
//     EncodeCharOffsets of the library is off by one at the end; do not use it.
//   - Add tokens with [tokenizer.Tokenizer.AddSpecial] before [New]. AddTokens and
//     AddSpecialTokens of the library bring its own splitting back, which loses tokens
//     that stand side by side.
//   - Save, Serialize and Train of the library do nothing or end the program; use
//     [tokenizer.Tokenizer.Save]. DecodeBatch has a data race.
//   - Special tokens that are found after normalization, as in some old files, decode as they
//     are spelled. Package tokenizer and the Rust library decode them as normalized.
//   - No template is applied, whatever the value of addSpecialTokens.
package sugarme

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	lib "github.com/sugarme/tokenizer"
	"github.com/sugarme/tokenizer/normalizer"

	"github.com/satori-go/satori/model/tokenizer"
)

// New makes a tokenizer of the library's type. The two share the vocabulary.
func New(t *tokenizer.Tokenizer) *lib.Tokenizer {
	tk := lib.NewTokenizer(Model{t})
	tk.WithPreTokenizer(PreTokenizer{t})
	tk.WithDecoder(Decoder{t})
	// The library has to know special tokens, to leave them out of decoded text, but
	// not to look for them. It looks for what the normalizer makes of single words.
	var special []lib.AddedToken
	for id := range int32(t.Len()) {
		if t.IsSpecial(id) {
			token, _ := t.Token(id)
			special = append(special, lib.NewAddedToken(token, true, lib.WithSingleWord(true)))
		}
	}
	tk.WithNormalizer(hider{})
	tk.AddSpecialTokens(special)
	tk.WithNormalizer(nil)
	return tk
}

// Encode calls tk.EncodeSingle for any text. It returns a panic of the library as an error.
func Encode(tk *lib.Tokenizer, text string) (e *lib.Encoding, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("sugarme: the library panics on %.40q: %v", text, r)
		}
	}()
	if e, err = tk.EncodeSingle(tokenizer.ValidUTF8(text)); err != nil {
		return nil, fmt.Errorf("sugarme: %w", err)
	}
	return e, nil
}

// A hider turns any token into a run of noncharacters, which no text has.
type hider struct{}

// Normalize implements the library's interface.
func (hider) Normalize(*normalizer.NormalizedString) (*normalizer.NormalizedString, error) {
	return normalizer.NewNormalizedFrom("\U0010fffe\U0010ffff\U0010fffe\U0010ffff\U0010fffe\U0010ffff"), nil
}

// A PreTokenizer implements the library's interface of this name. The pieces that it makes have
// their tokens already.
type PreTokenizer struct{ *tokenizer.Tokenizer }

// PreTokenize cuts a text into the pieces that package tokenizer makes, with their ids.
func (p PreTokenizer) PreTokenize(text *lib.PreTokenizedString) (*lib.PreTokenizedString, error) {
	return text.Split(func(_ int, part *normalizer.NormalizedString) []lib.SplitIdx {
		shift := part.Shift()
		var out []lib.SplitIdx
		for s := range spans(p.Tokenizer, part.GetNormalized()) {
			n := normalizer.NewNormalizedFrom(s.text)
			n = normalizer.NewNormalizedString(s.text, s.text, n.Alignments(), n.AlignmentsOriginal(), shift+s.start)
			out = append(out, lib.SplitIdx{Normalized: n, Tokens: s.tokens})
		}
		return out
	}), nil
}

// A Model implements the library's interface of this name. It also encodes whole texts.
type Model struct{ *tokenizer.Tokenizer }

// Tokenize returns the tokens of a text.
func (m Model) Tokenize(text string) ([]lib.Token, error) {
	tokens := []lib.Token{}
	for s := range spans(m.Tokenizer, text) {
		for _, t := range s.tokens {
			t.Offsets = []int{s.start + t.Offsets[0], s.start + t.Offsets[1]}
			tokens = append(tokens, t)
		}
	}
	return tokens, nil
}

// TokenToId returns the id of a token.
func (m Model) TokenToId(token string) (int, bool) {
	id, ok := m.ID(token)
	return int(id), ok
}

// IdToToken returns the token of an id.
func (m Model) IdToToken(id int) (string, bool) {
	if id < 0 || id >= m.Len() {
		return "", false
	}
	return m.Token(int32(id))
}

// GetVocab returns a copy, since the library writes into the map.
func (m Model) GetVocab() map[string]int {
	vocab := make(map[string]int, m.Len())
	for id := range int32(m.Len()) {
		token, _ := m.Token(id)
		vocab[token] = int(id)
	}
	return vocab
}

// GetVocabSize returns the number of ids.
func (m Model) GetVocabSize() int { return m.Len() }

// Save writes tokenizer.json, or prefix-tokenizer.json, into a directory.
func (m Model) Save(dir string, prefix ...string) error {
	name := "tokenizer.json"
	if len(prefix) > 0 && prefix[0] != "" {
		name = prefix[0] + "-" + name
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return m.Tokenizer.Save(filepath.Join(dir, name))
}

// A Decoder implements the library's interface of this name.
type Decoder struct{ *tokenizer.Tokenizer }

// Decode returns the text of tokens.
func (d Decoder) Decode(tokens []string) string { return d.Join(tokens) }

// DecodeChain decodes all tokens at once.
func (d Decoder) DecodeChain(tokens []string) []string {
	return []string{d.Join(slices.Clone(tokens))}
}
