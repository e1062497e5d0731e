package network

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/satori-go/satori/model/decoder"
)

// fresh draws a tensor's first values on the host, from a stream of its own: they do
// not depend on the backend or on what else the model holds. Norms start at one; the
// embedding and an untied head at N(0, InitRange²); projections at N(0, 1/in), those
// that write to the residual stream smaller by √(2·Layers), as in GPT-2; the score
// head at N(0, 1/(dim+1)²), as in OpenRLHF.
func fresh(c decoder.Config, s decoder.Spec, seed uint64) []float32 {
	data := make([]float32, s.Size())
	if strings.HasSuffix(s.Name, ".bias") {
		return data
	}
	if len(s.Dims) == 1 {
		for i := range data {
			data[i] = 1
		}
		return data
	}
	if strings.HasSuffix(s.Name, decoder.AdapterB) {
		return data
	}
	h := fnv.New64a()
	h.Write([]byte(s.Name))
	rng := rand.New(rand.NewPCG(seed, h.Sum64()))
	if strings.HasSuffix(s.Name, decoder.AdapterA) {
		// kaiming_uniform_ with a = √5, as PEFT has it, is uniform within ±1/√in.
		for i := range data {
			data[i] = float32((2*rng.Float64() - 1) / math.Sqrt(float64(s.Dims[1])))
		}
		return data
	}
	dev := 1 / math.Sqrt(float64(s.Dims[1]))
	switch {
	case s.Name == decoder.ScoreHead || s.Scalar():
		dev = 1 / float64(c.Dim+1)
	case s.Name == decoder.LMHead || s.Name == decoder.Embedding:
		dev = c.InitRange
	case strings.HasSuffix(s.Name, "o_proj.weight") || strings.HasSuffix(s.Name, "down_proj.weight"):
		dev /= math.Sqrt(2 * float64(c.Layers))
	}
	for i := range data {
		data[i] = float32(rng.NormFloat64() * dev)
	}
	return data
}
