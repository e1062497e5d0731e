//go:build cgo && linux

package allocator_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A program that links package model has the allocator that it had before: threads get arenas
// of their own. One that links this package has a single arena.
func TestAllocatorIsOptIn(t *testing.T) {
	count := func(env string, flags ...string) string {
		t.Helper()
		path := t.TempDir() + "/arenas"
		build := exec.Command("go", append(append([]string{"build"}, flags...), "-o", path, "./testdata/arenas")...)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		cmd := exec.Command(path)
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "MALLOC_") && !strings.HasPrefix(v, "GLIBC_TUNABLES=") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, env)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("arenas: %v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	const tuned = "-tags=tuned"
	switch out := count(""); out {
	case "no glibc":
		t.Skip("the C library is not glibc")
	case "several arenas":
	default:
		t.Errorf("with package model alone: %s, want several arenas", out)
	}
	if out := count("", tuned); out != "one arena" {
		t.Errorf("tuned: %s, want one arena", out)
	}
	if out := count("MALLOC_ARENA_MAX=4", tuned); out != "several arenas" {
		t.Errorf("tuned, with MALLOC_ARENA_MAX set: %s, want several arenas", out)
	}
}
