package hf

import (
	"strings"

	"github.com/satori-go/satori/model/decoder"
)

// A family says how transformers writes the config.json of a family of decoders.
type family struct {
	class string // in transformers, before "ForCausalLM"
	// needs are fields that its config.json must have: transformers' default for them is not
	// what a zero means in decoder.Config.
	needs []string
}

// families has the families that are read, by model_type.
var families = map[string]family{
	"llama":   {class: "Llama"},
	"mistral": {class: "Mistral", needs: []string{"num_key_value_heads"}},
	"qwen2":   {class: "Qwen2", needs: []string{"num_key_value_heads"}},
	"qwen3":   {class: "Qwen3", needs: []string{"num_key_value_heads", "head_dim"}},
	"satori":  {class: "Satori"},
}

// modelTypes lists the families for messages.
func modelTypes() string { return strings.Join(decoder.ModelTypes(), ", ") }
