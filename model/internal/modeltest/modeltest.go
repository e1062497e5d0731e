// Package modeltest opens backends and reads golden files for the tests of the model packages.
package modeltest

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/satori-go/satori/model/backend"
)

// Backends opens the Go backend always, and XLA where a plugin is installed.
func Backends(t testing.TB) map[string]backend.Backend {
	t.Helper()
	list := map[string]backend.Backend{}
	b, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	list["go"] = b
	if os.Getenv("GOMLX_BACKEND") == "go" {
		return list
	}
	if b, err := backend.Open("xla"); err == nil {
		list["xla"] = b
	} else {
		t.Logf("XLA is not tested: %v", err)
	}
	return list
}

// Each runs a test on the backend that GOMLX_BACKEND names, or on both.
func Each(t *testing.T, test func(t *testing.T, b backend.Backend)) {
	t.Helper()
	list := Backends(t)
	if os.Getenv("GOMLX_BACKEND") == "xla" && list["xla"] != nil {
		delete(list, "go")
	}
	for name, b := range list {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

// ReadJSON decodes a golden file.
func ReadJSON(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}
