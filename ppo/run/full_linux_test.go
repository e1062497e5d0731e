package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model"
)

func init() { onFullDisk = trainOnFullDisk }

// trainOnFullDisk runs in a mount namespace of its own: a run on a disk that fills up
// before its third iteration is saved, and goes on when there is room again; and one on
// a disk that is read-only. It exits with 2 where there may be no such disk.
func trainOnFullDisk(dir string) int {
	disk := filepath.Join(dir, "disk")
	if err := errors.Join(os.MkdirAll(disk, 0o755), syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=4m")); err != nil {
		fmt.Println("no tmpfs here:", err)
		return 2
	}
	b, err := model.OpenBackend("go")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	stuffing := filepath.Join(disk, "stuffing")
	// A few pages are left, enough for the journal or a part of the weights.
	for i, left := range []int64{0, 12 << 10, 40 << 10} {
		s := newSmall(filepath.Join(disk, fmt.Sprint(i)), 4)
		if err := s.train(context.Background(), b, 1, 2); err != nil {
			fmt.Println("with room:", err)
			return 1
		}
		if err := stuff(stuffing, left); err != nil {
			fmt.Println(err)
			return 1
		}
		if err := s.train(context.Background(), b, 1, 0); !errors.Is(err, syscall.ENOSPC) {
			fmt.Printf("with %d bytes left: %v\n", left, err)
			return 1
		}
		policy, err := s.policy(b)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		r := s.run(policy, newState(), 1)
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // before the first iteration
		for _, err = range r.Train(ctx, s.starts(newState())) {
		}
		policy.Close()
		if !errors.Is(err, context.Canceled) || r.Resumed.Iteration != 2 {
			fmt.Printf("with %d bytes left, opened again after iteration %d: %v\n", left, r.Resumed.Iteration, err)
			return 1
		}
		if err := os.Remove(stuffing); err != nil {
			fmt.Println(err)
			return 1
		}
		if err := s.train(context.Background(), b, 1, 0); err != nil {
			fmt.Println("with room again:", err)
			return 1
		}
		if err := os.CopyFS(filepath.Join(dir, fmt.Sprint(i)), os.DirFS(s.dir)); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		fmt.Println("cannot be made read-only:", err)
		return 2
	}
	if err := newSmall(filepath.Join(disk, "1"), 4).train(context.Background(), b, 1, 0); !errors.Is(err, syscall.EROFS) {
		fmt.Println("read-only:", err)
		return 1
	}
	return 0
}

// stuff fills a disk but for a few bytes.
func stuff(path string, left int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	size := int64(0)
	for page := make([]byte, 4096); ; size += 4096 {
		if _, err := f.Write(page); err != nil {
			return f.Truncate(max(0, size-left))
		}
	}
}

// A disk that gets full while an iteration is saved gives an error, the checkpoint before
// opens, and with room again the run ends as one that always had it.
func TestFullDisk(t *testing.T) {
	b := goBackend(t)
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SATORI_PPO_FULL="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) || cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 2 {
		t.Skipf("this system gives no disk to fill: %v\n%s", err, out)
	}
	require.NoError(t, err, out)
	whole := newSmall(t.TempDir(), 4)
	require.NoError(t, whole.train(t.Context(), b, 1, 0))
	for i := range 3 {
		if got, want := results(t, filepath.Join(dir, fmt.Sprint(i))), results(t, whole.dir); got != want {
			t.Errorf("run %d:\n%s\nwant\n%s", i, got, want)
		}
	}
}
