package model

import "github.com/satori-go/satori/model/backend"

// These are the names of package backend that a program needs to open a model.
type (
	// A Backend computes, see [backend.Backend].
	Backend = backend.Backend
	// A Tensor is an array of numbers on a device, see [backend.Tensor].
	Tensor = backend.Tensor
)

// OpenBackend opens a backend, as [backend.Open] does: "go", "xla" or "auto", or "" for what
// GOMLX_BACKEND says, or else "auto". A program opens one and keeps it to its end.
func OpenBackend(config string) (Backend, error) { return backend.Open(config) }
