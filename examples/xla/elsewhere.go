//go:build !(linux && amd64)

package main

import "github.com/gomlx/go-xla/installer"

func init() {
	elsewhere = func(dir string) error { return installer.CPUAutoInstall(dir, true, installer.Normal) }
}
