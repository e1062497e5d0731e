package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ReplaceDir makes a directory, whole or not at all. write fills a temporary directory beside
// it, whose files are synced before it takes the place of dir. After a crash and [RecoverDir],
// dir is either as it was or as written.
//
// What dir holds and write does not make would be lost. So that is an error, and dir stays,
// unless the name matches one of the patterns in droppable, which are those of
// [filepath.Match].
func ReplaceDir(dir string, droppable []string, write func(tmp string) error) (err error) {
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
		return syncPath(path)
	})
	if err != nil {
		return err
	}
	if err := checkLosses(dir, tmp, droppable); err != nil {
		return err
	}
	old := displaced(dir)
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
	return syncPath(parent)
}

// checkLosses refuses to replace dir by tmp where dir holds a name that tmp lacks and that is
// not droppable: notes, logs, the further files of a published model.
func checkLosses(dir, tmp string, droppable []string) error {
	there, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, f := range there {
		name := f.Name()
		known := slices.ContainsFunc(droppable, func(pattern string) bool {
			ok, _ := filepath.Match(pattern, name)
			return ok
		})
		if _, err := os.Lstat(filepath.Join(tmp, name)); err != nil && !known {
			return fmt.Errorf("the directory holds %s, which would be lost, as the directory is replaced whole; "+
				"save into another one, or move the file away", name)
		}
	}
	return nil
}

// displaced is the name of a directory while another takes its place: one that nobody gives to
// a copy of their own.
func displaced(dir string) string {
	return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".satori-replaced")
}

// RecoverDir puts a directory back where a crash has stopped [ReplaceDir] between its two
// renames. Otherwise it does nothing.
func RecoverDir(dir string) error {
	dir = filepath.Clean(dir)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(displaced(dir), dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
