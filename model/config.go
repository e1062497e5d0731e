package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// A Config is the shape of a decoder, in the field names of a Hugging Face
// config.json. Llama is read as transformers writes it. Two fields make the small
// models of the examples able to look things up: PartialRotary and TimeShift.
type Config struct {
	ModelType    string `json:"model_type"` // "llama", or "satori" with TimeShift or PartialRotary
	VocabSize    int    `json:"vocab_size"`
	Dim          int    `json:"hidden_size"`
	FFN          int    `json:"intermediate_size"`
	Layers       int    `json:"num_hidden_layers"`
	Heads        int    `json:"num_attention_heads"`
	KVHeads      int    `json:"num_key_value_heads"` // 0: as many as Heads
	HeadDim      int    `json:"head_dim"`            // 0: Dim / Heads
	MaxPositions int    `json:"max_position_embeddings"`

	NormEps   float64 `json:"rms_norm_eps"` // 0: 1e-6
	RopeTheta float64 `json:"rope_theta"`   // 0: 10000
	// PartialRotary is the share of each head's channels that carry rotary positions;
	// the rest compare contents wherever they stand. 0: all of them.
	PartialRotary float64 `json:"partial_rotary_factor,omitempty"`
	// TimeShift mixes each token with the one before it: half of the channels that enter
	// the query, key and value projections are the previous token's. It is the smallest
	// form of a short causal convolution (Canon layers, arXiv:2512.17351), and this
	// library's own: no pretrained architecture has it.
	TimeShift bool `json:"time_shift,omitempty"`
	Tied      bool `json:"tie_word_embeddings"` // the head is the embedding

	InitRange float64 `json:"initializer_range"` // deviation of a fresh embedding; 0: 0.02
	BOS       *int32  `json:"bos_token_id,omitempty"`
	EOS       int32   `json:"eos_token_id"`
	Pad       int32   `json:"pad_token_id"`

	// Score replaces the language-model head by one scalar a token, without bias: the
	// head of a reward model or critic (Hugging Face's ...ForSequenceClassification).
	Score bool `json:"-"`
}

// resolve fills in defaults and reports all faults at once.
func (c Config) resolve() (Config, error) {
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
		if c.TimeShift || c.PartialRotary != 1 {
			c.ModelType = "satori"
		}
	}
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	for _, f := range []struct {
		name  string
		value int
	}{
		{"vocab_size", c.VocabSize}, {"hidden_size", c.Dim}, {"intermediate_size", c.FFN}, {"num_hidden_layers", c.Layers},
		{"num_attention_heads", c.Heads}, {"max_position_embeddings", c.MaxPositions},
	} {
		fault(f.value <= 0, "%s is %d, want it positive", f.name, f.value)
	}
	if len(faults) == 0 {
		fault(c.Heads%c.KVHeads != 0, "num_attention_heads %d is no multiple of num_key_value_heads %d", c.Heads, c.KVHeads)
		fault(c.rotary()%2 != 0 || c.rotary() < 2 || c.rotary() > c.HeadDim, "partial_rotary_factor %g of head_dim %d is not an even number of channels", c.PartialRotary, c.HeadDim)
		fault(c.TimeShift && c.Dim%2 != 0, "time_shift wants an even hidden_size, not %d", c.Dim)
		fault(c.EOS < 0 || int(c.EOS) >= c.VocabSize, "eos_token_id %d is outside the vocabulary of %d", c.EOS, c.VocabSize)
		fault(c.ModelType != "llama" && c.ModelType != "satori", "model_type %q is not supported (llama, satori)", c.ModelType)
		fault(c.ModelType == "llama" && (c.TimeShift || c.PartialRotary != 1), "model_type llama has neither time_shift nor partial_rotary_factor")
	}
	return c, errors.Join(faults...)
}

// rotary is the number of channels of a head that carry positions.
func (c Config) rotary() int { return int(float64(c.HeadDim) * c.PartialRotary) }

// group is the number of query heads that share a key and value head.
func (c Config) group() int { return c.Heads / c.KVHeads }

// hfConfig is what config.json holds beside Config.
type hfConfig struct {
	Config
	Architectures []string `json:"architectures"`
	DType         string   `json:"dtype,omitempty"`
	TorchDType    string   `json:"torch_dtype,omitempty"`
	HiddenAct     string   `json:"hidden_act"`
	AttentionBias bool     `json:"attention_bias"`
	MLPBias       bool     `json:"mlp_bias"`
	NumLabels     int      `json:"num_labels,omitempty"`
	Rope          *hfRope  `json:"rope_parameters,omitempty"` // transformers 5
	RopeScaling   *hfRope  `json:"rope_scaling,omitempty"`    // transformers 4
}

type hfRope struct {
	Theta         float64 `json:"rope_theta,omitempty"`
	Type          string  `json:"rope_type,omitempty"`
	PartialRotary float64 `json:"partial_rotary_factor,omitempty"`
}

// readConfig reads config.json. What this decoder cannot do is refused by name.
func readConfig(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	var h hfConfig
	if err := json.Unmarshal(data, &h); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	refuse := func(field string, value any) (Config, error) {
		return Config{}, fmt.Errorf("%s: field %q is %v, which is not supported", path, field, value)
	}
	c := h.Config
	for _, r := range []*hfRope{h.RopeScaling, h.Rope} {
		if r == nil {
			continue
		}
		if r.Type != "" && r.Type != "default" {
			return refuse("rope_type", r.Type)
		}
		if r.Theta != 0 {
			c.RopeTheta = r.Theta
		}
		if r.PartialRotary != 0 {
			c.PartialRotary = r.PartialRotary
		}
	}
	switch {
	case h.HiddenAct != "" && h.HiddenAct != "silu":
		return refuse("hidden_act", h.HiddenAct)
	case h.AttentionBias:
		return refuse("attention_bias", true)
	case h.MLPBias:
		return refuse("mlp_bias", true)
	case h.DType != "" && h.DType != "float32", h.TorchDType != "" && h.TorchDType != "float32":
		return refuse("dtype", h.DType+h.TorchDType)
	case h.NumLabels > 1:
		return refuse("num_labels", h.NumLabels)
	}
	for _, a := range h.Architectures {
		c.Score = strings.HasSuffix(a, "ForSequenceClassification")
	}
	if c, err = c.resolve(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// write writes config.json so that transformers reads it back (for model_type llama).
func (c Config) write(path string) error {
	h := hfConfig{Config: c, DType: "float32", HiddenAct: "silu",
		Rope: &hfRope{Theta: c.RopeTheta, Type: "default"}}
	name := map[string]string{"llama": "Llama", "satori": "Satori"}[c.ModelType]
	h.Architectures = []string{name + "ForCausalLM"}
	if c.Score {
		h.Architectures = []string{name + "ForSequenceClassification"}
		h.NumLabels = 1
	}
	if c.PartialRotary == 1 {
		h.Config.PartialRotary = 0
	}
	data, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
