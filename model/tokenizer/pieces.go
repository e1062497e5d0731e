package tokenizer

import (
	"iter"
	"strings"
)

// A Piece is a part of a text that is encoded by itself.
type Piece struct {
	Text  string // as it stands in the text, for an added token; else as the model gets it
	Added bool
	IDs   []int32
}

// Pieces yields the parts of a text that [Tokenizer.Encode] encodes, in order. Their ids, one
// part after the other, are the ids that Encode returns. Use it to find which part of the text
// an id stands for; Text shows that only where normalization did not change it.
func (t *Tokenizer) Pieces(text string) iter.Seq[Piece] {
	return func(yield func(Piece) bool) {
		e := &encoding{}
		stopped := false
		emit := func(text string, added bool) {
			if !stopped {
				stopped = !yield(Piece{text, added, e.ids})
				e.ids = nil
			}
		}
		t.walk(text,
			func(token string, id int32) {
				e.ids = []int32{id}
				emit(token, true)
			},
			func(piece string) {
				t.model.encode(e, piece)
				emit(piece, false)
			})
	}
}

// walk calls added for each added token of the text and piece for each piece between.
func (t *Tokenizer) walk(text string, added func(token string, id int32), piece func(string)) {
	first := true
	for text, id := range t.verbatim.cut(ValidUTF8(text)) {
		if id >= 0 {
			added(text, id)
		} else {
			if t.normalize != nil {
				text = t.normalize(text)
			}
			for text, id := range t.normalized.cut(text) {
				if id >= 0 {
					added(text, id)
				} else {
					t.pieces.each(text, first, piece)
				}
				first = false
			}
		}
		first = false
	}
}

// Join returns the text of tokens as [Tokenizer.Token] spells them.
func (t *Tokenizer) Join(tokens []string) string { return strings.Join(t.decoder(tokens), "") }
