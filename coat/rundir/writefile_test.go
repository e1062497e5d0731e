package rundir

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A file is replaced whole. One whose writer fails, or that cannot take its name, leaves what
// was there and nothing beside it.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	text := func(s string, fail error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, s)
			return errors.Join(err, fail)
		}
	}
	for _, s := range []string{"one", "two"} {
		if err := WriteFile(path, text(s, nil)); err != nil {
			t.Fatal(err)
		}
	}
	failed := errors.New("failed")
	if err := WriteFile(path, text("three", failed)); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "d"), text("four", nil)); err == nil {
		t.Error("over a directory: no error")
	}
	if err := WriteFile(filepath.Join(dir, "none", "f"), text("five", nil)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "two" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 2 {
		t.Errorf("the directory holds %v", names)
	}
}
