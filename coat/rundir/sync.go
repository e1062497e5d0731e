package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// syncPath makes what was written to a file, or the names in a directory, survive a loss of
// power. Windows does the latter by itself and has no call for it.
func syncPath(path string) error {
	mode := os.O_RDONLY
	if runtime.GOOS == "windows" {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			return err
		}
		mode = os.O_RDWR // it syncs nothing that is open for reading alone
	}
	f, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// makeDir makes a directory with its parents, and syncs the name of each that is new.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncPath(parent)
}
