package convert

import (
	"strings"

	"github.com/satori-go/satori/model/decoder"
)

// names pairs the names of tensors in llama.cpp and in Hugging Face's directories.
var names = [][2]string{
	{embeddingName, decoder.Embedding},
	{"output_norm.weight", "model.norm.weight"},
	{headName, decoder.LMHeadTensor},
}

// layerNames pairs the names of a layer's tensors, which follow "blk.N." and "model.layers.N.".
var layerNames = [][2]string{
	{"attn_norm.weight", "input_layernorm.weight"},
	{"attn_q.weight", "self_attn.q_proj.weight"},
	{"attn_k.weight", "self_attn.k_proj.weight"},
	{"attn_v.weight", "self_attn.v_proj.weight"},
	{"attn_q.bias", "self_attn.q_proj.bias"},
	{"attn_k.bias", "self_attn.k_proj.bias"},
	{"attn_v.bias", "self_attn.v_proj.bias"},
	{"attn_q_norm.weight", "self_attn.q_norm.weight"},
	{"attn_k_norm.weight", "self_attn.k_norm.weight"},
	{"attn_output.weight", "self_attn.o_proj.weight"},
	{"ffn_norm.weight", "post_attention_layernorm.weight"},
	{"ffn_gate.weight", "mlp.gate_proj.weight"},
	{"ffn_up.weight", "mlp.up_proj.weight"},
	{"ffn_down.weight", "mlp.down_proj.weight"},
}

const (
	embeddingName = "token_embd.weight"
	headName      = "output.weight"
	divisorsName  = "rope_freqs.weight" // the numbers that Llama 3's scaling divides frequencies by
)

// toHF returns the Hugging Face name of a tensor, and a name that is not known unchanged.
func toHF(name string) string { return rename(name, 0, "blk.", "model.layers.") }

// toGGUF is the inverse of toHF.
func toGGUF(name string) string { return rename(name, 1, "model.layers.", "blk.") }

func rename(name string, side int, layers, newLayers string) string {
	names, prefix, rest := names, "", name
	if after, ok := strings.CutPrefix(name, layers); ok {
		if number, last, ok := strings.Cut(after, "."); ok {
			names, prefix, rest = layerNames, newLayers+number+".", last
		}
	}
	for _, pair := range names {
		if pair[side] == rest {
			return prefix + pair[1-side]
		}
	}
	return name
}

// For the llama family llama.cpp rotates neighbouring channels together, and transformers the
// channels i and half+i of a head. So the rows of the query and key projections are in another
// order: within each head, row 2i+k of llama.cpp is row k·half+i of Hugging Face.

// interleave puts the rows of a matrix [rows, in] into llama.cpp's order.
func interleave(data []float32, rows, heads int) []float32 {
	return reorder(data, rows, heads, func(i, k, half int) (from, to int) { return k*half + i, 2*i + k })
}

// halve is the inverse of interleave.
func halve(data []float32, rows, heads int) []float32 {
	return reorder(data, rows, heads, func(i, k, half int) (from, to int) { return 2*i + k, k*half + i })
}

// reorder moves the rows of a matrix [rows, in] within each head.
func reorder(data []float32, rows, heads int, move func(i, k, half int) (from, to int)) []float32 {
	out := make([]float32, len(data))
	in, head := len(data)/rows, rows/heads
	for h := range heads {
		for i := range head / 2 {
			for k := range 2 {
				from, to := move(i, k, head/2)
				copy(out[(h*head+to)*in:], data[(h*head+from)*in:(h*head+from+1)*in])
			}
		}
	}
	return out
}

// architectures has the values of general.architecture in llama.cpp, by model_type.
var architectures = map[string]string{"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
