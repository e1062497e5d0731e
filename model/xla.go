//go:build cgo && ((linux && (amd64 || arm64)) || (darwin && arm64))

package model

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

func init() { openXLA = newXLA }

// minPJRT is the oldest PJRT API (0.minPJRT) that go-xla v0.4.5 was seen to work with.
const minPJRT = 81

func newXLA(config string) (Backend, error) {
	xla.EnableAutoInstall(false)
	name, _, _ := strings.Cut(config, ",")
	if name == "" && len(pjrt.AvailablePlugins()) == 0 {
		return nil, errNoPlugin
	}
	if filepath.IsAbs(name) {
		p, err := pjrt.GetPlugin(name)
		if err != nil {
			return nil, err
		}
		if major, minor := p.Version(); major != 0 || minor < minPJRT {
			return nil, fmt.Errorf("%s has PJRT API %d.%d, want 0.%d or newer", name, major, minor, minPJRT)
		}
	}
	b, err := xla.New(config)
	if err != nil {
		return nil, err // not b: it is a typed nil pointer
	}
	return b, nil
}
