//go:build !(cgo && ((linux && (amd64 || arm64)) || (darwin && arm64)))

package backend

import "errors"

const haveXLA = false

func newXLA(string) (Backend, error) { return nil, errors.New("this binary was built without XLA") }
