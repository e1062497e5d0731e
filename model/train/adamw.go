package train

import (
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

// AdamW holds the settings of Adam with decoupled weight decay (arXiv:1711.05101) and clipping by
// the global norm, step by step as torch.optim.AdamW and clip_grad_norm_ do it.
type AdamW struct {
	Beta1, Beta2 float64 // 0: 0.9 and 0.95 (OpenRLHF's)
	Eps          float64 // 0: 1e-8
	WeightDecay  float64 // of matrices; 0: none, as in the paper's scripts
	MaxNorm      float64 // 0: 1
}

// A trainable is a tensor that learns.
type trainable struct {
	decoder.Spec
	bf16  bool // stored as bfloat16, beside its float32 master
	group Group
}

// decays reports which weights AdamW decays: matrices, not norms and biases.
func decays(s decoder.Spec) bool { return len(s.Dims) > 1 && !strings.Contains(s.Name, "norm") }

// groupOf returns the group of parameters that a tensor belongs to.
func groupOf(s decoder.Spec) Group {
	if s.ExtraHead() {
		return Heads
	}
	return Network
}

// update builds one AdamW step. Each group of parameters is clipped by itself:
//
//	g ← Σ gradients · min(1, MaxNorm/(‖g‖+1e-6))
//	w ← w − lr·λ·w;  m ← β₁m+(1−β₁)g;  v ← β₂v+(1−β₂)g²;  w ← w − lr·m̂/(√v̂+ε)
//
// in are scalars [3·groups] (the learning rate and the two bias corrections of each group), the
// weights, m, v, and one or more gradients a weight. It returns the norms of the summed
// gradients [groups], weights, m, v, and as bfloat16 those weights that are stored so.
func (a AdamW) update(trained []trainable, in []*Node) []*Node {
	in[0].AssertRank(1)
	n, groups := len(trained), in[0].Shape().Dim(0)/3
	scalar := func(i int) *Node { return Reshape(Slice(in[0], AxisRange(i, i+1))) } // []
	w, m, v, sums := in[1:1+n], in[1+n:1+2*n], in[1+2*n:1+3*n], in[1+3*n:]
	grads := make([]*Node, n)
	squares := make([]*Node, groups)
	for i, s := range trained {
		g := sums[i]
		for k := i + n; k < len(sums); k += n {
			g = Add(g, sums[k])
		}
		grads[i] = g
		square := ReduceAllSum(Square(g))
		if squares[s.group] == nil {
			squares[s.group] = square
		} else {
			squares[s.group] = Add(squares[s.group], square)
		}
	}
	var norms, scales, rates, roots []*Node
	for group, x := range squares {
		norm := Sqrt(x)
		norms = append(norms, norm)
		scales = append(scales, MinScalar(Div(Scalar(norm.Graph(), device.Float32, a.MaxNorm), AddScalar(norm, 1e-6)), 1.0))
		rates = append(rates, Div(scalar(3*group), scalar(3*group+1)))
		roots = append(roots, Sqrt(scalar(3*group+2)))
	}
	// One vector scale a weight instead of three: lr·m̂/(√v̂+ε) = m·(lr/fix1)/(√v/√fix2+ε).
	var newW, newM, newV, stored []*Node
	for i, s := range trained {
		lr, rate, root := scalar(3*int(s.group)), rates[s.group], roots[s.group]
		g := Mul(grads[i], scales[s.group])
		mi := Add(MulScalar(m[i], a.Beta1), MulScalar(g, 1-a.Beta1))
		vi := Add(MulScalar(v[i], a.Beta2), MulScalar(Square(g), 1-a.Beta2))
		wi := w[i]
		if a.WeightDecay != 0 && decays(s.Spec) {
			wi = Mul(wi, OneMinus(MulScalar(lr, a.WeightDecay)))
		}
		wi = Sub(wi, Div(Mul(mi, rate), AddScalar(Div(Sqrt(vi), root), a.Eps)))
		newW, newM, newV = append(newW, wi), append(newM, mi), append(newV, vi)
		if s.bf16 {
			stored = append(stored, ConvertDType(wi, device.BFloat16))
		}
	}
	return slices.Concat([]*Node{Stack(norms, 0)}, newW, newM, newV, stored)
}
