package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A file and a directory can be synced, what is not there cannot; directories are made with
// their parents, and what is there stays.
func TestSync(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	if err := errors.Join(makeDir(dir), makeDir(dir)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("x"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(syncPath(path), syncPath(dir)); err != nil {
		t.Error(err)
	}
	if err := syncPath(path + " missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := makeDir(filepath.Join(path, "below")); err == nil {
		t.Error("a directory was made in a file")
	}
}
