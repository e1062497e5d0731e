package model

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
)

// The two forms of attention say the same, and so do their gradients: one has derived ones.
func TestAttentionsAgree(t *testing.T) {
	const batch, seq, heads, head = 2, 7, 3, 4
	sameFunction(t, [][]int{{batch, seq, heads, head}, {batch, seq, heads, head}, {batch, seq, heads, head}, {batch, seq, heads * head}},
		func(x []*Node) *Node { return Mul(x[3], attendPlainly(x[0], x[1], x[2])) },
		func(x []*Node) *Node { return Mul(x[3], attendInGroups(x[0], x[1], x[2])) })
}

// Rows of zeros below the weights change neither a product nor its gradients.
func TestDensePads(t *testing.T) {
	sameFunction(t, [][]int{{8, 40, 96}, {96, 96}, {8, 40, 96}},
		func(x []*Node) *Node { return Mul(x[2], dense(x[0], x[1])) },
		func(x []*Node) *Node {
			return Mul(x[2], Dot(x[0], x[1]).General([]int{-1}, nil, []int{1}, nil))
		})
}

// sameFunction compares two functions of random inputs of these shapes, and the gradients
// of their sums, on the Go backend.
func sameFunction(t *testing.T, dims [][]int, f, g func(x []*Node) *Node) {
	b, err := OpenBackend("go")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var inputs []*Tensor
	for _, d := range dims {
		data := make([]float32, spec{dims: d}.size())
		for i := range data {
			data[i] = float32(rng.NormFloat64())
		}
		inputs = append(inputs, Floats(data, d...))
	}
	run := func(f func(x []*Node) *Node) []*Tensor {
		out, err := newExec(b, "f", func(x []*Node) []*Node {
			y := f(x)
			return append([]*Node{y}, Gradient(ReduceAllSum(y), x...)...)
		}).call(inputs)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	one, two := run(f), run(g)
	for i := range one {
		x, y := values(one[i]), values(two[i])
		for k := range x {
			if math.Abs(float64(x[k]-y[k])) > 1e-4*max(1, math.Abs(float64(y[k]))) {
				t.Fatalf("output %d, entry %d: %g and %g", i, k, x[k], y[k])
			}
		}
	}
}
