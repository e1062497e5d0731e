package decoder

import (
	"maps"
	"slices"
	"strings"
)

// An architecture says which tensors a family of decoders has, beside what the numbers of its
// [Config] say. The graph asks only which tensors there are.
type architecture struct {
	qkvBias bool // the query, key and value projections have a bias
	// Biases that a config can ask for.
	attentionBias, mlpBias bool
	qkNorm                 bool // queries and keys are normalised, head by head, before they are rotated
}

// architectures has the families that this package builds, by model_type.
var architectures = map[string]architecture{
	"llama":   {attentionBias: true, mlpBias: true}, // SmolLM2 too
	"mistral": {},
	"qwen2":   {qkvBias: true}, // Qwen2.5 too
	"qwen3":   {attentionBias: true, qkNorm: true},
	"satori":  {}, // this library's name for Llama with TokenShift and PartialRotary
}

// arch returns the architecture of a resolved config.
func (c Config) arch() architecture { return architectures[c.ModelType] }

// ModelTypes lists the families of decoders, as values of [Config.ModelType].
func ModelTypes() []string { return slices.Sorted(maps.Keys(architectures)) }

// modelTypes writes the families for messages.
func modelTypes() string { return strings.Join(ModelTypes(), ", ") }
