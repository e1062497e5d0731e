package decoder

import (
	"errors"
	"fmt"
	"slices"
)

// A Config says what shape a decoder has, in the field names of a Hugging Face config.json.
// ModelType says which family it belongs to: llama (and SmolLM2), mistral, qwen2 (and Qwen2.5)
// and qwen3 are read as transformers writes them. Two fields help the small models of the
// examples to look things up: PartialRotary and TokenShift.
type Config struct {
	ModelType        string `json:"model_type"` // "": "llama", or "satori" with TokenShift or PartialRotary
	VocabSize        int    `json:"vocab_size"`
	Dim              int    `json:"hidden_size"`
	IntermediateSize int    `json:"intermediate_size"`
	Layers           int    `json:"num_hidden_layers"`
	Heads            int    `json:"num_attention_heads"`
	KVHeads          int    `json:"num_key_value_heads"` // 0: as many as Heads
	HeadDim          int    `json:"head_dim"`            // 0: Dim / Heads
	MaxPositions     int    `json:"max_position_embeddings"`

	NormEps   float64 `json:"rms_norm_eps"` // 0: 1e-6
	RopeTheta float64 `json:"rope_theta"`   // 0: 10000
	// RopeScaling changes the frequencies of rotary positions, as Llama 3.1 does. Zero: it does not.
	RopeScaling RopeScaling `json:"-"`
	// PartialRotary is the share of each head's channels that carry rotary positions; the
	// other channels compare contents, whatever the distance. 0: all of them carry positions.
	// It is a field of published models too (GPT-NeoX calls it rotary_pct; Phi, StableLM and GLM
	// have it under this name), but of none of the families above except satori.
	PartialRotary float64 `json:"partial_rotary_factor,omitempty"`
	// TokenShift mixes each token with the one before it: the first half of the channels that
	// enter the query, key and value projections is the previous token's. It is the token
	// shift of RWKV ("token-shift, time-shift mixing" in the README of
	// https://github.com/BlinkDL/RWKV-LM, 2021), and the smallest form of a short causal
	// convolution (Canon layers, arXiv:2512.17351). The families above except satori do not
	// have it.
	TokenShift bool `json:"time_shift,omitempty"`
	Tied       bool `json:"tie_word_embeddings"` // the head is the embedding
	// AttentionBias adds biases to the four projections of attention (llama, qwen3), and MLPBias to
	// the three of the MLP (llama).
	AttentionBias bool `json:"attention_bias,omitempty"`
	MLPBias       bool `json:"mlp_bias,omitempty"`

	InitRange float64 `json:"initializer_range"` // standard deviation of a fresh embedding; 0: 0.02
	BOS       *int32  `json:"bos_token_id,omitempty"`
	EOS       int32   `json:"eos_token_id"`
	// Stops lists further tokens that end a completion. A config.json may have a list as
	// eos_token_id, whose first is EOS. Chat models of Llama 3 have three.
	Stops []int32 `json:"-"`
	Pad   int32   `json:"pad_token_id"` // the EOS where a config.json has none

	// OutputHeads names the heads on the decoder's last layer: [HeadLM] gives logits of the next
	// token, and every other head one number a token. nil: the language-model head alone. Without
	// HeadLM there has to be [HeadScore], which is then the head of Hugging Face's
	// ...ForSequenceClassification: that of a reward model or critic.
	OutputHeads []string `json:"-"`
	// LoRA is a low-rank adapter. Rank 0: none.
	LoRA LoRA `json:"-"`

	// BF16 stores weights as bfloat16, in half the memory. Graphs compute in float32.
	BF16 bool `json:"-"`
	// GradientCheckpointing computes each layer a second time in the gradient, instead of keeping
	// what the layer computed: less memory for a third more arithmetic. Loss and gradient are the
	// same. A learner reads it when it is made.
	GradientCheckpointing bool `json:"-"`
}

// A RopeScaling holds the rotary scaling of Llama 3.1 and 3.2 (rope_type "llama3"). Frequencies
// whose wavelength exceeds Original/LowFreq are divided by Factor, those under Original/HighFreq
// stay, and those between are a mixture of both.
type RopeScaling struct {
	Factor, LowFreq, HighFreq float64
	Original                  int // the context of pretraining
}

// maxSize bounds every number of a config, so that no product of two of them overflows.
const maxSize = 1 << 30

