package network

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/satori-go/satori/model/decoder"
)

// fresh draws the first values of a tensor on the host. Each tensor has its own random stream, so
// its values depend neither on the backend nor on the other tensors. Norms start at 1 and biases
// at 0; the embedding and an untied language-model head at N(0, InitRange²); projections at
// N(0, 1/in), those that are added to the residual stream smaller by √(2·Layers), as in GPT-2;
// other heads at N(0, 1/(dim+1)²), as in OpenRLHF; A of an adapter uniform within ±1/√in and B
// at 0, as in PEFT.
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
	case s.Name == c.HeadTensor(decoder.HeadScore) || s.ExtraHead():
		dev = 1 / float64(c.Dim+1)
	case s.Name == c.HeadTensor(decoder.HeadLM) || s.Name == decoder.Embedding:
		dev = c.InitRange
	case strings.HasSuffix(s.Name, "o_proj.weight") || strings.HasSuffix(s.Name, "down_proj.weight"):
		dev /= math.Sqrt(2 * float64(c.Layers))
	}
	for i := range data {
		data[i] = float32(rng.NormFloat64() * dev)
	}
	return data
}
