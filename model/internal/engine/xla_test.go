//go:build cgo && ((linux && (amd64 || arm64)) || (darwin && arm64))

package engine

import "github.com/gomlx/go-xla/pjrt"

func init() { buffersAlive = pjrt.BuffersAlive }
