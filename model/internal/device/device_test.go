package device_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
)

func floats(data ...float32) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(data, len(data))
}

func double(in []*graph.Node) []*graph.Node {
	return []*graph.Node{graph.Add(in[0], in[0])}
}

// A graph runs on any shape, and its inputs stay unless they are donated.
func TestExec(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b compute.Backend) {
		run := device.New(b, "double", double)
		for _, x := range [][]float32{{1, -2}, {3}} {
			in := []*tensors.Tensor{floats(x...)}
			out, err := run.Call(in)
			require.NoError(t, err)
			want := make([]float32, len(x))
			for i := range x {
				want[i] = 2 * x[i]
			}
			if got := device.Take[float32](out[0]); !slices.Equal(got, want) {
				t.Errorf("%v: %v, want %v", x, got, want)
			}
			if !slices.Equal(device.Values(in[0]), x) {
				t.Errorf("the input is %v now", device.Values(in[0]))
			}
			if out, err = run.CallDonating(in); err != nil || !slices.Equal(device.Take[float32](out[0]), want) {
				t.Errorf("donated: %v", err)
			}
		}
	})
}

// What panics in a graph is an error with the graph's name.
func TestExecPanics(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	run := device.New(b, "broken", func(in []*graph.Node) []*graph.Node { return []*graph.Node{graph.Add(in[0], in[1])} })
	in := []*tensors.Tensor{floats(1, 2), floats(1, 2, 3)}
	if out, err := run.Call(in); err == nil || out != nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("%v, error %v", out, err)
	}
	device.Free(in, []*tensors.Tensor{nil})
}

// Numbers are rounded to the nearest bfloat16, and of two equally near to the even one.
func TestBF16(t *testing.T) {
	got := device.Values(device.BF16([]float32{1, 1 + 0x1p-8, 1 + 0x1.8p-7, -3.14159274}, 4))
	if want := []float32{1, 1, 1 + 0x1p-6, -3.140625}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A setting that holds a pointer, and says what the pointer points to.
type setting struct{ n *int }

func (s setting) String() string { return fmt.Sprint(*s.n) }

// A cache finds a graph by the values of what it was made from, the backend and the name.
func TestCache(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	other, err := compute.NewWithConfig("go:ops_sequential")
	require.NoError(t, err)
	var c device.Cache
	at := func(b compute.Backend, n int, name string) *device.Exec { return c.Get(b, setting{&n}, name, double) }
	first := at(b, 1, "double")
	if at(b, 1, "double") != first {
		t.Error("the same graph is made twice")
	}
	for name, e := range map[string]*device.Exec{"backend": at(other, 1, "double"), "value": at(b, 2, "double"), "name": at(b, 1, "twice")} {
		if e == first {
			t.Errorf("another %s finds the same graph", name)
		}
	}
}
