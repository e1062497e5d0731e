package model

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

// spec is a tensor that a decoder has: its Hugging Face name and its shape, matrices
// as [out, in].
type spec struct {
	name string
	dims []int
}

// specs lists the decoder's tensors in a fixed order.
func (c Config) specs() []spec {
	arch := c.arch()
	s := []spec{{embedding, []int{c.VocabSize, c.Dim}}}
	for i := range c.Layers {
		p := layer(i)
		s = append(s,
			spec{p + "input_layernorm.weight", []int{c.Dim}},
			spec{p + "self_attn.q_proj.weight", []int{c.Heads * c.HeadDim, c.Dim}},
			spec{p + "self_attn.k_proj.weight", []int{c.KVHeads * c.HeadDim, c.Dim}},
			spec{p + "self_attn.v_proj.weight", []int{c.KVHeads * c.HeadDim, c.Dim}},
			spec{p + "self_attn.o_proj.weight", []int{c.Dim, c.Heads * c.HeadDim}},
			spec{p + "post_attention_layernorm.weight", []int{c.Dim}},
			spec{p + "mlp.gate_proj.weight", []int{c.FFN, c.Dim}},
			spec{p + "mlp.up_proj.weight", []int{c.FFN, c.Dim}},
			spec{p + "mlp.down_proj.weight", []int{c.Dim, c.FFN}},
		)
		if arch.qkvBias || c.AttentionBias {
			s = append(s,
				spec{p + "self_attn.q_proj.bias", []int{c.Heads * c.HeadDim}},
				spec{p + "self_attn.k_proj.bias", []int{c.KVHeads * c.HeadDim}},
				spec{p + "self_attn.v_proj.bias", []int{c.KVHeads * c.HeadDim}},
			)
		}
		if c.AttentionBias {
			s = append(s, spec{p + "self_attn.o_proj.bias", []int{c.Dim}})
		}
		if c.MLPBias {
			s = append(s,
				spec{p + "mlp.gate_proj.bias", []int{c.FFN}},
				spec{p + "mlp.up_proj.bias", []int{c.FFN}},
				spec{p + "mlp.down_proj.bias", []int{c.Dim}},
			)
		}
		if arch.qkNorm {
			s = append(s,
				spec{p + "self_attn.q_norm.weight", []int{c.HeadDim}},
				spec{p + "self_attn.k_norm.weight", []int{c.HeadDim}},
			)
		}
	}
	s = append(s, spec{"model.norm.weight", []int{c.Dim}})
	switch {
	case c.Score:
		s = append(s, spec{scoreHead, []int{1, c.Dim}})
	case !c.Tied:
		s = append(s, spec{lmHead, []int{c.VocabSize, c.Dim}})
	}
	for _, name := range c.Scalars {
		s = append(s, spec{scalarHead(name), []int{1, c.Dim}})
	}
	return append(s, c.loraSpecs(s)...)
}

const (
	embedding = "model.embed_tokens.weight"
	scoreHead = "score.weight"
	lmHead    = "lm_head.weight"
)

func layer(i int) string { return fmt.Sprintf("model.layers.%d.", i) }

func (s spec) size() int {
	n := 1
	for _, d := range s.dims {
		n *= d
	}
	return n
}

// fresh draws a tensor's first values on the host, from a stream of its own: they do
// not depend on the backend or on what else the model holds. Norms start at one; the
// embedding and an untied head at N(0, InitRange²); projections at N(0, 1/in), those
// that write to the residual stream smaller by √(2·Layers), as in GPT-2; the score
// head at N(0, 1/(dim+1)²), as in OpenRLHF.
func (s spec) fresh(c Config, seed uint64) []float32 {
	data := make([]float32, s.size())
	if strings.HasSuffix(s.name, ".bias") {
		return data
	}
	if len(s.dims) == 1 {
		for i := range data {
			data[i] = 1
		}
		return data
	}
	if strings.HasSuffix(s.name, loraB) {
		return data
	}
	h := fnv.New64a()
	h.Write([]byte(s.name))
	rng := rand.New(rand.NewPCG(seed, h.Sum64()))
	if strings.HasSuffix(s.name, loraA) {
		// kaiming_uniform_ with a = √5, as PEFT has it, is uniform within ±1/√in.
		for i := range data {
			data[i] = float32((2*rng.Float64() - 1) / math.Sqrt(float64(s.dims[1])))
		}
		return data
	}
	dev := 1 / math.Sqrt(float64(s.dims[1]))
	switch {
	case s.name == scoreHead || s.scalar():
		dev = 1 / float64(c.Dim+1)
	case s.name == lmHead || s.name == embedding:
		dev = c.InitRange
	case strings.HasSuffix(s.name, "o_proj.weight") || strings.HasSuffix(s.name, "down_proj.weight"):
		dev /= math.Sqrt(2 * float64(c.Layers))
	}
	for i := range data {
		data[i] = float32(rng.NormFloat64() * dev)
	}
	return data
}

