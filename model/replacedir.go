package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/satori-go/satori/coat/rundir"
)

// ReplaceDir makes a directory whole or not at all: write fills a temporary directory
// beside it, whose files are synced before it takes the place of dir. After a crash
// and [RecoverDir], dir is either as it was or as written. Where dir holds what write did not
// make, other than a model's weights and tokenizer, that is an error, and dir stays.
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
	if err := noStrangers(dir, tmp); err != nil {
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

// mayGo are the files of a saved model that the next one at its place can lack.
var mayGo = []string{"*.safetensors", indexFile, filepath.Dir(scalarsFile), "tokenizer.json", tokenizerConfigFile}

// noStrangers refuses to replace dir by tmp where it holds more than tmp does: notes, logs,
// the other files of a published model.
func noStrangers(dir, tmp string) error {
	there, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, f := range there {
		name := f.Name()
		known := slices.ContainsFunc(mayGo, func(pattern string) bool {
			ok, _ := filepath.Match(pattern, name)
			return ok
		})
		if _, err := os.Lstat(filepath.Join(tmp, name)); err != nil && !known {
			return fmt.Errorf("the directory holds %s, which would be lost, as it is replaced whole; save into another, or move the file away", name)
		}
	}
	return nil
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
