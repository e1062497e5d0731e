package rundir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writing(text string, fail error) func(dir string) error {
	return func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o644); err != nil {
			return err
		}
		return fail
	}
}

// A failing write leaves what was there.
func TestReplaceDirKeepsTheOld(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := ReplaceDir(dir, nil, writing("old", nil)); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceDir(dir, nil, writing("new", os.ErrInvalid)); err == nil {
		t.Error("no error")
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "f")); string(got) != "old" {
		t.Errorf("directory holds %q", got)
	}
}

// What a user has put beside a directory, or in one of another sort, stays.
func TestReplaceDirKeepsOthers(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "d")
	for _, name := range []string{"d.old", "other"} {
		if err := os.Mkdir(filepath.Join(parent, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(parent, name, "mine"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // new, and over itself
		if err := ReplaceDir(dir, nil, writing("new", nil)); err != nil {
			t.Fatal(err)
		}
	}
	err := ReplaceDir(filepath.Join(parent, "other"), nil, writing("new", nil))
	if err == nil || !strings.Contains(err.Error(), "the directory holds mine, which would be lost") {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"d.old", "other"} {
		if _, err := os.Stat(filepath.Join(parent, name, "mine")); err != nil {
			t.Error(err)
		}
	}
	if names, _ := filepath.Glob(filepath.Join(parent, ".*")); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

// A crash between the two renames loses nothing.
func TestRecoverDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.MkdirAll(filepath.Join(displaced(dir), "checkpoint"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		if err := RecoverDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err != nil {
		t.Error(err)
	}
	if err := RecoverDir(filepath.Join(dir, "none")); err != nil {
		t.Errorf("nothing to recover: %v", err)
	}
}

// A name that the caller calls droppable may go.
func TestReplaceDirDrops(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := ReplaceDir(dir, nil, writing("old", nil)); err != nil {
		t.Fatal(err)
	}
	other := func(tmp string) error { return os.WriteFile(filepath.Join(tmp, "g.part"), nil, 0o644) }
	if err := ReplaceDir(dir, []string{"f.*"}, other); err == nil {
		t.Error("another pattern: no error")
	}
	if err := ReplaceDir(dir, []string{"x", "f"}, other); err != nil {
		t.Error(err)
	}
	if err := ReplaceDir(dir, []string{"*.part"}, writing("new", nil)); err != nil {
		t.Error(err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 || filepath.Base(names[0]) != "f" {
		t.Errorf("the directory holds %q", names)
	}
}
