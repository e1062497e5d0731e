package tokenizer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/satori-go/satori/coat/rundir"
)

// Save writes a tokenizer.json with all that was read or made and all tokens that were added
// since. The file appears whole or not at all, whatever stops the program.
func (t *Tokenizer) Save(path string) error {
	err := rundir.WriteFile(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(t.current())
	})
	if err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	return nil
}

// current returns the file with all added tokens.
func (t *Tokenizer) current() file {
	f := t.file
	// The library numbers tokens in the order of the file.
	f.AddedTokens = slices.SortedFunc(slices.Values(t.added), func(a, b addedToken) int { return cmp.Compare(a.ID, b.ID) })
	if f.AddedTokens == nil {
		f.AddedTokens = []addedToken{} // null is refused by the library
	}
	return f
}
