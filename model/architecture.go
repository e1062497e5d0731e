package model

import (
	"maps"
	"slices"
	"strings"
)

// An architecture is what tells a family of decoders from the others, beside the
// numbers of its [Config]. The decoder itself asks only which tensors there are.
type architecture struct {
	class   string // in transformers, before "ForCausalLM"
	gguf    string // general.architecture in llama.cpp; "": it has none
	qkvBias bool   // the query, key and value projections have a bias
	// Biases that a config.json can ask for.
	attentionBias, mlpBias bool
	qkNorm                 bool // queries and keys are normalised, head by head, before they are rotated
	// needs are fields that its config.json cannot leave out: transformers' default for them
	// is a number of its own, not what a zero means in Config.
	needs []string
}

// architectures are the decoders that this package runs, by model_type.
var architectures = map[string]architecture{
	"llama":   {class: "Llama", gguf: "llama", attentionBias: true, mlpBias: true}, // SmolLM2 too
	"mistral": {class: "Mistral", gguf: "llama", needs: []string{"num_key_value_heads"}},
	"qwen2":   {class: "Qwen2", gguf: "qwen2", qkvBias: true, needs: []string{"num_key_value_heads"}}, // Qwen2.5 too
	"qwen3":   {class: "Qwen3", gguf: "qwen3", attentionBias: true, qkNorm: true, needs: []string{"num_key_value_heads", "head_dim"}},
	"satori":  {class: "Satori"}, // this library's own: TimeShift and PartialRotary
}

// arch is the architecture of a resolved config.
func (c Config) arch() architecture { return architectures[c.ModelType] }

// modelTypes lists the architectures for messages.
func modelTypes() string { return strings.Join(slices.Sorted(maps.Keys(architectures)), ", ") }
