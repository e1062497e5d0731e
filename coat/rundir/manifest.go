package rundir

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const manifestFile = "manifest.json"

// A manifest lists what a checkpoint holds.
type manifest struct {
	Number int             `json:"number"`
	Files  map[string]file `json:"files"` // by their paths, with slashes
}

type file struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// seal syncs what is in a directory and writes its manifest.
func seal(dir string, number int) error {
	m := manifest{Number: number, Files: map[string]file{}}
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			dirs = append(dirs, path)
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is not a plain file", path)
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if rel == manifestFile {
			return fmt.Errorf("%s is the name of the list of files; take another", path)
		}
		if err := syncPath(path); err != nil {
			return err
		}
		m.Files[filepath.ToSlash(rel)], err = digest(path)
		return err
	})
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(dir, manifestFile), append(data, '\n')); err != nil {
		return err
	}
	for _, d := range slices.Backward(dirs) { // a directory after those in it
		if err := syncPath(d); err != nil {
			return err
		}
	}
	return nil
}

// verify compares a directory to its manifest. It skips files that the manifest does not
// name.
func verify(dir string, number int) error {
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("%s: %w", manifestFile, err)
	}
	if m.Number != number {
		return fmt.Errorf("%s is of checkpoint %d", manifestFile, m.Number)
	}
	var faults []error
	for path, want := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(path)) {
			faults = append(faults, fmt.Errorf("%s names %q, which is not in it", manifestFile, path))
			continue
		}
		have, err := digest(filepath.Join(dir, filepath.FromSlash(path)))
		switch {
		case err != nil:
			faults = append(faults, err)
		case have.Bytes != want.Bytes:
			faults = append(faults, fmt.Errorf("%s has %d bytes, want %d", path, have.Bytes, want.Bytes))
		case have != want:
			faults = append(faults, fmt.Errorf("%s has other bytes than were written", path))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// digest computes size and hash of a file.
func digest(path string) (d file, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, err
	}
	defer f.Close()
	h := sha256.New()
	d.Bytes, err = io.Copy(h, f)
	d.SHA256 = hex.EncodeToString(h.Sum(nil))
	return d, err
}

func writeSynced(path string, data []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
