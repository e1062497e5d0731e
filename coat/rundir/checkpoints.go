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

// A Checkpoints is a directory of numbered checkpoints, each a directory of its own:
//
//	00000012/manifest.json   number, sizes and SHA-256 of the files below
//	00000012/...             what the caller wrote
//
// A name that begins with a dot is a checkpoint that is being written or removed. Save
// removes what a crash has left of those. One process may use the directory at a time,
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

// A Checkpoint is a checkpoint whose files are all there, as they were written.
type Checkpoint struct {
	Number  int
	Dir     string  // where its files are
	Skipped []error // newer checkpoints that are not whole, and why
}

// Save makes checkpoint number, whole or not at all: fill writes files and directories
// into a temporary directory, which Save hashes, syncs and renames. Then Save removes the
// oldest checkpoints beyond Keep. If it fails, what was there before is still there.
//
// A whole checkpoint is never written over: a number that is taken is an error.
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
			err = errors.Join(err, os.RemoveAll(tmp))
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
			return fmt.Errorf("the checkpoint exists already and is complete; remove %s, or continue the run from it", final)
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
	if err := errors.Join(c.step("sync"), syncPath(c.Dir)); err != nil {
		return err
	}
	return c.prune()
}

// Newest finds the newest checkpoint that is whole, by verifying it file by file. If
// there is no checkpoint the result's Dir is "". If there are some and none is whole that
// is an error, which a run that began anew would hide.
func (c Checkpoints) Newest() (Checkpoint, error) {
	numbers, err := c.numbers()
	if err != nil {
		return Checkpoint{}, fmt.Errorf("rundir: %w", err)
	}
	var found Checkpoint
	for _, n := range slices.Backward(numbers) {
		dir := filepath.Join(c.Dir, name(n))
		if err := verify(dir, n); err != nil {
			found.Skipped = append(found.Skipped, fmt.Errorf("checkpoint %s is not whole: %w", dir, err))
			continue
		}
		found.Number, found.Dir = n, dir
		return found, nil
	}
	if len(numbers) > 0 {
		return Checkpoint{}, fmt.Errorf("rundir: %s has no checkpoint that is whole: %w", c.Dir, errors.Join(found.Skipped...))
	}
	return Checkpoint{}, nil
}

func name(number int) string { return fmt.Sprintf("%08d", number) }

// numbers lists the checkpoints that are there, the oldest first.
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

// prune removes the oldest checkpoints beyond Keep.
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

// remove renames a checkpoint before it removes the files, so that there is never a part
// of one under its name.
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
