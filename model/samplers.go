package model

import (
	"github.com/satori-go/satori/model/remote"
	"github.com/satori-go/satori/model/sampler"
)

// What is asked of a model and what it answers. An [LM] is a Sampler, and so is a [Remote].
type (
	Sampler    = sampler.Sampler
	Request    = sampler.Request
	Completion = sampler.Completion
)

// Models on a server, see package remote.
type (
	Remote       = remote.Remote
	RemoteConfig = remote.Config
)

// NewRemote checks a configuration, as [remote.New] does.
func NewRemote(c RemoteConfig) (*Remote, error) { return remote.New(c) }
