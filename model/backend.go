package model

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // the pure Go backend
)

// openXLA is set by xla.go in builds with cgo.
var openXLA func(config string) (Backend, error)

// OpenBackend opens a backend by its configuration:
//
//	""         the value of GOMLX_BACKEND, or else "auto"
//	"auto"     XLA where a plugin is installed on this machine, or else Go
//	"go"       the pure Go backend
//	"xla"      XLA, with the plugin found on go-xla's search path
//	"xla:NAME" XLA, with the plugin of this name found there, such as cpu or cuda
//	"xla:PATH" XLA, with the plugin at this absolute path
//
// Options of XLA follow a comma; devices=N (as in "xla:cpu,devices=2") is how many devices
// the backend has: the first N GPUs, all of them by default, or N that the CPU plugin makes
// up, one by default. A [Learner] trains on all of them; everything else runs on the first.
//
// Nothing is ever downloaded. A plugin that is missing, cut off, no plugin, or of a
// version that does not fit is an error, of "auto" too: it names the file, the versions,
// and the command that installs a good one. Every file that go-xla would try is looked at
// first, since loading one that is cut off kills the process.
//
// The Go backend is opened with one operation at a time
// (go:ops_sequential; matrix products still use all cores): in its default mode it
// can deadlock when many products are ready together. On Intel processors a build
// with GOEXPERIMENT=simd wants GODEBUG=cpu.fma=off in the environment: without it
// math.Exp becomes hundreds of times slower behind a simd matrix product.
//
// XLA on CPUs asks for the working memory of each call anew. On Linux with cgo and glibc,
// programs that link this package therefore have one malloc arena, and from the first such
// backend on malloc keeps up to a gigabyte of what is freed, and all of it while a [Learner]
// of 20 million parameters or more is open. MALLOC_ARENA_MAX, GLIBC_TUNABLES and the like in
// the environment are heeded instead where they are set.
func OpenBackend(config string) (b Backend, err error) {
	defer func() { // compute and go-xla panic for some faults
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("model: backend %q: %v", config, r)
		}
	}()
	config = cmp.Or(config, os.Getenv("GOMLX_BACKEND"), "auto")
	kind, rest, _ := strings.Cut(config, ":")
	switch kind {
	case "auto":
		if openXLA != nil {
			b, err := checkedXLA("")
			if !errors.Is(err, errNoPlugin) {
				return b, wrapBackend(config, err)
			}
		}
		return compute.NewWithConfig("go:ops_sequential")
	case "go":
		return compute.NewWithConfig("go:" + cmp.Or(rest, "ops_sequential"))
	case "xla":
		if openXLA == nil {
			return nil, fmt.Errorf("model: backend %q: this binary was built without cgo, it has the Go backend alone (GOMLX_BACKEND=go)", config)
		}
		b, err := checkedXLA(rest)
		return b, wrapBackend(config, err)
	}
	return nil, fmt.Errorf("model: backend %q: want auto, go, xla, xla:cpu or xla:/path/to/plugin.so", config)
}

// checkedXLA looks at the files that openXLA would load before it does.
func checkedXLA(config string) (Backend, error) {
	name, _, _ := strings.Cut(config, ",")
	files := []string{name}
	if !filepath.IsAbs(name) {
		if strings.ContainsRune(name, filepath.Separator) {
			return nil, fmt.Errorf("the path %s is not absolute", name)
		}
		if files = findPlugins(); len(files) == 0 {
			return nil, fmt.Errorf("%w in any of %s; `%s` installs one", errNoPlugin, strings.Join(pluginDirs(), ", "), installPlugin)
		}
	}
	for _, path := range files {
		if err := checkPlugin(path); err != nil {
			return nil, err
		}
	}
	return openXLA(config)
}

func wrapBackend(config string, err error) error {
	if err != nil {
		return fmt.Errorf("model: backend %q: %w", config, err)
	}
	return nil
}

// isXLA tells whether a loop on the device pays: on XLA each call copies its caches.
func isXLA(b Backend) bool { return strings.Contains(strings.ToLower(b.Name()), "xla") }
