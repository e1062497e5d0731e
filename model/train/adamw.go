package train

import (
	"math"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

// AdamW is decoupled weight decay (arXiv:1711.05101) with clipping by the global norm,
// step by step as torch.optim.AdamW and clip_grad_norm_ do it.
type AdamW struct {
	Beta1, Beta2 float64 // 0: 0.9 and 0.95 (OpenRLHF's)
	Eps          float64 // 0: 1e-8
	WeightDecay  float64 // of matrices; 0: none, as in the paper's scripts
	MaxNorm      float64 // 0: 1
}

// A trainable is a tensor that learns.
type trainable struct {
	decoder.Spec
	half bool // stored as bfloat16
	part int  // 1: a scalar head; 0: all else
}

// decays tells which weights AdamW decays: matrices, not norms.
func decays(s decoder.Spec) bool { return len(s.Dims) > 1 && !strings.Contains(s.Name, "norm") }

// part is the part of a network that a tensor belongs to: 1, the scalar heads, or 0.
func part(s decoder.Spec) int {
	if s.Scalar() {
		return 1
	}
	return 0
}

// update is the graph of one AdamW step: scalars [3·parts] (learning rate and the two bias
// corrections of each), weights, m, v and any number of gradients a weight → the norms of
// the summed gradients [parts], weights, m, v, and those weights as bfloat16 that are stored
// so. Each part is clipped by itself:
//
//	g ← Σ gradients · min(1, MaxNorm/(‖g‖+1e-6))
//	w ← w − lr·λ·w;  m ← β₁m+(1−β₁)g;  v ← β₂v+(1−β₂)g²;  w ← w − lr·m̂/(√v̂+ε)
func (a AdamW) update(trained []trainable, in []*Node) []*Node {
	n, parts := len(trained), in[0].Shape().Dim(0)/3
	scalar := func(i int) *Node { return Reshape(Slice(in[0], AxisRange(i, i+1))) }
	w, m, v, sums := in[1:1+n], in[1+n:1+2*n], in[1+2*n:1+3*n], in[1+3*n:]
	grads := make([]*Node, n)
	squares := make([]*Node, parts)
	for i, s := range trained {
		g := sums[i]
		for k := i + n; k < len(sums); k += n {
			g = Add(g, sums[k])
		}
		grads[i] = g
		square := ReduceAllSum(Square(g))
		if squares[s.part] == nil {
			squares[s.part] = square
		} else {
			squares[s.part] = Add(squares[s.part], square)
		}
	}
	var norms, scales, rates, roots []*Node
	for part, x := range squares {
		norm := Sqrt(x)
		norms = append(norms, norm)
		scales = append(scales, MinScalar(Div(Scalar(norm.Graph(), device.Float32, a.MaxNorm), AddScalar(norm, 1e-6)), 1.0))
		rates = append(rates, Div(scalar(3*part), scalar(3*part+1)))
		roots = append(roots, Sqrt(scalar(3*part+2)))
	}
	// One vector scale a weight instead of three: lr·m̂/(√v̂+ε) = m·(lr/fix1)/(√v/√fix2+ε).
	var newW, newM, newV, half []*Node
	for i, s := range trained {
		lr, rate, root := scalar(3*s.part), rates[s.part], roots[s.part]
		g := Mul(grads[i], scales[s.part])
		mi := Add(MulScalar(m[i], a.Beta1), MulScalar(g, 1-a.Beta1))
		vi := Add(MulScalar(v[i], a.Beta2), MulScalar(Square(g), 1-a.Beta2))
		wi := w[i]
		if a.WeightDecay != 0 && decays(s.Spec) {
			wi = Mul(wi, OneMinus(MulScalar(lr, a.WeightDecay)))
		}
		wi = Sub(wi, Div(Mul(mi, rate), AddScalar(Div(Sqrt(vi), root), a.Eps)))
		newW, newM, newV = append(newW, wi), append(newM, mi), append(newV, vi)
		if s.half {
			half = append(half, ConvertDType(wi, device.BFloat16))
		}
	}
	return slices.Concat([]*Node{Stack(norms, 0)}, newW, newM, newV, half)
}

// Cosine is the learning rate of update step (counted from 0) of total: a linear
// warm-up from 0, then half a cosine down to floor·peak, as transformers'
// get_cosine_with_min_lr_schedule_with_warmup. The paper's scripts use floor 0.1 and a
// warm-up of 3 % of the steps.
func Cosine(peak float64, step, warmup, total int, floor float64) float64 {
	if step < warmup {
		return peak * float64(step) / float64(warmup)
	}
	progress := min(1, float64(step-warmup)/float64(max(1, total-warmup)))
	return peak * (floor + (1-floor)*(1+math.Cos(math.Pi*progress))/2)
}
