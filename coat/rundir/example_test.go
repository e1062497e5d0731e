package rundir_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/coat/rundir"
)

// Work that is interrupted after its log and before its checkpoint continues from the
// checkpoint, and nothing stands in the log twice.
func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for _, broken := range []int{3, 0} {
		if err := work(dir, broken); err != nil {
			fmt.Println(err)
		}
	}
	for line, err := range rundir.ReadLog[result](filepath.Join(dir, "log")) {
		fmt.Println(line.Square, err)
	}
	// Output:
	// begins at 0, 0 lines cut
	// broken off at 3
	// begins at 2, 1 lines cut
	// 1 <nil>
	// 4 <nil>
	// 9 <nil>
	// 16 <nil>
}

type result struct {
	Square int `json:"square"`
}

// work does steps 1 to 4, or those that are left of them.
func work(dir string, broken int) error {
	lock, err := rundir.Acquire(dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	checkpoints := rundir.Checkpoints{Dir: filepath.Join(dir, "checkpoints")}
	last, err := checkpoints.Newest()
	if err != nil {
		return err
	}
	var at rundir.Cursor
	if last.Dir != "" {
		data, err := os.ReadFile(filepath.Join(last.Dir, "log.json"))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &at); err != nil {
			return err
		}
	}
	log, cut, err := rundir.OpenLog(filepath.Join(dir, "log"), at)
	if err != nil {
		return err
	}
	defer log.Close()
	fmt.Printf("begins at %d, %d lines cut\n", last.Number, cut.Lines)
	for n := last.Number + 1; n <= 4; n++ {
		if err := log.Append(result{n * n}); err != nil {
			return err
		}
		if n == broken {
			return fmt.Errorf("broken off at %d", n)
		}
		end, err := log.Sync()
		if err != nil {
			return err
		}
		if err := checkpoints.Save(n, func(dir string) error {
			data, err := json.Marshal(end)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "log.json"), data, 0o644)
		}); err != nil {
			return err
		}
	}
	return nil
}
