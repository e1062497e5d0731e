package rundir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrLocked is a directory that another process, or this one, works in.
var ErrLocked = errors.New("another process works in it")

// lockFile is the file in a directory that is locked in its place. It stays.
const lockFile = "lock"

// A Holder has a directory to itself.
type Holder struct{ f *os.File }

// Lock takes a directory, which it makes where there is none, until Release or the end
// of the process, however that comes. [ErrLocked] tells that it is taken.
//
// On systems that are neither Unix nor Windows nothing ends with its process: there
// the file "lock" has to be removed by hand after a crash.
func Lock(dir string) (*Holder, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("rundir: %w", err)
	}
	path := filepath.Join(dir, lockFile)
	f, err := lock(path)
	if err != nil {
		return nil, fmt.Errorf("rundir: %s: %w", path, err)
	}
	return &Holder{f}, nil
}

// Release lets go of the directory.
func (h *Holder) Release() error { return unlock(h.f) }
