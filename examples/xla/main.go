// Xla installs the XLA plugin for CPUs. With it the library runs several times faster than on
// the pure Go backend.
//
//	go run ./examples/xla
//
// On Linux x86-64 the program downloads one package from PyPI with pip, checks its pinned hash,
// and writes the plugin to the directory in which go-xla looks for it. It installs nothing else
// of the package. On other systems it calls the installer of go-xla, which downloads a release
// file of that project; this is untested. No other program of this library downloads anything.
package main

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"

	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model"
)

// The plugin is built from the XLA of jaxlib 0.11.2 (Apache-2.0).
const (
	requirement = "lammps-jax-pjrt-cpu==0.11.2 --hash=sha256:1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1"
	member      = "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so"
	memberHash  = "ad1309ac822b1b24d51b7f9947c7c9fa9ef5d67f390584cbc3d1fa2428fed9c2"
)

// elsewhere installs the plugin on systems that the package does not support; nil on others.
var elsewhere func(dir string) error

func main() {
	home, _ := os.UserHomeDir()
	dir := flag.String("dir", filepath.Join(home, ".local", "lib", "go-xla"), "install into this `directory`; go-xla looks in the default one")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Usage: xla [flags]\n\nInstalls the XLA plugin.\n\nFlags:")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := install(ctx, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "xla:", err)
		os.Exit(1)
	}
}

func install(ctx context.Context, dir string) error {
	target := filepath.Join(dir, filepath.Base(member))
	if hash, err := fileHash(target); err == nil && hash == memberHash {
		fmt.Println(target, "is already installed")
		return check(target)
	}
	if elsewhere != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := elsewhere(dir); err != nil {
			return fmt.Errorf("the installer of go-xla gave no plugin for %s/%s: %w; use the pure Go backend (GOMLX_BACKEND=go)",
				runtime.GOOS, runtime.GOARCH, err)
		}
		return check("cpu")
	}
	tmp, err := os.MkdirTemp("", "xla")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	list := filepath.Join(tmp, "requirements.txt")
	if err := os.WriteFile(list, []byte(requirement+"\n"), 0o644); err != nil {
		return err
	}
	// --no-deps: the package asks for jax, which the plugin does not need.
	pip := exec.CommandContext(ctx, "python3", "-m", "pip", "download", "-q",
		"--no-deps", "--require-hashes", "--only-binary=:all:", "-d", tmp, "-r", list)
	pip.Stdout, pip.Stderr = os.Stderr, os.Stderr
	if err := pip.Run(); err != nil {
		return fmt.Errorf("pip could not download %s: %w", requirement, err)
	}
	wheels, err := filepath.Glob(filepath.Join(tmp, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return fmt.Errorf("pip left %d wheels in %s, want 1 (%v)", len(wheels), tmp, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := extract(wheels[0], target); err != nil {
		return err
	}
	fmt.Println("installed", target)
	return check(target)
}

// extract takes the plugin out of the wheel. It writes the whole file or none: a truncated
// library would kill every process that loads it.
func extract(wheel, target string) (err error) {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer z.Close()
	in, err := z.Open(member)
	if err != nil {
		return fmt.Errorf("%s: %w", wheel, err)
	}
	defer in.Close()
	return rundir.WriteFile(target, func(w io.Writer) error {
		h := sha256.New()
		if _, err := io.Copy(io.MultiWriter(w, h), in); err != nil {
			return err
		}
		if hash := hex.EncodeToString(h.Sum(nil)); hash != memberHash {
			return fmt.Errorf("%s in %s has hash %s, want %s", member, wheel, hash, memberHash)
		}
		return nil
	})
}

func fileHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// check opens the plugin and prints the description that programs of this library print.
func check(target string) error {
	b, err := model.OpenBackend("xla:" + target)
	if err != nil {
		return err
	}
	defer b.Finalize()
	fmt.Println("it works:", b.Description())
	return nil
}
