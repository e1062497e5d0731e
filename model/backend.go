package model

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // the pure Go backend
)

// errNoPlugin tells that this machine has no XLA plugin: "auto" then means Go.
var errNoPlugin = errors.New("no XLA plugin is installed; see the README for the line that installs one")

// openXLA is set by xla.go in builds with cgo.
var openXLA func(config string) (Backend, error)

// OpenBackend opens a backend by name:
//
//	""         the value of GOMLX_BACKEND, or else "auto"
//	"auto"     XLA where a plugin is installed on this machine, or else Go
//	"go"       the pure Go backend
//	"xla"      XLA, with the plugin found on go-xla's search path
//	"xla:PATH" XLA, with the plugin at this absolute path
//
// Options of XLA follow a comma; devices=N (as in "xla:cpu,devices=2") is how many devices
// the backend has: the first N GPUs, all of them by default, or N that the CPU plugin makes
// up, one by default. A [Learner] trains on all of them; everything else runs on the first.
//
// Nothing is ever downloaded. The Go backend is opened with one operation at a time
// (go:ops_sequential; matrix products still use all cores): in its default mode it
// can deadlock when many products are ready together. On Intel processors a build
// with GOEXPERIMENT=simd wants GODEBUG=cpu.fma=off in the environment: without it
// math.Exp becomes hundreds of times slower behind a simd matrix product.
func OpenBackend(name string) (b Backend, err error) {
	defer func() { // compute panics for a name that it does not know
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("model: backend %q: %v", name, r)
		}
	}()
	name = cmp.Or(name, os.Getenv("GOMLX_BACKEND"), "auto")
	kind, config, _ := strings.Cut(name, ":")
	switch kind {
	case "auto":
		if openXLA != nil {
			b, err := openXLA("")
			if !errors.Is(err, errNoPlugin) {
				return b, wrapBackend(name, err)
			}
		}
		return compute.NewWithConfig("go:ops_sequential")
	case "go":
		return compute.NewWithConfig("go:" + cmp.Or(config, "ops_sequential"))
	case "xla":
		if openXLA == nil {
			return nil, fmt.Errorf("model: backend %q: this binary was built without cgo", name)
		}
		b, err := openXLA(config)
		return b, wrapBackend(name, err)
	}
	return nil, fmt.Errorf("model: backend %q: want auto, go, xla or xla:/path/to/plugin.so", name)
}

func wrapBackend(name string, err error) error {
	if err != nil {
		return fmt.Errorf("model: backend %q: %w", name, err)
	}
	return nil
}

// isXLA tells whether a loop on the device pays: on XLA each call copies its caches.
func isXLA(b Backend) bool { return strings.Contains(strings.ToLower(b.Name()), "xla") }
