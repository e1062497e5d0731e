//go:build cgo && ((linux && (amd64 || arm64)) || (darwin && arm64))

package model

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

func init() { openXLA = newXLA }

// minPJRT is the oldest PJRT API (0.minPJRT) that go-xla v0.4.5 was seen to work with;
// minor versions only add to it.
const minPJRT = 81

func newXLA(config string) (Backend, error) {
	xla.EnableAutoInstall(false)
	name, _, _ := strings.Cut(config, ",")
	plugin := name
	if !filepath.IsAbs(name) {
		// Those that can be loaded, the preferred one first.
		found := xla.GetAvailablePlugins()
		at := slices.IndexFunc(found, func(f string) bool { return name == "" || f == name || strings.HasPrefix(f, name+"_v") })
		switch {
		case len(found) == 0:
			return nil, fmt.Errorf("%w that this machine can run; `%s` installs one", errNoPlugin, installPlugin)
		case at < 0:
			return nil, fmt.Errorf("there is no XLA plugin %q, only %s; `%s` installs cpu", name, strings.Join(found, ", "), installPlugin)
		}
		plugin = found[at]
	}
	p, err := pjrt.GetPlugin(plugin)
	if err != nil {
		return nil, pluginError(plugin, "%w", err)
	}
	if major, minor := p.Version(); major != 0 || minor < minPJRT {
		return nil, pluginError(p.Path(), "it has PJRT API %d.%d, want 0.%d or newer", major, minor, minPJRT)
	}
	b, err := xla.New(config)
	if err != nil {
		return nil, pluginError(p.Path(), "%w", err) // nil, not b: it is a typed nil pointer
	}
	return b, nil
}
