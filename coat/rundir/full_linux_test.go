package rundir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullDisk runs in a mount namespace of its own: a disk of 256 KiB that fills up, and
// one that is read-only. It exits with 2 where there may be no such disk.
func fullDisk(dir string) int {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		fmt.Println("no tmpfs here:", err)
		return 2
	}
	c := Checkpoints{Dir: filepath.Join(dir, "run")}
	path := filepath.Join(dir, "log")
	log, _, err := OpenLog(path, Cursor{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	whole := func(when string, want int) bool {
		found, err := c.Newest()
		if err != nil || found.Number != want || len(found.Skipped) > 0 {
			fmt.Printf("%s: newest %+v, %v, want %d\n", when, found, err, want)
			return false
		}
		return true
	}
	big := func(dir string) error {
		if err := fill(9)(dir); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "big"), make([]byte, 300<<10), 0o644)
	}
	if err := errors.Join(c.Save(1, fill(1)), c.Save(2, fill(2)), log.Append(entry{N: 1})); err != nil {
		fmt.Println(err)
		return 1
	}
	kept := filepath.Join(dir, "kept")
	write := func(text string) error {
		return WriteFile(kept, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
	}
	lines, err := OpenLines(filepath.Join(dir, "lines"))
	if err := errors.Join(err, write("old"), lines.Append(entry{N: 1})); err != nil {
		fmt.Println(err)
		return 1
	}
	before, err := log.Sync()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if err := c.Save(3, big); !errors.Is(err, syscall.ENOSPC) || !whole("full", 2) {
		fmt.Println("a disk that gets full:", err)
		return 1
	}
	// Filled to the last page, even a small checkpoint and a line do not fit.
	stuffing, err := os.Create(filepath.Join(dir, "stuffing"))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for page := make([]byte, 4096); err == nil; {
		_, err = stuffing.Write(page)
	}
	stuffing.Close()
	if err := c.Save(3, fill(3)); !errors.Is(err, syscall.ENOSPC) || !whole("full to the last page", 2) {
		fmt.Println("a disk that is full:", err)
		return 1
	}
	if err := write(strings.Repeat("new", 5000)); !errors.Is(err, syscall.ENOSPC) {
		fmt.Println("a file on a disk that is full:", err)
		return 1
	}
	if text, err := os.ReadFile(kept); err != nil || string(text) != "old" {
		fmt.Printf("after a write that failed the file holds %q, %v\n", text, err)
		return 1
	}
	for err = nil; err == nil; {
		err = lines.Append(entry{Text: string(make([]byte, 1000))})
	}
	if again := lines.Append(entry{}); !errors.Is(err, syscall.ENOSPC) || again == nil {
		fmt.Println("lines on a disk that is full:", err, again)
		return 1
	}
	for err = nil; err == nil; {
		err = log.Append(entry{Text: string(make([]byte, 1000))})
	}
	if _, again := log.Sync(); !errors.Is(err, syscall.ENOSPC) || again == nil {
		fmt.Println("a log on a disk that is full:", err, again)
		return 1
	}
	if l, _, err := OpenLog(path, before); err != nil {
		fmt.Println("the log after that:", err)
		return 1
	} else {
		l.Close()
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		fmt.Println("left behind:", left)
		return 1
	}
	if err := os.Remove(stuffing.Name()); err != nil {
		fmt.Println(err)
		return 1
	}
	if err := c.Save(3, fill(3)); err != nil || !whole("with room again", 3) {
		fmt.Println("room again:", err)
		return 1
	}
	log.Close()
	lines.Close()
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		fmt.Println("cannot be made read-only:", err)
		return 2
	}
	if err := c.Save(4, fill(4)); !errors.Is(err, syscall.EROFS) || !whole("read-only", 3) {
		fmt.Println("read-only:", err)
		return 1
	}
	if _, _, err := OpenLog(path, before); !errors.Is(err, syscall.EROFS) {
		fmt.Println("a log that is read-only:", err)
		return 1
	}
	return 0
}

// A disk that gets full while a checkpoint is saved, or is read-only, gives an error,
// and the older checkpoint opens.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SATORI_FULL_DIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER}
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) || cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 2 {
		t.Skipf("this system gives no disk to fill: %v\n%s", err, out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
