package decoder

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

// The two forms of attention say the same, and so do their gradients: one has derived ones.
func TestAttentionsAgree(t *testing.T) {
	const batch, seq, heads, head = 2, 7, 3, 4
	sameFunction(t, [][]int{{batch, seq, heads, head}, {batch, seq, heads, head}, {batch, seq, heads, head}, {batch, seq, heads * head}},
		func(x []*Node) *Node { return Mul(x[3], Config{}.attendPlainly(x[0], x[1], x[2])) },
		func(x []*Node) *Node { return Mul(x[3], attendInGroups(x[0], x[1], x[2])) })
}

// Rows of zeros below the weights change neither a product nor its gradients.
func TestDensePads(t *testing.T) {
	sameFunction(t, [][]int{{8, 40, 96}, {96, 96}, {8, 40, 96}},
		func(x []*Node) *Node { return Mul(x[2], Config{}.dense(x[0], x[1])) },
		func(x []*Node) *Node {
			return Mul(x[2], Dot(x[0], x[1]).General([]int{-1}, nil, []int{1}, nil))
		})
}

// A gradient of our own says what the derived one says, which checkpointing takes.
func TestOwnGradients(t *testing.T) {
	const batch, seq, heads, head = 2, 7, 3, 8
	ours := Config{Heads: heads, KVHeads: heads, HeadDim: head, PartialRotary: 0.5, RopeTheta: 1e4, NormEps: 1e-5}
	derived := ours
	derived.GradientCheckpointing = true
	x := []int{batch, seq, heads, head}
	for name, function := range map[string]struct {
		dims [][]int
		f    func(c Config, x []*Node) *Node
	}{
		"dense":   {[][]int{{batch, seq, 6}, {5, 6}, {batch, seq, 5}}, func(c Config, x []*Node) *Node { return c.dense(x[0], x[1]) }},
		"RMSNorm": {[][]int{{batch, seq, 6}, {6}, {batch, seq, 6}}, func(c Config, x []*Node) *Node { return c.norm(x[0], x[1]) }},
		"SwiGLU":  {[][]int{{batch, seq, 6}, {batch, seq, 6}, {batch, seq, 6}}, func(c Config, x []*Node) *Node { return c.swiglu(x[0], x[1]) }},
		"split": {[][]int{{batch, seq, 6}, {batch, seq, 4}}, func(c Config, x []*Node) *Node {
			parts := []*Node{SliceAxis(x[0], -1, AxisRange(0, 4)), SliceAxis(x[0], -1, AxisRange(4, 6))}
			if !c.GradientCheckpointing {
				parts = split(x[0], 4, 2)
			}
			return Mul(parts[0], Concatenate([]*Node{parts[1], parts[1]}, -1))
		}},
		"rotary": {[][]int{x, x}, func(c Config, x []*Node) *Node {
			cos, sin := c.rotations(x[0].Graph(), seq)
			return c.rotate(x[0], Reshape(cos, 1, seq, 1, -1), Reshape(sin, 1, seq, 1, -1))
		}},
		"attention": {[][]int{x, x, x, {batch, seq, heads * head}}, func(c Config, x []*Node) *Node { return c.attendPlainly(x[0], x[1], x[2]) }},
	} {
		t.Run(name, func(t *testing.T) {
			weighted := func(c Config) func(x []*Node) *Node {
				return func(x []*Node) *Node { return Mul(x[len(x)-1], function.f(c, x)) }
			}
			sameFunction(t, function.dims, weighted(ours), weighted(derived))
		})
	}
}

// sameFunction compares two functions of random inputs of these shapes, and the gradients
// of their sums, on the Go backend.
func sameFunction(t *testing.T, dims [][]int, f, g func(x []*Node) *Node) {
	b, err := backend.Open("go")
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	var inputs []*backend.Tensor
	for _, d := range dims {
		data := make([]float32, Spec{Dims: d}.Size())
		for i := range data {
			data[i] = float32(rng.NormFloat64())
		}
		inputs = append(inputs, backend.Floats(data, d...))
	}
	run := func(f func(x []*Node) *Node) []*backend.Tensor {
		out, err := device.New(b, "f", func(x []*Node) []*Node {
			y := f(x)
			return append([]*Node{y}, Gradient(ReduceAllSum(y), x...)...)
		}).Call(inputs)
		require.NoError(t, err)
		return out
	}
	one, two := run(f), run(g)
	for i := range one {
		x, y := device.Values(one[i]), device.Values(two[i])
		for k := range x {
			if math.Abs(float64(x[k]-y[k])) > 1e-4*max(1, math.Abs(float64(y[k]))) {
				t.Fatalf("output %d, entry %d: %g and %g", i, k, x[k], y[k])
			}
		}
	}
}
