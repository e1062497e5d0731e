package device

import (
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// The types of numbers that graphs use: all compute in Float32, and weights can be stored as
// BFloat16.
const (
	Float32  = dtypes.Float32
	BFloat16 = dtypes.BFloat16
)

// F32 makes a shape of Float32.
func F32(dims ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dims...) }

// I32 makes a shape of Int32.
func I32(dims ...int) shapes.Shape { return shapes.Make(dtypes.Int32, dims...) }

// BF16 makes a tensor of bfloat16 from flat data, each number rounded to the nearest.
func BF16(data []float32, dims ...int) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(bfloat16.FromFloat32s(data...), dims...)
}

// Values copies a tensor's data out as float32, whether it is stored as Float32 or BFloat16.
func Values(t *tensors.Tensor) []float32 {
	if t.DType() != BFloat16 {
		return tensors.MustCopyFlatData[float32](t)
	}
	stored := tensors.MustCopyFlatData[bfloat16.BFloat16](t)
	data := make([]float32, len(stored))
	for i, x := range stored {
		data[i] = x.Float32()
	}
	return data
}

// Take copies a tensor's data out and frees the tensor.
func Take[T float32 | int32](t *tensors.Tensor) []T {
	data := tensors.MustCopyFlatData[T](t)
	t.MustFinalizeAll()
	return data
}

// Free releases the tensors' memory at once. It passes over nil.
func Free(lists ...[]*tensors.Tensor) {
	for _, list := range lists {
		for _, t := range list {
			if t != nil {
				t.MustFinalizeAll()
			}
		}
	}
}

// IsXLA tells whether a backend is XLA. There a loop on the device pays, since each call
// copies its caches.
func IsXLA(b compute.Backend) bool { return strings.Contains(strings.ToLower(b.Name()), "xla") }
