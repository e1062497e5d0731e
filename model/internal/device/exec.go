// Package device runs compiled graphs, keeps them for reuse, and moves data to and from a device.
//
// It is the one place where the packages of the model meet the calls of gomlx that compile,
// run and free. It knows no model, no file and no backend in particular.
//
// # Memory
//
// On XLA the memory of a tensor is invisible to Go's garbage collector. So each tensor has one
// owner, who frees it: the outputs of [Exec.Call] belong to the caller, and [Free] or [Take]
// ends them.
//
// # Errors
//
// gomlx panics while it builds a graph, and where a device has failed or has no memory left.
// [Exec.Call] and [Guard] turn such a panic into an error.
package device

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// An Exec compiles a graph function once for each set of input shapes and runs it.
// It is safe for concurrent use.
type Exec struct {
	e       *graph.Exec
	backend compute.Backend
}

// New makes an Exec of a graph function. Nothing is compiled before the first call.
// The name stands in the errors.
func New(b compute.Backend, name string, build func(in []*graph.Node) []*graph.Node) *Exec {
	e := graph.MustNewExec(b, build) // fails only for a wrong type of function
	return &Exec{e.WithName(name).SetMaxCache(-1), b}
}

// Shard compiles the graph for a mesh of devices: inputs and outputs are then lists, device
// after device. The last sharding of the inputs counts for all that follow.
// Call it before the first call of the graph.
func (x *Exec) Shard(mesh *distributed.DeviceMesh, inputs []*distributed.ShardingSpec, output *distributed.ShardingSpec) {
	x.e.AutoSharding(mesh).WithInputShardingSpecs(inputs...).WithOutputShardingSpecs(output)
}

// Call runs the graph on the lists of inputs, one after the other. The caller owns the
// outputs and frees them.
func (x *Exec) Call(in ...[]*tensors.Tensor) ([]*tensors.Tensor, error) {
	return x.CallDonating(nil, in...)
}

// CallDonating runs the graph as [Exec.Call] does, with further inputs at the end that it
// gives up to the call, which may change them in place: they are gone, even after an error.
func (x *Exec) CallDonating(donated []*tensors.Tensor, in ...[]*tensors.Tensor) (out []*tensors.Tensor, err error) {
	var args []any
	for _, list := range in {
		for _, t := range list {
			args = append(args, t)
		}
	}
	err = Guard(func() (err error) {
		for _, t := range donated {
			d, err := graph.DonateTensorBuffer(t, x.backend, 0)
			if err != nil {
				return err
			}
			args = append(args, d)
		}
		out, err = x.e.Call(args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", x.e.Name(), err)
	}
	return out, nil
}

// Guard calls f and returns a panic of it as an error: that of graph building, and that of a
// device that has failed or has no memory left.
func Guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return f()
}
