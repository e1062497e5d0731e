package rundir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fill writes two files that tell the number.
func fill(n int) func(string) error {
	return func(dir string) error {
		if err := os.Mkdir(filepath.Join(dir, "policy"), 0o755); err != nil {
			return err
		}
		return errors.Join(
			os.WriteFile(filepath.Join(dir, "state"), fmt.Append(nil, n), 0o644),
			os.WriteFile(filepath.Join(dir, "policy", "weights"), []byte(strings.Repeat(fmt.Sprint(n, " "), 1000)), 0o644),
		)
	}
}

func save(t *testing.T, c Checkpoints, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		if err := c.Save(n, fill(n)); err != nil {
			t.Fatal(err)
		}
	}
}

// newest is the number of the newest, whose files have to be those of that number.
func newest(t *testing.T, c Checkpoints) Checkpoint {
	t.Helper()
	found, err := c.Newest()
	if err != nil {
		t.Fatal(err)
	}
	if state, err := os.ReadFile(filepath.Join(found.Dir, "state")); err != nil || string(state) != fmt.Sprint(found.Number) {
		t.Fatalf("checkpoint %d holds %q, %v", found.Number, state, err)
	}
	return found
}

func TestCheckpoints(t *testing.T) {
	c := Checkpoints{Dir: filepath.Join(t.TempDir(), "a", "b")}
	if found, err := c.Newest(); err != nil || found.Dir != "" {
		t.Fatalf("%+v, %v, want none", found, err)
	}
	save(t, c, 0, 1, 2, 10)
	if found := newest(t, c); found.Number != 10 || found.Skipped != nil {
		t.Errorf("%+v", found)
	}
	if names := list(t, c.Dir); names != "00000002 00000010" {
		t.Errorf("of 4 stay %s, want 2 by default", names)
	}
	if err := c.Save(10, fill(11)); err == nil || !strings.Contains(err.Error(), "the checkpoint exists already and is complete; remove ") {
		t.Errorf("written over: %v", err)
	}
	newest(t, c)
	if err := c.Save(-1, fill(1)); err == nil {
		t.Error("a number below 0")
	}
	c.Keep = 1
	save(t, c, 11)
	if names := list(t, c.Dir); names != "00000011" {
		t.Errorf("stay %s, want 1", names)
	}
}

func list(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// One that is not whole is passed over with the reason, and can be saved again; where
// none is whole nothing is opened.
func TestTornCheckpoint(t *testing.T) {
	for what, harm := range map[string]struct {
		harm func(dir string) error
		says string
	}{
		"shorter":  {func(dir string) error { return os.Truncate(filepath.Join(dir, "policy", "weights"), 1000) }, "policy/weights has 1000 bytes, want 2000"},
		"a bit":    {func(dir string) error { return flip(filepath.Join(dir, "policy", "weights")) }, "policy/weights has other bytes"},
		"missing":  {func(dir string) error { return os.Remove(filepath.Join(dir, "state")) }, "no such file"},
		"no list":  {func(dir string) error { return os.Remove(filepath.Join(dir, manifestFile)) }, "manifest.json"},
		"list":     {func(dir string) error { return os.Truncate(filepath.Join(dir, manifestFile), 20) }, "manifest.json"},
		"number":   {func(dir string) error { return replace(filepath.Join(dir, manifestFile), `"number": 2`, `"number": 1`) }, "is of checkpoint 1"},
		"outside":  {func(dir string) error { return replace(filepath.Join(dir, manifestFile), `"state"`, `"../state"`) }, "which is not in it"},
		"no files": {func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)) }, "manifest.json"},
	} {
		t.Run(what, func(t *testing.T) {
			c := Checkpoints{Dir: t.TempDir()}
			save(t, c, 1, 2)
			if err := harm.harm(filepath.Join(c.Dir, name(2))); err != nil {
				t.Fatal(err)
			}
			found := newest(t, c)
			if found.Number != 1 || len(found.Skipped) != 1 || !strings.Contains(found.Skipped[0].Error(), harm.says) {
				t.Fatalf("%+v, want 1 and: %s", found, harm.says)
			}
			save(t, c, 2)
			if found := newest(t, c); found.Number != 2 || found.Skipped != nil {
				t.Fatalf("%+v, want 2", found)
			}
			for _, n := range []int{1, 2} {
				if err := harm.harm(filepath.Join(c.Dir, name(n))); err != nil && !strings.Contains(err.Error(), "nothing to replace") {
					t.Fatal(err)
				}
			}
			if what == "number" {
				return // the first one still says 1
			}
			if found, err := c.Newest(); err == nil {
				t.Errorf("all are harmed and %+v is found", found)
			}
		})
	}
}

func flip(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(path, data, 0o644)
}

func replace(path, old, new string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !strings.Contains(string(data), old) {
		return errors.New("nothing to replace")
	}
	return os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o644)
}

// At every change of the disk that saving makes, the directory is copied as a crash
// would leave it, and the change fails: both times the newest is the old or the new one,
// and the next save works.
func TestEveryMoment(t *testing.T) {
	for at := 0; ; at++ {
		base := t.TempDir()
		c := Checkpoints{Dir: filepath.Join(base, "run"), Keep: 1}
		save(t, c, 1)
		// The next one is torn and in the way, and there is a rest of a crash.
		save(t, Checkpoints{Dir: c.Dir, Keep: 5}, 2)
		if err := errors.Join(flip(filepath.Join(c.Dir, name(2), "state")), os.Mkdir(filepath.Join(c.Dir, saving+"1"), 0o755)); err != nil {
			t.Fatal(err)
		}
		crash := filepath.Join(base, "crash")
		step, change := 0, ""
		full := errors.New("no space")
		c.before = func(what string) error {
			if step++; step-1 != at {
				return nil
			}
			change = what
			return errors.Join(full, os.CopyFS(crash, os.DirFS(c.Dir)))
		}
		err := c.Save(2, fill(2))
		if change == "" {
			if err != nil || at < 8 {
				t.Fatalf("after %d changes: %v", at, err)
			}
			return
		}
		if !errors.Is(err, full) {
			t.Fatalf("%s fails: %v", change, err)
		}
		for _, dir := range []string{c.Dir, crash} {
			left := Checkpoints{Dir: dir, Keep: 1}
			before := newest(t, left)
			if before.Number != 1 && before.Number != 2 || before.Number == 1 && len(before.Skipped) > 1 {
				t.Errorf("%s: %+v", change, before)
			}
			save(t, left, 3)
			if names := list(t, dir); names != name(3) {
				t.Errorf("%s: %s stay", change, names)
			}
		}
	}
}

func TestUnusable(t *testing.T) {
	c := Checkpoints{Dir: t.TempDir()}
	save(t, c, 1)
	for what, fill := range map[string]func(string) error{
		"an error":         func(string) error { return errors.New("an error") },
		"the name":         func(dir string) error { return os.WriteFile(filepath.Join(dir, manifestFile), nil, 0o644) },
		"not a plain file": func(dir string) error { return os.Symlink("nowhere", filepath.Join(dir, "link")) },
	} {
		if err := c.Save(2, fill); err == nil || !strings.Contains(err.Error(), what) && what != "the name" {
			t.Errorf("%s: %v", what, err)
		}
		if names := list(t, c.Dir); names != name(1) {
			t.Errorf("%s leaves %s", what, names)
		}
	}
	newest(t, c)
}
