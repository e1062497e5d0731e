package model

import (
	"strings"

	"github.com/satori-go/satori/model/decoder"
)

// An hfFamily says how transformers writes the config.json of a family of decoders.
type hfFamily struct {
	class string // in transformers, before "ForCausalLM"
	// needs are fields that its config.json cannot leave out: transformers' default for them
	// is a number of its own, not what a zero means in Config.
	needs []string
}

// hfFamilies are the families by model_type.
var hfFamilies = map[string]hfFamily{
	"llama":   {class: "Llama"},
	"mistral": {class: "Mistral", needs: []string{"num_key_value_heads"}},
	"qwen2":   {class: "Qwen2", needs: []string{"num_key_value_heads"}},
	"qwen3":   {class: "Qwen3", needs: []string{"num_key_value_heads", "head_dim"}},
	"satori":  {class: "Satori"},
}

// modelTypes lists the families for messages.
func modelTypes() string { return strings.Join(decoder.ModelTypes(), ", ") }

// ggufArchitectures are the values of general.architecture in llama.cpp, by model_type.
var ggufArchitectures = map[string]string{"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
