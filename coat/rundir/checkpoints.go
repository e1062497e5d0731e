package rundir

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Checkpoints is a directory of numbered checkpoints, one a directory of its own:
//
//	00000012/manifest.json   number, sizes and SHA-256 of the files below
//	00000012/...             what the caller wrote
//
// Names that begin with a dot are of checkpoints being written or removed; what a
// crash has left of them goes with the next save. One process may use it at a time,
// see [Lock].
type Checkpoints struct {
	Dir  string
	Keep int // how many stay, the newest; 0: 2

	// before is called before each change of the disk that Save makes; tests let it fail.
	before func(change string) error
}

const (
	saving   = ".saving-"
	removing = ".removing-"
)

// A Checkpoint is one that was found whole.
type Checkpoint struct {
	Number int
	Dir    string  // where its files are
	Passed []error // why newer ones were passed over
}

// Save makes checkpoint number, whole or not at all: fill writes files and directories
// into a temporary directory, they are hashed and synced, and it is renamed. Then the
// oldest are removed beyond Keep. Where Save fails, what was there before is there
// still.
//
// A whole checkpoint is never written over: that its number is taken is an error.
func (c Checkpoints) Save(number int, fill func(dir string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("rundir: checkpoint %d of %s: %w", number, c.Dir, err)
		}
	}()
	if number < 0 || c.Keep < 0 {
		return fmt.Errorf("the number is %d, Keep %d, want neither below 0", number, c.Keep)
	}
	if err := makeDir(c.Dir); err != nil {
		return err
	}
	if err := c.sweep(); err != nil {
		return err
	}
	if err := c.step("create"); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(c.Dir, saving)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(tmp)
		}
	}()
	if err := errors.Join(os.Chmod(tmp, 0o755), fill(tmp), c.step("seal")); err != nil {
		return err
	}
	if err := seal(tmp, number); err != nil {
		return err
	}
	final := filepath.Join(c.Dir, name(number))
	if _, missing := os.Lstat(final); missing == nil {
		if verify(final, number) == nil {
			return errors.New("is there already, and whole; remove it, or go on from it")
		}
		if err := c.remove(final); err != nil {
			return err
		}
	}
	if err := c.step("rename"); err != nil {
		return err
	}
	if err := os.Rename(tmp, final); err != nil {
		return err
	}
	if err := errors.Join(c.step("sync"), Sync(c.Dir)); err != nil {
		return err
	}
	return c.prune()
}

// Newest is the newest checkpoint that is whole; it is verified file by file. Without
// any, its Dir is "". Where there are some and none is whole that is an error: a run
// that began anew would hide it.
func (c Checkpoints) Newest() (Checkpoint, error) {
	numbers, err := c.numbers()
	if err != nil {
		return Checkpoint{}, fmt.Errorf("rundir: %w", err)
	}
	var found Checkpoint
	for _, n := range slices.Backward(numbers) {
		dir := filepath.Join(c.Dir, name(n))
		if err := verify(dir, n); err != nil {
			found.Passed = append(found.Passed, fmt.Errorf("checkpoint %s is not whole: %w", dir, err))
			continue
		}
		found.Number, found.Dir = n, dir
		return found, nil
	}
	if len(numbers) > 0 {
		return Checkpoint{}, fmt.Errorf("rundir: %s has no checkpoint that is whole: %w", c.Dir, errors.Join(found.Passed...))
	}
	return Checkpoint{}, nil
}

func name(number int) string { return fmt.Sprintf("%08d", number) }

// numbers are those of the checkpoints that are there, from the oldest on.
func (c Checkpoints) numbers() (list []int, err error) {
	entries, err := os.ReadDir(c.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && e.IsDir() && name(n) == e.Name() {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list, nil
}

// prune removes the oldest.
func (c Checkpoints) prune() error {
	numbers, err := c.numbers()
	if err != nil {
		return err
	}
	for _, n := range numbers[:max(0, len(numbers)-cmp.Or(c.Keep, 2))] {
		if err := c.remove(filepath.Join(c.Dir, name(n))); err != nil {
			return err
		}
	}
	return nil
}

// remove takes a checkpoint's name away before its files, so that none is ever half
// there under its name.
func (c Checkpoints) remove(dir string) error {
	if err := c.step("take away " + filepath.Base(dir)); err != nil {
		return err
	}
	gone := filepath.Join(c.Dir, removing+filepath.Base(dir))
	if err := os.Rename(dir, gone); err != nil {
		return err
	}
	return errors.Join(c.step("remove "+filepath.Base(dir)), os.RemoveAll(gone))
}

// sweep removes what a crash has left.
func (c Checkpoints) sweep() error {
	entries, err := os.ReadDir(c.Dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), saving) || strings.HasPrefix(e.Name(), removing) {
			err = errors.Join(err, c.step("sweep"), os.RemoveAll(filepath.Join(c.Dir, e.Name())))
		}
	}
	return err
}

func (c Checkpoints) step(change string) error {
	if c.before == nil {
		return nil
	}
	return c.before(change)
}
