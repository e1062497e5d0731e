package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/synth"
)

// A Manifest is manifest.json. All but its sessions decides what the results are, and
// has to be the same each time.
type Manifest struct {
	Layout    int                   `json:"layout"` // of the files; 1
	Seed      uint64                `json:"seed"`
	Solutions int                   `json:"solutions"`
	Keep      int                   `json:"keep"`
	Rounds    int                   `json:"rounds"`
	Top       int                   `json:"top"`
	Actions   coat.Actions          `json:"actions"`
	Share     map[coat.Kind]float64 `json:"share,omitempty"`
	Models    map[string]string     `json:"models,omitempty"`  // by role
	Prompts   map[string]string     `json:"prompts,omitempty"` // hashes by name
	Sampling  map[string]float64    `json:"sampling,omitempty"`
	Reading   map[string]string     `json:"reading,omitempty"`
	Sessions  []Session             `json:"sessions"`
}

// A Session is one time that the program ran.
type Session struct {
	Began    time.Time         `json:"began"`
	Software map[string]string `json:"software"` // versions
}

// A MismatchError is a directory that was begun with something else.
type MismatchError struct {
	File, Field string
	Was, Is     any
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s: %s was %v when the run began and is %v now; take another directory, or go back to what it was", e.File, e.Field, e.Was, e.Is)
}

// ReadManifest reads the manifest of a directory.
func ReadManifest(dir string) (m Manifest, err error) {
	path := filepath.Join(dir, "manifest.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// begin writes the manifest, or compares it with the one that is there and adds a
// session to it.
func (r *Run) begin(c synth.Config) error {
	now := Manifest{
		Layout: 1, Seed: c.Seed, Solutions: c.Solutions, Keep: c.Keep, Rounds: c.Rounds, Top: c.Top, Actions: c.Actions, Share: c.Share,
		Models: r.config.Models, Prompts: r.config.Prompts, Sampling: r.config.Sampling, Reading: r.config.Reading,
	}
	before, err := ReadManifest(r.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := same(before, now, filepath.Join(r.dir, "manifest.json")); err != nil {
			return err
		}
		now.Sessions = before.Sessions
	}
	now.Sessions = append(now.Sessions, Session{Began: time.Now().UTC().Truncate(time.Second), Software: software()})
	data, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(r.dir, "manifest.tmp")
	if err := os.WriteFile(tmp, append(data, '\n'), 0o644); err != nil {
		return err
	}
	if err := rundir.Sync(tmp); err != nil { // or a loss of power may leave an empty one under its name
		return err
	}
	if err := os.Rename(tmp, filepath.Join(r.dir, "manifest.json")); err != nil {
		return err
	}
	return rundir.Sync(r.dir)
}

// same compares field by field.
func same(was, is Manifest, file string) error {
	was.Sessions, is.Sessions = nil, nil
	a, b := reflect.ValueOf(was), reflect.ValueOf(is)
	for i := range a.NumField() {
		x, y := a.Field(i), b.Field(i)
		empty := (x.Kind() == reflect.Map || x.Kind() == reflect.Slice) && x.Len()+y.Len() == 0
		if !empty && !reflect.DeepEqual(x.Interface(), y.Interface()) {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			return &MismatchError{file, name, x.Interface(), y.Interface()}
		}
	}
	return nil
}

// software are the versions of Go, of this module and of those it asks models with.
func software() map[string]string {
	versions := map[string]string{"go": runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	for _, m := range append(info.Deps, &info.Main) {
		switch m.Path {
		case "github.com/satori-go/satori", "github.com/openai/openai-go/v3":
			versions[m.Path] = m.Version
		}
	}
	return versions
}
