package decoder

import (
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	. "github.com/gomlx/gomlx/core/graph"
)

// rotations makes the cosines and sines of the rotary embedding (arXiv:2104.09864). The angle of
// position p and pair i is p·fᵢ.
//
//	→ [len, rotary/2] each
func (c Config) rotations(g *Graph, length int) (cos, sin *Node) {
	half := c.rotary() / 2
	cs, sn := make([]float32, length*half), make([]float32, length*half)
	frequencies := c.Frequencies()
	for p := range length {
		for i, f := range frequencies {
			angle := float64(p) * f
			cs[p*half+i], sn[p*half+i] = float32(math.Cos(angle)), float32(math.Sin(angle))
		}
	}
	return Const(g, tensors.FromFlatDataAndDimensions(cs, length, half)), Const(g, tensors.FromFlatDataAndDimensions(sn, length, half))
}

// Frequencies returns the frequencies of the rotary embedding, fᵢ = θ^(−2i/rotary), divided as
// RopeScaling says.
func (c Config) Frequencies() []float64 {
	list := make([]float64, c.rotary()/2)
	for i := range list {
		f := math.Pow(c.RopeTheta, -2*float64(i)/float64(c.rotary()))
		list[i] = f / c.RopeScaling.Divisor(f)
	}
	return list
}

// Divisor returns what Llama 3.1 divides a frequency by: 1 where its wavelength is short,
// Factor where it is long, and in between the harmonic mean of both, weighted by where
// Original/wavelength lies between LowFreq and HighFreq (transformers'
// _compute_llama3_parameters).
func (s RopeScaling) Divisor(frequency float64) float64 {
	if s == (RopeScaling{}) {
		return 1
	}
	turns := float64(s.Original) * frequency / (2 * math.Pi) // Original / wavelength
	short := min(1, max(0, (turns-s.LowFreq)/(s.HighFreq-s.LowFreq)))
	return 1 / ((1-short)/s.Factor + short)
}

// rotate rotates the first rotary channels of each head, in Hugging Face's order: their first and
// second half, (x1, x2), become (x1·cos − x2·sin, x2·cos + x1·sin). The gradient rotates the other
// way.
//
//	x [..., heads, head], cos and sin [..., 1, rotary/2] → [..., heads, head]
func (c Config) rotate(x, cos, sin *Node) *Node {
	x.AssertDims(append(rowDims(x), c.HeadDim)...)
	turn := func(x, sin *Node) *Node {
		half := c.rotary() / 2
		sizes := []int{half, half}
		if rest := c.HeadDim - 2*half; rest > 0 {
			sizes = append(sizes, rest)
		}
		parts := split(x, sizes...)
		x1, x2 := parts[0], parts[1]
		parts[0], parts[1] = Sub(Mul(x1, cos), Mul(x2, sin)), Add(Mul(x2, cos), Mul(x1, sin))
		return Concatenate(parts, -1)
	}
	return c.withGradient(func(in []*Node) *Node { return turn(in[0], sin) },
		func(_ []*Node, v *Node) []*Node { return []*Node{turn(v, Neg(sin))} }, x)
}
