package decoder

import . "github.com/gomlx/gomlx/core/graph"

// withGradient computes f(in...) with our own gradient. The gradient that gomlx derives is right
// but slow: it pads and adds up the parts that were cut from one tensor, and transposes the
// gradient of every product, which the Go backend does number by number.
//
// gradient returns the gradients of f's inputs from these inputs and v, the gradient of f's
// result. The derived gradient of f is built too, but nothing uses it, so it is not compiled. With
// gradient checkpointing the derived one is used: ours would keep what f computed.
func (c Config) withGradient(f func(in []*Node) *Node, gradient func(in []*Node, v *Node) []*Node, in ...*Node) *Node {
	if c.GradientCheckpointing {
		return f(in)
	}
	var grads []*Node // made by the time that the inputs' turn comes: gradients go backwards
	taps := make([]*Node, len(in))
	for i, x := range in {
		taps[i] = IdentityWithCustomGradient(x, func(_, _ *Node) *Node { return grads[i] })
	}
	return IdentityWithCustomGradient(f(taps), func(_, v *Node) *Node {
		grads = gradient(taps, v)
		return v
	})
}

// split cuts the last axis into parts of these sizes. Its gradient puts the gradients of the parts
// side by side, so a loss that depends on one part has to depend on all.
//
//	x [..., n] → [..., sizes[i]]
func split(x *Node, sizes ...int) []*Node {
	parts, grads := make([]*Node, len(sizes)), make([]*Node, len(sizes))
	whole := IdentityWithCustomGradient(x, func(_, _ *Node) *Node { return Concatenate(grads, -1) })
	from := 0
	for i, size := range sizes {
		parts[i] = IdentityWithCustomGradient(SliceAxis(whole, -1, AxisRange(from, from+size)), func(_, v *Node) *Node {
			grads[i] = v
			return v
		})
		from += size
	}
	return parts
}
