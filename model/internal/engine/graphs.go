package engine

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/internal/device"
)

// graphs holds the compiled graphs of a run. They depend on shapes and filters alone.
type graphs struct {
	// prefill reads the first part of prompts.
	//
	//	weights; tokens [prompts, seq] int32; count [prompts] int32 → cache of these prompts
	prefill *device.Exec
	// insert puts them into free rows of a cache.
	//
	//	source [batch] int32; taken [batch]; what prefill returned; cache → cache
	insert *device.Exec
	// extend reads further parts of prompts.
	//
	//	weights; tokens [parts, seq] int32; start, count, row [parts] int32; cache → cache
	extend *device.Exec
	// decode samples tokens, see decodeGraph.
	decode *device.Exec
}

func (e *Engine) graphs(f filters) graphs {
	c, axes := e.net.Config, e.net.Config.PositionAxes(e.net.Backend())
	return graphs{
		prefill: e.graph("prefill", func(in []*Node) []*Node {
			d, in := c.Bind(in)
			return d.Prefill(in[0], in[1])
		}),
		insert: e.graph("insert", func(in []*Node) []*Node {
			n := len(in[2:]) / 2
			return insertPrompts(in[0], in[1], in[2:2+n], in[2+n:], axes)
		}),
		extend: e.graph("prefill in chunks", func(in []*Node) []*Node {
			d, in := c.Bind(in)
			return d.Extend(in[0], in[1], in[2], in[3], in[4:])
		}),
		decode: e.graph(fmt.Sprintf("decode %+v", f), decodeGraph(c, e.window, f)),
	}
}

// growGraph gives a cache so many positions.
//
//	cache → cache of length positions
func (e *Engine) growGraph(length int) *device.Exec {
	axes := e.net.Config.PositionAxes(e.net.Backend())
	return e.graph(fmt.Sprint("grow to ", length), func(cache []*Node) []*Node { return grow(cache, length, axes) })
}

// gatherGraph takes rows out of a cache of batch rows.
//
//	rows [n] int32; cache → cache of n rows
func (e *Engine) gatherGraph(batch int) *device.Exec {
	return e.graph(fmt.Sprint("gather rows of ", batch), func(in []*Node) []*Node {
		return gatherRows(in[0], batch, in[1:])
	})
}
