//go:build cgo && darwin && arm64

package model

func keepMemory() {}
