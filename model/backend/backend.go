// Package backend opens what computes: pure Go, or XLA where a plugin is installed.
package backend

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // the pure Go backend
	"github.com/gomlx/gomlx/core/tensors"
)

// The names that this library takes from gomlx, for programs that hold a backend or a tensor.
type (
	// A Backend compiles and runs graphs: pure Go, or XLA.
	Backend = compute.Backend
	// A Tensor is an array of numbers, in memory or on a device.
	Tensor = tensors.Tensor
)

// Floats makes a tensor of float32 from flat data, which it copies. Without dims it is a scalar.
func Floats(data []float32, dims ...int) *Tensor {
	return tensors.FromFlatDataAndDimensions(data, dims...)
}

// Ints makes a tensor of int32 from flat data, which it copies. Without dims it is a scalar.
func Ints(data []int32, dims ...int) *Tensor { return tensors.FromFlatDataAndDimensions(data, dims...) }

// Open opens a backend by its configuration:
//
//	""         the value of GOMLX_BACKEND, or else "auto"
//	"auto"     XLA where a plugin is installed on this machine, or else Go
//	"go"       the pure Go backend
//	"xla"      XLA, with the plugin found on go-xla's search path
//	"xla:NAME" XLA, with the plugin of this name found there, such as cpu or cuda
//	"xla:PATH" XLA, with the plugin at this absolute path
//
// Options of XLA follow a comma. devices=N (as in "xla:cpu,devices=2") is the number of
// devices: the first N GPUs (by default all of them), or N devices that the CPU plugin makes
// up (by default one). A learner trains on all devices; everything else runs on the first.
//
// Open downloads nothing. A plugin that is missing, cut off, no plugin, or of a version that
// does not fit is an error, also for "auto". The error names the file, the versions and the
// command that installs a good one. Open examines every file that go-xla would try, because
// loading one that is cut off kills the process.
//
// The Go backend runs one operation at a time (go:ops_sequential); matrix products still use
// all cores. In its default mode it can deadlock when many products are ready together. On
// Intel processors a build with GOEXPERIMENT=simd needs GODEBUG=cpu.fma=off in the
// environment: without it math.Exp is hundreds of times slower after a simd matrix product.
//
// XLA on a CPU allocates the working memory of each call anew. A program that trains there
// calls allocator.Tune first, of the package model/backend/allocator.
func Open(config string) (b Backend, err error) {
	defer func() { // compute and go-xla panic for some faults
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("backend %q: %v", config, r)
		}
	}()
	config = cmp.Or(config, os.Getenv("GOMLX_BACKEND"), "auto")
	kind, rest, _ := strings.Cut(config, ":")
	switch kind {
	case "auto":
		if haveXLA {
			b, err := checkedXLA("")
			if !errors.Is(err, errNoPlugin) {
				return b, wrap(config, err)
			}
		}
		return compute.NewWithConfig("go:ops_sequential")
	case "go":
		return compute.NewWithConfig("go:" + cmp.Or(rest, "ops_sequential"))
	case "xla":
		if !haveXLA {
			return nil, fmt.Errorf("backend %q: this binary was built without cgo and has the Go backend alone: set GOMLX_BACKEND=go", config)
		}
		b, err := checkedXLA(rest)
		return b, wrap(config, err)
	}
	return nil, fmt.Errorf("backend %q: want auto, go, xla, xla:cpu or xla:/path/to/plugin.so", config)
}

// checkedXLA looks at the files that newXLA would load, before it does.
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
	return newXLA(config)
}

func wrap(config string, err error) error {
	if err != nil {
		return fmt.Errorf("backend %q: %w", config, err)
	}
	return nil
}
