package decoder

import "fmt"

// A Spec names a tensor that a decoder has, with its shape. Names are those of Hugging Face;
// matrices are [out, in].
type Spec struct {
	Name string
	Dims []int
}

// Specs lists the decoder's tensors in a fixed order. The config has to be resolved.
func (c Config) Specs() []Spec {
	arch := c.arch()
	s := []Spec{{Embedding, []int{c.VocabSize, c.Dim}}}
	for i := range c.Layers {
		p := layerName(i)
		s = append(s,
			Spec{p + "input_layernorm.weight", []int{c.Dim}},
			Spec{p + "self_attn.q_proj.weight", []int{c.Heads * c.HeadDim, c.Dim}},
			Spec{p + "self_attn.k_proj.weight", []int{c.KVHeads * c.HeadDim, c.Dim}},
			Spec{p + "self_attn.v_proj.weight", []int{c.KVHeads * c.HeadDim, c.Dim}},
			Spec{p + "self_attn.o_proj.weight", []int{c.Dim, c.Heads * c.HeadDim}},
			Spec{p + "post_attention_layernorm.weight", []int{c.Dim}},
			Spec{p + "mlp.gate_proj.weight", []int{c.IntermediateSize, c.Dim}},
			Spec{p + "mlp.up_proj.weight", []int{c.IntermediateSize, c.Dim}},
			Spec{p + "mlp.down_proj.weight", []int{c.Dim, c.IntermediateSize}},
		)
		if arch.qkvBias || c.AttentionBias {
			s = append(s,
				Spec{p + "self_attn.q_proj.bias", []int{c.Heads * c.HeadDim}},
				Spec{p + "self_attn.k_proj.bias", []int{c.KVHeads * c.HeadDim}},
				Spec{p + "self_attn.v_proj.bias", []int{c.KVHeads * c.HeadDim}},
			)
		}
		if c.AttentionBias {
			s = append(s, Spec{p + "self_attn.o_proj.bias", []int{c.Dim}})
		}
		if c.MLPBias {
			s = append(s,
				Spec{p + "mlp.gate_proj.bias", []int{c.IntermediateSize}},
				Spec{p + "mlp.up_proj.bias", []int{c.IntermediateSize}},
				Spec{p + "mlp.down_proj.bias", []int{c.Dim}},
			)
		}
		if arch.qkNorm {
			s = append(s,
				Spec{p + "self_attn.q_norm.weight", []int{c.HeadDim}},
				Spec{p + "self_attn.k_norm.weight", []int{c.HeadDim}},
			)
		}
	}
	s = append(s, Spec{finalNorm, []int{c.Dim}})
	s = append(s, c.headSpecs()...)
	return append(s, c.loraSpecs(s)...)
}

// Names of tensors outside of the layers.
const (
	Embedding    = "model.embed_tokens.weight"
	finalNorm    = "model.norm.weight"
	LMHeadTensor = "lm_head.weight"
	scoreHead    = "score.weight"
	extraHeads   = "heads." // what the names of heads beside the main one begin with
)

// Size counts the numbers of a tensor.
func (s Spec) Size() int {
	n := 1
	for _, d := range s.Dims {
		n *= d
	}
	return n
}

// BF16Stored reports whether a tensor is stored as bfloat16: all are of a config with BF16,
// but those of an adapter.
func (c Config) BF16Stored(s Spec) bool { return c.BF16 && !s.Adapter() }

// layerName begins the names of a layer's tensors.
func layerName(i int) string { return fmt.Sprintf("model.layers.%d.", i) }
