package model

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// gomlx renames between releases, so the names this library takes from it stand here
// alone; other packages of the library use these.
type (
	Backend = compute.Backend
	Tensor  = tensors.Tensor
)

// f32 and i32 are shapes of the two types that graphs of this package use.
func f32(dims ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dims...) }
func i32(dims ...int) shapes.Shape { return shapes.Make(dtypes.Int32, dims...) }

// Floats and Ints make tensors of flat data, which is copied; without dims, a scalar.
func Floats(data []float32, dims ...int) *Tensor {
	return tensors.FromFlatDataAndDimensions(data, dims...)
}

func Ints(data []int32, dims ...int) *Tensor { return tensors.FromFlatDataAndDimensions(data, dims...) }

// An exec compiles a graph function once a set of input shapes and runs it.
// It is safe for concurrent use.
type exec struct {
	e       *graph.Exec
	backend Backend
}

func newExec(b Backend, name string, build func(in []*graph.Node) []*graph.Node) *exec {
	e := graph.MustNewExec(b, build) // fails only for a wrong type of function
	return &exec{e.WithName(name).SetMaxCache(-1), b}
}

// call runs the graph. The caller owns the outputs and frees them.
func (x *exec) call(in ...[]*Tensor) ([]*Tensor, error) { return x.callDonating(nil, in...) }

// callDonating gives the last inputs up to the call, which may then change them in
// place: they are gone, even after an error.
func (x *exec) callDonating(donated []*Tensor, in ...[]*Tensor) ([]*Tensor, error) {
	var args []any
	for _, list := range in {
		for _, t := range list {
			args = append(args, t)
		}
	}
	for _, t := range donated {
		d, err := graph.DonateTensorBuffer(t, x.backend, 0)
		if err != nil {
			return nil, fmt.Errorf("model: %s: %w", x.e.Name(), err)
		}
		args = append(args, d)
	}
	out, err := call(x.e, args)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", x.e.Name(), err)
	}
	return out, nil
}

// call runs an exec.
func call(e *graph.Exec, args []any) (out []*Tensor, err error) {
	err = guard(func() error {
		out, err = e.Call(args...)
		return err
	})
	return out, err
}

// guard turns a panic of gomlx into an error: that of graph building, and that of a device
// that has no memory left or has failed.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return f()
}

// free releases tensors at once: on XLA their memory is invisible to Go's collector.
func free(lists ...[]*Tensor) {
	for _, list := range lists {
		for _, t := range list {
			if t != nil {
				t.MustFinalizeAll()
			}
		}
	}
}

// flat copies a tensor's data out and frees it.
func flat[T float32 | int32](t *Tensor) []T {
	data := tensors.MustCopyFlatData[T](t)
	t.MustFinalizeAll()
	return data
}

// values copies a tensor's data out, as f32 whatever it is stored as.
func values(t *Tensor) []float32 {
	if t.DType() != bf16Type {
		return tensors.MustCopyFlatData[float32](t)
	}
	half := tensors.MustCopyFlatData[bfloat16.BFloat16](t)
	data := make([]float32, len(half))
	for i, x := range half {
		data[i] = x.Float32()
	}
	return data
}

// halves makes a tensor of bfloat16, rounded to the nearest.
func halves(data []float32, dims ...int) *Tensor {
	return tensors.FromFlatDataAndDimensions(bfloat16.FromFloat32s(data...), dims...)
}

// float32Type is the type that all graphs compute in.
const float32Type = dtypes.Float32

// bf16Type is the type that weights of a Config with BF16 are stored in.
const bf16Type = dtypes.BFloat16
