package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/coat/rundir"
)

// ReplaceDir makes a directory whole or not at all: write fills a temporary directory
// beside it, whose files are synced before it takes the place of dir. After a crash
// and [RecoverDir], dir is either as it was or as written. Whatever else stood in dir is
// gone; but a directory that holds something, and nothing by a name that write made, is
// somebody else's: it is left alone, and that is an error.
func ReplaceDir(dir string, write func(tmp string) error) (err error) {
	dir = filepath.Clean(dir)
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".tmp")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := errors.Join(RecoverDir(dir), write(tmp)); err != nil {
		return err
	}
	err = filepath.WalkDir(tmp, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return rundir.Sync(path)
	})
	if err != nil {
		return err
	}
	if err := ours(dir, tmp); err != nil {
		return err
	}
	old := replaced(dir)
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	defer os.RemoveAll(old)
	if err := os.Rename(tmp, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return rundir.Sync(parent)
}

// ours tells whether what stands in dir may be replaced by tmp.
func ours(dir, tmp string) error {
	there, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(there) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range there {
		if _, err := os.Lstat(filepath.Join(tmp, f.Name())); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s holds other files, such as %s, and would be replaced whole; name a directory that is not there", dir, there[0].Name())
}

// replaced is where a directory stands for the moment in which it is replaced: a name that
// nobody gives to a copy of their own.
func replaced(dir string) string {
	return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".satori-replaced")
}

// RecoverDir puts a directory back that a crash has left half replaced.
func RecoverDir(dir string) error {
	dir = filepath.Clean(dir)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(replaced(dir), dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
