package rundir

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrLocked says that another process, or this one, works in a directory.
var ErrLocked = errors.New("another process works in it")

// lockFile is the file in a directory that is locked in its place. It stays.
const lockFile = "lock"

// A Lock keeps other processes out of a directory, until Release or the end of the process,
// however the process ends.
type Lock struct{ file *flock.Flock }

// Acquire locks a directory, which it makes if there is none. If another process, or this
// one, has locked it the error is [ErrLocked].
func Acquire(dir string) (*Lock, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("rundir: %w", err)
	}
	path := filepath.Join(dir, lockFile)
	file := flock.New(path, flock.SetPermissions(0o644))
	locked, err := file.TryLock()
	if err == nil && !locked {
		err = ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("rundir: %s: %w", path, err)
	}
	return &Lock{file}, nil
}

// Release unlocks the directory.
func (l *Lock) Release() error { return l.file.Unlock() }
