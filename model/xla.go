//go:build cgo && ((linux && (amd64 || arm64)) || (darwin && arm64))

package model

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

func init() { openXLA = newXLA }

// minPJRT is the oldest PJRT API (0.minPJRT) that go-xla v0.4.5 was seen to work with.
const minPJRT = 81

func newXLA(config string) (Backend, error) {
	xla.EnableAutoInstall(false)
	config, options, err := deviceOptions(config)
	if err != nil {
		return nil, err
	}
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
	b, err := xla.NewWithOptions(config, options)
	if err != nil {
		return nil, err // not b: it is a typed nil pointer
	}
	return b, nil
}

// deviceOptions takes devices=N out of a configuration and says it to the plugin. The CPU
// plugin makes as many devices as it is asked for, four if it is not; so it is asked for one.
func deviceOptions(config string) (rest string, options pjrt.NamedValuesMap, err error) {
	name, n := "", 0
	var parts []string
	for i, part := range strings.Split(config, ",") {
		value, ok := strings.CutPrefix(part, "devices=")
		if !ok && i == 0 {
			name = part
		} else if !ok {
			parts = append(parts, part)
		} else if n, err = strconv.Atoi(value); err != nil || n < 1 {
			return "", nil, fmt.Errorf("devices=%s: want a positive number", value)
		}
	}
	rest = strings.Join(append([]string{name}, parts...), ",")
	if names := xla.GetAvailablePlugins(); name == "" && len(names) > 0 {
		name = names[0]
	}
	if strings.Contains(filepath.Base(name), "cpu") {
		options = pjrt.NamedValuesMap{"cpu_device_count": int64(cmp.Or(n, 1))}
	} else if n > 0 {
		var visible []string
		for i := range n {
			visible = append(visible, strconv.Itoa(i))
		}
		rest += ",visible_devices=" + strings.Join(visible, ";")
	}
	return rest, options, nil
}