// Resolve fills in defaults and reports all faults at once.
func (c Config) Resolve() (Config, error) {
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.HeadDim == 0 && c.Heads > 0 {
		c.HeadDim = c.Dim / c.Heads
	}
	if c.NormEps == 0 {
		c.NormEps = 1e-6
	}
	if c.RopeTheta == 0 {
		c.RopeTheta = 10000
	}
	if c.PartialRotary == 0 {
		c.PartialRotary = 1
	}
	if c.InitRange == 0 {
		c.InitRange = 0.02
	}
	if c.ModelType == "" {
		c.ModelType = "llama"
		if c.TokenShift || c.PartialRotary != 1 {
			c.ModelType = "satori"
		}
	}
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	_, known := architectures[c.ModelType]
	fault(!known, "model_type %q is not supported (%s)", c.ModelType, modelTypes())
	for _, f := range []struct {
		name  string
		value int
	}{
		{"vocab_size", c.VocabSize}, {"hidden_size", c.Dim}, {"intermediate_size", c.IntermediateSize}, {"num_hidden_layers", c.Layers},
		{"num_attention_heads", c.Heads}, {"num_key_value_heads", c.KVHeads}, {"head_dim", c.HeadDim},
		{"max_position_embeddings", c.MaxPositions},
	} {
		fault(f.value <= 0, "%s is %d, want it positive", f.name, f.value)
		fault(f.value > maxSize, "%s is %d, more than %d", f.name, f.value, maxSize)
	}
	if len(faults) == 0 {
		fault(int64(c.Heads)*int64(c.HeadDim) > maxSize, "num_attention_heads %d times head_dim %d is more than %d", c.Heads, c.HeadDim, maxSize)
		fault(c.Heads%c.KVHeads != 0, "num_attention_heads %d is no multiple of num_key_value_heads %d", c.Heads, c.KVHeads)
		fault(c.rotary()%2 != 0 || c.rotary() < 2 || c.rotary() > c.HeadDim,
			"partial_rotary_factor %g of head_dim %d is not an even number of channels", c.PartialRotary, c.HeadDim)
		fault(c.TokenShift && c.Dim%2 != 0, "time_shift wants an even hidden_size, not %d", c.Dim)
		for _, id := range append([]int32{c.EOS}, c.Stops...) {
			fault(id < 0 || int(id) >= c.VocabSize, "eos_token_id %d is outside the vocabulary of %d", id, c.VocabSize)
		}
		fault(c.Pad < 0 || int(c.Pad) >= c.VocabSize, "pad_token_id %d is outside the vocabulary of %d", c.Pad, c.VocabSize)
		fault(c.BOS != nil && (*c.BOS < 0 || int(*c.BOS) >= c.VocabSize), "bos_token_id is outside the vocabulary of %d", c.VocabSize)
		fault(c.ModelType != "satori" && (c.TokenShift || c.PartialRotary != 1),
			"model_type %s has neither time_shift nor partial_rotary_factor", c.ModelType)
		fault(c.AttentionBias && !c.arch().attentionBias, `field "attention_bias" is true, which model_type %s does not support`, c.ModelType)
		fault(c.MLPBias && !c.arch().mlpBias, `field "mlp_bias" is true, which model_type %s does not support`, c.ModelType)
		fault(c.NormEps < 0 || c.RopeTheta <= 0, "rms_norm_eps %g or rope_theta %g is negative", c.NormEps, c.RopeTheta)
		if r := c.RopeScaling; r != (RopeScaling{}) {
			fault(!(r.Factor >= 1 && r.LowFreq > 0 && r.HighFreq > r.LowFreq && r.Original > 0),
				"rope scaling %+v: want a factor of 1 or more, 0 < low_freq_factor < high_freq_factor, and original_max_position_embeddings", r)
		}
	}
	faults = append(faults, c.checkHeads())
	if c.LoRA.On() {
		l, err := c.LoRA.Resolve()
		c.LoRA, faults = l, append(faults, err)
	}
	return c, errors.Join(faults...)
}

// String writes all fields, with the numbers that pointers point to: what is compiled for a
// configuration is looked up by this text.
func (c Config) String() string {
	type fields Config
	if c.BOS == nil {
		return fmt.Sprintf("%+v", fields(c))
	}
	bos := *c.BOS
	c.BOS = nil
	return fmt.Sprintf("%+v, BOS %d", fields(c), bos)
}

// Ends reports whether a token ends a completion: EOS or one of Stops.
func (c Config) Ends(token int32) bool { return token == c.EOS || slices.Contains(c.Stops, token) }

// rotary returns the number of channels of a head that carry positions.
func (c Config) rotary() int { return int(float64(c.HeadDim) * c.PartialRotary) }

// group returns the number of query heads that share a key and value head.
func (c Config) group() int { return c.Heads / c.KVHeads }
