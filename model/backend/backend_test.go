package backend

import (
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/internal/device"
)

func TestOpenBackend(t *testing.T) {
	for name, want := range map[string]string{
		"nonsense":             "want auto, go, xla",
		"xla:/no/such/file.so": "no such file",
		"xla:some/file.so":     "is not absolute",
	} {
		if !haveXLA && strings.HasPrefix(name, "xla") {
			want = "without cgo"
		}
		if b, err := Open(name); err == nil || b != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: backend %v, error %v", name, b, err)
		}
	}
}

// pluginSource is a plugin that says nothing but its version: the first fields of PJRT's C
// API (pjrt_c_api.h), which never move.
const pluginSource = `
#include <stddef.h>
static void *ok(void *args) { return NULL; }
static struct {
	size_t size; void *extension;
	struct { size_t size; void *extension; int major, minor; } version;
	void *error_destroy, *error_message, *error_code;
	void *(*initialize)(void *), *(*attributes)(void *);
	void *rest[200];
} api = {sizeof api, NULL, {32, NULL, MAJOR, MINOR}, ok, ok, ok, ok, ok};
void *GetPjrtApi(void) { return &api; }
`

// library compiles C into a shared library.
func library(t *testing.T, path, source string, flags ...string) {
	t.Helper()
	if runtime.GOOS != "linux" || !haveXLA {
		t.Skip("wants XLA on Linux")
	}
	if _, err := osexec.LookPath("gcc"); err != nil {
		t.Skip("wants gcc: ", err)
	}
	cmd := osexec.Command("gcc", append(flags, "-shared", "-fPIC", "-x", "c", "-o", path, "-")...)
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
}

// Every fault of a plugin is an error that says which file it is, what it is, and what
// installs another; loading none of them may end this process.
func TestBadPlugins(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o755))
		return path
	}
	old := filepath.Join(dir, "old.so")
	library(t, old, pluginSource, "-DMAJOR=0", "-DMINOR=40")
	next := filepath.Join(dir, "next.so")
	library(t, next, pluginSource, "-DMAJOR=1", "-DMINOR=2")
	other := filepath.Join(dir, "other.so")
	library(t, other, "int GetSomething(void) { return 1; }")
	whole, err := os.ReadFile(old)
	require.NoError(t, err)
	foreign := append([]byte(nil), whole...)
	foreign[18] = 0xf3 // e_machine: RISC-V
	require.NoError(t, os.Mkdir(filepath.Join(dir, "dir.so"), 0o755))
	cases := map[string]string{
		old:                               "has PJRT API 0.40, want 0.81 or newer",
		next:                              "has PJRT API 1.2, want 0.81 or newer",
		other:                             "does not export GetPjrtApi",
		write("text.so", []byte("hello")): "is no whole library",
		write("empty.so", nil):            "is no whole library",
		write("foreign.so", foreign):      "for EM_RISCV",
		filepath.Join(dir, "dir.so"):      "is no file",
	}
	for _, n := range []int{1, 63, 64, 200, len(whole) / 4, len(whole) / 2, len(whole) - 1} {
		cases[write("cut"+string(rune('a'+n%26))+".so", whole[:n])] = "it is "
	}
	for path, want := range cases {
		b, err := Open("xla:" + path)
		if err == nil || b != nil {
			t.Errorf("%s: backend %v, error %v", path, b, err)
			continue
		}
		for _, part := range []string{path, want, installPlugin} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not say %q", path, err, part)
			}
		}
	}
	// A header that promises more than there is.
	if err := checkELF(strings.NewReader(string(whole)), int64(len(whole))/2); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("half of it: %v", err)
	}
	if err := checkELF(strings.NewReader(string(whole)), int64(len(whole))); err != nil {
		t.Errorf("whole: %v", err)
	}
}

// In the directories that are searched, a broken plugin is an error of "auto" too, and
// none at all means Go. go-xla reads its search path when the program starts.
func TestSearchedPlugins(t *testing.T) {
	if dir := os.Getenv("SATORI_TEST_PLUGINS"); dir != "" {
		b, err := Open("auto")
		_, errXLA := Open("xla")
		switch broken := findPlugins(); {
		case len(broken) > 0 && (err == nil || !strings.Contains(err.Error(), broken[0]) || errXLA == nil || !strings.Contains(errXLA.Error(), broken[0])):
			t.Fatalf("with %v: %v, %v", broken, err, errXLA)
		case len(broken) == 0 && (err != nil || device.IsXLA(b) || haveXLA && !errors.Is(errXLA, errNoPlugin)):
			t.Fatalf("with none: %v, %v", err, errXLA)
		}
		return
	}
	dir := t.TempDir()
	check := func() {
		t.Helper()
		cmd := osexec.Command(os.Args[0], "-test.run=^TestSearchedPlugins$")
		cmd.Env = append(os.Environ(), "SATORI_TEST_PLUGINS="+dir, "PJRT_PLUGIN_LIBRARY_PATH="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	check()
	if !haveXLA {
		return
	}
	path := filepath.Join(dir, "pjrt_c_api_cpu_plugin.so")
	library(t, path, pluginSource, "-DMAJOR=0", "-DMINOR=40")
	check()
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, whole[:len(whole)/2], 0o755))
	check()
}
