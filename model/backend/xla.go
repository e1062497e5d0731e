//go:build cgo && ((linux && (amd64 || arm64)) || (darwin && arm64))

package backend

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"

	"github.com/satori-go/satori/model/internal/malloc"
)

const haveXLA = true

// minPJRT is the oldest PJRT API (0.minPJRT) that go-xla v0.4.5 was seen to work with;
// minor versions only add to it.
const minPJRT = 81

func newXLA(config string) (Backend, error) {
	xla.EnableAutoInstall(false)
	asked := strings.Contains(config, "devices=")
	config, options, err := deviceOptions(config)
	if err != nil {
		return nil, err
	}
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
	b, err := xla.NewWithOptions(config, options)
	if err != nil && !asked { // a plugin that does not know the option
		b, err = xla.NewWithOptions(config, nil)
	}
	if err != nil {
		return nil, pluginError(p.Path(), "%w", err) // nil, not b: it is a typed nil pointer
	}
	return b, nil
}

// deviceOptions takes devices=N out of a configuration and says it to the plugin. The CPU
// plugin makes as many devices as it is asked for, four if it is not; so it is asked for one,
// and to run a call in the thread that makes it: handing it to another one is half the time
// of a decoding step of a small model. Several devices have to run at once.
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
		n = cmp.Or(n, 1)
		options = pjrt.NamedValuesMap{"cpu_device_count": int64(n), "asynchronous": n > 1}
		malloc.UseCPU()
	} else if n > 0 {
		var visible []string
		for i := range n {
			visible = append(visible, strconv.Itoa(i))
		}
		rest += ",visible_devices=" + strings.Join(visible, ";")
	}
	return rest, options, nil
}
