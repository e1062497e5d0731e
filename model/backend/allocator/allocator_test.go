//go:build cgo && linux

package allocator_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A program that links package model has the allocator that it had before: threads get arenas
// of their own. One that links this package has a single arena.
func TestAllocatorIsOptIn(t *testing.T) {
	dir := t.TempDir()
	for name, flags := range map[string][]string{"model": nil, "tuned": {"-tags=tuned"}} {
		build := exec.Command("go", append(append([]string{"build"}, flags...), "-o", filepath.Join(dir, name), "./testdata/arenas")...)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
	}
	for _, c := range []struct{ program, env, want string }{
		{"model", "", "several arenas"},
		{"tuned", "", "one arena"},
		{"tuned", "MALLOC_ARENA_MAX=4", "several arenas"},
	} {
		cmd := exec.Command(filepath.Join(dir, c.program))
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "MALLOC_") && !strings.HasPrefix(v, "GLIBC_TUNABLES=") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, c.env)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s, %s", c.program, out)
		if got := strings.TrimSpace(string(out)); got == "no glibc" {
			t.Skip("the C library is not glibc")
		} else if got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.program, c.env, got, c.want)
		}
	}
}
