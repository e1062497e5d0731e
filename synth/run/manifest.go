package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/synth"
)

// A Manifest is the content of manifest.json. Everything but its sessions decides what the
// results are, and has to be the same in each session.
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

// A Session is one run of the program.
type Session struct {
	Began    time.Time         `json:"began"`
	Software map[string]string `json:"software"` // versions
}

// ReadManifest reads the manifest of a directory.
func ReadManifest(dir string) (m Manifest, err error) {
	path := filepath.Join(dir, manifestFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// begin writes the manifest, or compares it to the one that is there and adds a session.
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
		sessions := before.Sessions
		before.Sessions = nil
		if err := rundir.CheckSettings(r.path(manifestFile), before, now); err != nil {
			return err
		}
		now.Sessions = sessions
	}
	now.Sessions = append(now.Sessions, Session{Began: time.Now().UTC().Truncate(time.Second), Software: software()})
	return rundir.WriteFile(r.path(manifestFile), func(w io.Writer) error {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(now)
	})
}

// software lists the versions of Go, of this module and of those it asks models with.
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
