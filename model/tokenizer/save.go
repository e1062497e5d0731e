package tokenizer

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Save writes a tokenizer.json: what was read or made, with the added tokens of now.
// The file appears whole or not at all, whatever stops the program.
func (t *Tokenizer) Save(path string) error {
	if err := t.save(path); err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	return nil
}

func (t *Tokenizer) save(path string) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	e := json.NewEncoder(tmp)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := errors.Join(e.Encode(t.current()), tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// current returns the file with the added tokens of now.
func (t *Tokenizer) current() file {
	f := t.file
	// The library numbers tokens in the order of the file.
	f.AddedTokens = slices.SortedFunc(slices.Values(t.added), func(a, b addedToken) int { return cmp.Compare(a.ID, b.ID) })
	if f.AddedTokens == nil {
		f.AddedTokens = []addedToken{} // null is refused by the library
	}
	return f
}
