package backend

import (
	"bufio"
	"debug/elf"
	"debug/macho"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// installPlugin is what installs the XLA plugin for CPUs.
const installPlugin = "go run github.com/satori-go/satori/examples/xla"

// errNoPlugin tells that this machine has no XLA plugin: "auto" then means Go.
var errNoPlugin = errors.New("no XLA plugin is installed")

// A pluginError says what is wrong with a plugin and what to do.
func pluginError(path, format string, args ...any) error {
	return fmt.Errorf("the XLA plugin %s: %w; `%s` installs one that works, or GOMLX_BACKEND=go does without",
		path, fmt.Errorf(format, args...), installPlugin)
}

// pluginDirs are the directories that go-xla looks into, in its order.
func pluginDirs() []string {
	if list, ok := os.LookupEnv("PJRT_PLUGIN_LIBRARY_PATH"); ok {
		return slices.DeleteFunc(strings.Split(list, ":"), func(dir string) bool { return dir == "" })
	}
	var dirs []string
	if home, err := os.UserHomeDir(); err == nil {
		own := filepath.Join(home, ".local", "lib")
		dirs = append(dirs, filepath.Join(own, "go-xla"), filepath.Join(own, "go-xla", "nvidia"), filepath.Join(own, "gomlx", "pjrt"))
	}
	dirs = append(dirs, "/usr/local/lib/go-xla", "/usr/local/lib/go-xla/nvidia", "/usr/local/lib/gomlx/pjrt")
	for dir := range strings.SplitSeq(os.Getenv("LD_LIBRARY_PATH"), ":") {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	return append(dirs, loaderDirs("/etc/ld.so.conf", 0)...)
}

// loaderDirs are the directories of the loader's configuration.
func loaderDirs(path string, depth int) (dirs []string) {
	f, err := os.Open(path)
	if err != nil || depth > 8 {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if pattern, ok := strings.CutPrefix(line, "include "); ok {
			files, _ := filepath.Glob(strings.TrimSpace(pattern))
			for _, file := range files {
				dirs = append(dirs, loaderDirs(file, depth+1)...)
			}
		} else if filepath.IsAbs(line) {
			dirs = append(dirs, line)
		}
	}
	return dirs
}

// findPlugins lists the files that go-xla would load to see whether they are plugins.
func findPlugins() (paths []string) {
	for _, dir := range pluginDirs() {
		for _, pattern := range []string{"pjrt-plugin-*", "pjrt_plugin_*", "pjrt_c_api_*_plugin"} {
			for _, end := range []string{".so", ".dylib"} {
				files, _ := filepath.Glob(filepath.Join(dir, pattern+end))
				paths = append(paths, files...)
			}
		}
	}
	return paths
}

// checkPlugin looks at a file before it is loaded: the loader maps what the headers say,
// and a library that ends before that kills the process when a page of it is touched.
func checkPlugin(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return pluginError(path, "%w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return pluginError(path, "%w", err)
	}
	if !info.Mode().IsRegular() {
		return pluginError(path, "it is no file")
	}
	check := checkELF
	if runtime.GOOS == "darwin" {
		check = checkMachO
	}
	if err := check(f, info.Size()); err != nil {
		return pluginError(path, "%w", err)
	}
	return nil
}

// entry is the function that every plugin exports.
const entry = "GetPjrtApi"

func checkELF(r io.ReaderAt, size int64) error {
	f, err := elf.NewFile(r)
	if err != nil {
		return fmt.Errorf("it is no whole library: %w", err)
	}
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	if want := machines[runtime.GOARCH]; f.Machine != want || f.Type != elf.ET_DYN {
		return fmt.Errorf("it is a %v for %v, want a shared library for %v", f.Type, f.Machine, want)
	}
	ends := func(what string, i int, offset, length uint64) error {
		if end := offset + length; end < offset || end > uint64(size) {
			return fmt.Errorf("it is cut off: %s %d ends at byte %d of %d", what, i, end, size)
		}
		return nil
	}
	for i, p := range f.Progs {
		if err := ends("segment", i, p.Off, p.Filesz); err != nil {
			return err
		}
	}
	for i, s := range f.Sections {
		if s.Type == elf.SHT_NOBITS {
			continue
		}
		if err := ends("section", i, s.Offset, s.FileSize); err != nil {
			return err
		}
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return fmt.Errorf("it has no symbols: %w", err)
	}
	if !slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == entry && s.Section != elf.SHN_UNDEF }) {
		return fmt.Errorf("it does not export %s, so it is no PJRT plugin", entry)
	}
	return nil
}

func checkMachO(r io.ReaderAt, size int64) error {
	f, err := macho.NewFile(r)
	if err != nil {
		return fmt.Errorf("it is no whole library: %w", err)
	}
	for _, load := range f.Loads {
		if s, ok := load.(*macho.Segment); ok && (s.Offset+s.Filesz < s.Offset || s.Offset+s.Filesz > uint64(size)) {
			return fmt.Errorf("it is cut off: segment %s ends at byte %d of %d", s.Name, s.Offset+s.Filesz, size)
		}
	}
	return nil
}
