package tokenizer

import (
	"maps"
	"slices"
)

// Clone copies the tokenizer. Tokens that are added to the copy are not added to the original.
func (t *Tokenizer) Clone() *Tokenizer {
	c := *t
	c.tokens, c.added = slices.Clone(t.tokens), slices.Clone(t.added)
	c.addedIndex, c.special = maps.Clone(t.addedIndex), maps.Clone(t.special)
	c.index()
	return &c
}