// A Net is a decoder with weights on a backend.
type Net struct {
	Config  Config
	backend Backend
	specs   []spec
	weights []*Tensor // in the order of specs; never changed in place, replaced whole
	shared  int       // so many of the first weights belong to another network
}

// NewNet makes a decoder with fresh weights.
func NewNet(b Backend, c Config, seed uint64) (*Net, error) {
	c, err := c.resolve()
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	n := &Net{Config: c, backend: b, specs: c.specs()}
	err = n.fill(func(s spec) ([]float32, error) { return s.fresh(c, seed), nil })
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return n, nil
}

// fill makes the weights that are still missing, in the order of specs. After an error,
// which may be the device's, the network is closed.
func (n *Net) fill(value func(spec) ([]float32, error)) error {
	for _, s := range n.specs[len(n.weights):] {
		err := device.Guard(func() error {
			data, err := value(s)
			if err == nil {
				n.weights = append(n.weights, n.upload(data, s))
			}
			return err
		})
		if err != nil {
			n.Close()
			return fmt.Errorf("tensor %q: %w", s.name, err)
		}
	}
	return nil
}

// fillFrom is fill with copies of another network's weights, and fresh ones that it lacks.
func (n *Net) fillFrom(other *Net, seed uint64) error {
	return n.fill(func(s spec) ([]float32, error) {
		if i := other.find(s.name); i >= 0 {
			return device.Values(other.weights[i]), nil
		}
		return s.fresh(n.Config, seed), nil
	})
}

// must is for copies that only a device without memory can refuse, see the package's Errors.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// upload makes a weight that lies on the device from the start: a tensor must not move
// there while two calls use it, as those of lanes do.
func (n *Net) upload(data []float32, s spec) *Tensor {
	t := backend.Floats(data, s.dims...)
	if n.Config.half(s) {
		t = device.BF16(data, s.dims...)
	}
	t.MustMaterializeOnDevice(n.backend, true, 0)
	return t
}

// Backend is where the network runs.
func (n *Net) Backend() Backend { return n.backend }

// Parameters counts the weights.
func (n *Net) Parameters() int {
	total := 0
	for _, s := range n.specs {
		total += s.size()
	}
	return total
}

// Clone copies the network; the two share nothing but the backend.
func (n *Net) Clone() *Net {
	c := &Net{Config: n.Config, backend: n.backend, specs: n.specs}
	must(c.fillFrom(n, 0))
	return c
}

// WithScore copies the trunk under a fresh scalar head: a reward model that starts
// from a language model. Of a network that has such a head it is a plain copy: a
// critic that starts from a reward model.
func (n *Net) WithScore(seed uint64) *Net {
	if n.Config.Score {
		return n.Clone()
	}
	c := &Net{Config: n.Config, backend: n.backend}
	c.Config.Score = true
	c.specs = c.Config.specs()
	must(c.fillFrom(n, seed))
	return c
}

// Tensor copies a weight out by its Hugging Face name.
func (n *Net) Tensor(name string) ([]float32, bool) {
	i := n.find(name)
	if i < 0 {
		return nil, false
	}
	return device.Values(n.weights[i]), true
}

// Close frees the weights; of an adapter's network the adapter alone.
func (n *Net) Close() {
	device.Free(n.weights[min(n.shared, len(n.weights)):])
	n.weights = nil
}

func (n *Net) find(name string) int {
	return slices.IndexFunc(n.specs, func(s spec) bool { return s.name == name })
}

// decays tells which weights AdamW decays: matrices, not norms.
func (s spec) decays() bool { return len(s.dims) > 1 && !strings.Contains(s.name, "norm") }
