package model

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/coat/rundir"
)

// ReplaceDir makes a directory whole or not at all: write fills a temporary directory
// beside it, whose files are synced before it takes the place of dir. After a crash
// and [RecoverDir], dir is either as it was or as written.
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
	files, err := os.ReadDir(tmp)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := rundir.Sync(filepath.Join(tmp, f.Name())); err != nil {
			return err
		}
	}
	if err := rundir.Sync(tmp); err != nil {
		return err
	}
	old := dir + oldSuffix
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

// oldSuffix is where a directory stands for the moment in which it is replaced.
const oldSuffix = ".old"

// RecoverDir puts a directory back that a crash has left half replaced.
func RecoverDir(dir string) error {
	dir = filepath.Clean(dir)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(dir+oldSuffix, dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
