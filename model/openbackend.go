package model

import "github.com/satori-go/satori/model/backend"

// The names of [backend] that a program needs to open a model.
type (
	Backend = backend.Backend
	Tensor  = backend.Tensor
)

// OpenBackend opens a backend, as [backend.Open] does.
func OpenBackend(config string) (Backend, error) { return backend.Open(config) }
