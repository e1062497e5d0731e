package device

import (
	"fmt"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

// A Cache keeps compiled graphs by what they were made from. The zero value is empty.
//
// Compiling a graph takes seconds on XLA, and a pipeline makes many networks of one
// configuration: clones, critics, checkpoints read back. What is compiled depends on the
// backend, the configuration and the function alone, so networks share it.
type Cache struct{ list sync.Map } // of cacheKey → *Exec

// Shared holds the graphs that depend on a configuration alone and on no function of the
// caller's. They stay for the life of the process, as its backend does.
var Shared Cache

type cacheKey struct {
	backend  any
	of, name string
}

// Get returns a graph, and makes it on the first use.
//
// The graph must be a function of the values of of alone, which %+v prints: a type with a
// pointer in it needs a method String that writes what the pointer points to. Within one
// cache a name means one function of these values.
func (c *Cache) Get(b compute.Backend, of any, name string, build func(in []*graph.Node) []*graph.Node) *Exec {
	return c.GetFunc(b, of, name, func() *Exec { return New(b, name, build) })
}

// GetFunc returns a graph as [Cache.Get] does, and has make set it up on the first use.
func (c *Cache) GetFunc(b compute.Backend, of any, name string, make func() *Exec) *Exec {
	key := cacheKey{b, fmt.Sprintf("%+v", of), name}
	if e, ok := c.list.Load(key); ok {
		return e.(*Exec)
	}
	e, _ := c.list.LoadOrStore(key, make())
	return e.(*Exec)
}
