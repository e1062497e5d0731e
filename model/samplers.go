package model

import (
	"github.com/satori-go/satori/model/remote"
	"github.com/satori-go/satori/model/sampler"
)

// These are the names of package sampler.
type (
	// A Sampler completes prompts, see [sampler.Sampler]. An [LM] is one, and so is a [Remote].
	Sampler = sampler.Sampler
	// A Request asks for completions of one prompt, see [sampler.Request].
	Request = sampler.Request
	// A Completion is one answer to a Request, see [sampler.Completion].
	Completion = sampler.Completion
)

// These are the names of package remote.
type (
	// A Remote is a model on a server, see [remote.Remote].
	Remote = remote.Remote
	// A RemoteConfig says where a model is served, see [remote.Config].
	RemoteConfig = remote.Config
)

// NewRemote checks a configuration, as [remote.New] does.
func NewRemote(c RemoteConfig) (*Remote, error) { return remote.New(c) }
