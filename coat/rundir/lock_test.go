package rundir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The program that holds a lock until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SATORI_LOCK_DIR"); dir != "" {
		if _, err := Acquire(dir); err != nil {
			os.Exit(3)
		}
		fmt.Println("locked")
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	if dir := os.Getenv("SATORI_FULL_DIR"); dir != "" {
		os.Exit(fullDisk(dir))
	}
	os.Exit(m.Run())
}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	h, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	if err := h.Release(); err != nil {
		t.Fatal(err)
	}
	if h, err = Acquire(dir); err != nil {
		t.Fatal(err)
	}
	if err := h.Release(); err != nil {
		t.Error(err)
	}
	if _, err := Acquire(filepath.Join(dir, lockFile)); err == nil || errors.Is(err, ErrLocked) {
		t.Errorf("a file in the directory's place: %v", err)
	}
}

// A lock dies with its holder.
func TestLockDies(t *testing.T) {
	dir := t.TempDir()
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), "SATORI_LOCK_DIR="+dir)
	holder.Stdin, _ = io.Pipe() // never ends
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := Acquire(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("taken while another process holds it: %v", err)
	}
	holder.Process.Kill()
	if _, err := holder.Process.Wait(); err != nil {
		t.Error(err)
	}
	h, err := Acquire(dir)
	if err != nil {
		t.Fatalf("after its holder was killed: %v", err)
	}
	if err := h.Release(); err != nil {
		t.Error(err)
	}
}
