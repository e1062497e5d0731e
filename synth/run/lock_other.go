//go:build !unix

package run

import (
	"errors"
	"io/fs"
	"os"
)

// lock makes a file that must not be there yet. After a crash it has to be removed by
// hand: there is nothing in the standard library that the system would undo by itself.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrLocked
	}
	return f, err
}

func unlock(f *os.File) error { return errors.Join(f.Close(), os.Remove(f.Name())) }
