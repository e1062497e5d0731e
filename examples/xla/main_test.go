package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is not the pinned library never takes the place of what is there.
func TestExtractIsAtomic(t *testing.T) {
	dir := t.TempDir()
	wheel := func(name, content string) string {
		path := filepath.Join(dir, filepath.Base(name)+".whl")
		f, err := os.Create(path)
		require.NoError(t, err)
		defer f.Close()
		z := zip.NewWriter(f)
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err == nil {
			err = z.Close()
		}
		require.NoError(t, err)
		return path
	}
	target := filepath.Join(dir, "lib", "plugin.so")
	require.NoError(t, os.Mkdir(filepath.Dir(target), 0o755))
	require.NoError(t, os.WriteFile(target, []byte("what was there"), 0o755))
	cut := wheel(member, "not the library")
	data, err := os.ReadFile(cut)
	require.NoError(t, err)
	for _, c := range []struct {
		wheel, want string
	}{
		{wheel(member, "not the library"), "want " + memberHash},
		{wheel("other.so", "x"), member},
	} {
		if err := extract(c.wheel, target); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	require.NoError(t, os.WriteFile(cut, data[:len(data)/2], 0o644))
	if err := extract(cut, target); err == nil {
		t.Error("half a wheel: no error")
	}
	if got, _ := os.ReadFile(target); string(got) != "what was there" {
		t.Errorf("the target holds %q", got)
	}
	if left, _ := os.ReadDir(filepath.Dir(target)); len(left) != 1 {
		t.Errorf("files are left: %v", left)
	}
}
