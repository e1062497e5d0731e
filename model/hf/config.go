package hf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/satori-go/satori/model/decoder"
)

// A configFile is a config.json: a configuration, and the fields that say how to read it.
type configFile struct {
	decoder.Config
	EOS           tokenIDs `json:"eos_token_id"`
	Pad           *int32   `json:"pad_token_id"`
	Architectures []string `json:"architectures"`
	DType         string   `json:"dtype,omitempty"`
	TorchDType    string   `json:"torch_dtype,omitempty"` // transformers 4
	HiddenAct     string   `json:"hidden_act"`
	NumLabels     int      `json:"num_labels,omitempty"`
	Rope          *rope    `json:"rope_parameters,omitempty"` // transformers 5
	RopeScaling   *rope    `json:"rope_scaling,omitempty"`    // transformers 4

	MaxSequence int `json:"max_sequence_length,omitempty"` // of Llama 1's files, for max_position_embeddings

	Window     *int     `json:"sliding_window"`
	UseWindow  *bool    `json:"use_sliding_window,omitempty"`
	LayerTypes []string `json:"layer_types,omitempty"`
}

// A rope says how positions are rotated, with the field names of transformers 4 and 5.
type rope struct {
	Theta         float64 `json:"rope_theta,omitempty"`
	Type          string  `json:"rope_type,omitempty"`
	OldType       string  `json:"type,omitempty"` // of rope_scaling before transformers 4.43
	PartialRotary float64 `json:"partial_rotary_factor,omitempty"`
	Factor        float64 `json:"factor,omitempty"`
	LowFreq       float64 `json:"low_freq_factor,omitempty"`
	HighFreq      float64 `json:"high_freq_factor,omitempty"`
	Original      int     `json:"original_max_position_embeddings,omitempty"`
}

// tokenIDs holds one id or a list of them.
type tokenIDs []int32

// UnmarshalJSON reads a number or a list of them.
func (t *tokenIDs) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*[]int32)(t))
	}
	*t = make(tokenIDs, 1)
	return json.Unmarshal(data, &(*t)[0])
}

// MarshalJSON writes one id as a number, and several as a list.
func (t tokenIDs) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]int32(t))
}

// configFields says what a config.json may hold. A field has nil here where configFile reads it
// or where it does not change what the model computes; the last part of these are the sampling
// settings of transformers 4. Otherwise it has the values that this decoder can compute. A field
// that is not here is refused, because it may change what the model computes. The value null
// counts as no field.
var configFields = fieldRules(`
	model_type vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads
	head_dim max_position_embeddings rms_norm_eps rope_theta rope_parameters rope_scaling partial_rotary_factor
	time_shift tie_word_embeddings initializer_range bos_token_id eos_token_id pad_token_id architectures dtype
	torch_dtype num_labels sliding_window use_sliding_window layer_types attention_bias mlp_bias

	max_window_layers _name_or_path name_or_path transformers_version transformers.js_config use_cache pretraining_tp
	id2label label2id problem_type return_dict output_attentions output_hidden_states task_specific_params
	unsloth_fixed unsloth_version _attn_implementation_autoset bos_token eos_token pad_token tokenizer_class
	max_sequence_length finetuning_task sep_token_id decoder_start_token_id prefix torchscript tf_legacy_loss use_bfloat16
	chunk_size_feed_forward

	max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p typical_p
	repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids num_return_sequences
	output_scores return_dict_in_generate forced_bos_token_id forced_eos_token_id remove_invalid_values
	exponential_decay_length_penalty suppress_tokens begin_suppress_tokens`,
	map[string][]string{
		"hidden_act":          {"silu"},
		"attention_dropout":   {"0"}, // it changes training
		"hidden_dropout":      {"0"},
		"rope_interleaved":    {"false"},
		"use_mrope":           {"false"},
		"is_llama_config":     {"true"},
		"is_encoder_decoder":  {"false"},
		"is_decoder":          {"false", "true"},
		"add_cross_attention": {"false"},
		"tie_encoder_decoder": {"false"},
		"quantization_config": {}, // null alone
	})

var ropeFields = fieldRules(`rope_theta rope_type type partial_rotary_factor factor low_freq_factor high_freq_factor
	original_max_position_embeddings`, nil)

func fieldRules(free string, ruled map[string][]string) map[string][]string {
	rules := maps.Clone(ruled)
	if rules == nil {
		rules = map[string][]string{}
	}
	for name := range strings.FieldsSeq(free) {
		rules[name] = nil
	}
	return rules
}

// checkFields returns an error that names each field that the rules do not have, and each value
// that they do not allow.
func checkFields(fields map[string]any, rules map[string][]string, within string) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := fields[name]
		allowed, known := rules[name]
		switch {
		case !known && value != nil:
			faults = append(faults, fmt.Errorf("field %q is not known and may change what the model computes: remove it if it does not",
				within+name))
		case allowed != nil && value != nil && !slices.Contains(allowed, fmt.Sprint(value)):
			faults = append(faults, fmt.Errorf("field %q is %v, which is not supported", within+name, value))
		}
	}
	return errors.Join(faults...)
}

// readConfig reads a config.json. A field or value that the decoder cannot compute is an error
// that names it.
func readConfig(path string) (decoder.Config, error) {
	data, err := readSmall(path)
	if err != nil {
		return decoder.Config{}, err
	}
	c, err := parseConfig(data)
	if err != nil {
		return decoder.Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// maxConfig bounds a config.json. Real ones have a thousand bytes.
const maxConfig = 1 << 20

// readSmall reads a file of up to maxConfig bytes.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(data) > maxConfig {
		err = fmt.Errorf("%s: longer than %d bytes", path, maxConfig)
	}
	return data, err
}

func parseConfig(data []byte) (decoder.Config, error) {
	var fields map[string]any
	var h configFile
	if err := json.Unmarshal(data, &fields); err != nil {
		return decoder.Config{}, err
	}
	// The family first: the fields of another one mean nothing.
	if t, ok := fields["model_type"].(string); ok && families[t].class == "" {
		return decoder.Config{}, fmt.Errorf("model_type %q is not supported (%s)", t, modelTypes())
	}
	if err := checkFields(fields, configFields, ""); err != nil {
		return decoder.Config{}, err
	}
	if err := json.Unmarshal(data, &h); err != nil {
		return decoder.Config{}, err
	}
	refuse := func(field string, value any) (decoder.Config, error) {
		return decoder.Config{}, fmt.Errorf("field %q is %v, which is not supported", field, value)
	}
	missing := func(field string) (decoder.Config, error) {
		return decoder.Config{}, fmt.Errorf("field %q is missing", field)
	}
	c := h.Config
	if c.ModelType == "" {
		return missing("model_type")
	}
	for _, name := range append([]string{"eos_token_id"}, families[c.ModelType].needs...) {
		if fields[name] == nil {
			return missing(name)
		}
	}
	if len(h.EOS) == 0 {
		return refuse("eos_token_id", h.EOS)
	}
	c.EOS, c.Pad = h.EOS[0], h.EOS[0]
	if len(h.EOS) > 1 {
		c.Stops = h.EOS[1:]
	}
	if h.Pad != nil {
		c.Pad = *h.Pad
	}
	if c.Pad < 0 { // -1 is none in early files of Llama
		c.Pad = c.EOS
	}
	if c.MaxPositions == 0 {
		c.MaxPositions = h.MaxSequence
	}
	for _, a := range h.Architectures {
		switch class := families[c.ModelType].class; a {
		case class + "ForCausalLM":
		case class + "ForSequenceClassification":
			c.OutputHeads = []string{decoder.HeadScore}
		default:
			return refuse("architectures", a)
		}
	}
	for _, dtype := range []string{h.DType, h.TorchDType} {
		if !slices.Contains([]string{"", "float32", "float16", "bfloat16"}, dtype) {
			return refuse("dtype", dtype)
		}
	}
	if h.NumLabels > 1 {
		return refuse("num_labels", h.NumLabels)
	}
	for _, r := range []struct {
		name string
		rope *rope
	}{{"rope_scaling", h.RopeScaling}, {"rope_parameters", h.Rope}} {
		if r.rope == nil {
			continue
		}
		within, _ := fields[r.name].(map[string]any)
		before := c.RopeScaling
		if err := errors.Join(checkFields(within, ropeFields, r.name+"."), setRope(&c, r.name, *r.rope)); err != nil {
			return decoder.Config{}, err
		}
		if h.RopeScaling != nil && h.Rope != nil && r.rope == h.Rope && c.RopeScaling != before {
			return decoder.Config{}, errors.New(`fields "rope_scaling" and "rope_parameters" differ`)
		}
	}
	c, err := c.Resolve()
	if err != nil {
		return decoder.Config{}, err
	}
	return c, h.checkWindow(c)
}

// setRope copies the settings of rotary positions into the configuration.
func setRope(c *decoder.Config, name string, r rope) error {
	if r.Theta != 0 {
		c.RopeTheta = r.Theta
	}
	if r.PartialRotary != 0 {
		c.PartialRotary = r.PartialRotary
	}
	kind := r.Type
	if kind == "" {
		kind = r.OldType
	} else if r.OldType != "" && r.OldType != kind {
		return fmt.Errorf("field %q is %s, but %q is %s", name+".type", r.OldType, name+".rope_type", kind)
	}
	scaling := decoder.RopeScaling{Factor: r.Factor, LowFreq: r.LowFreq, HighFreq: r.HighFreq, Original: r.Original}
	switch {
	case kind == "llama3":
		if scaling == (decoder.RopeScaling{}) {
			return fmt.Errorf("field %q is missing", name+".factor")
		}
		c.RopeScaling = scaling
	case kind != "" && kind != "default":
		return fmt.Errorf("field %q is %s, which is not supported (default, llama3)", name+".rope_type", kind)
	case scaling != decoder.RopeScaling{}:
		return fmt.Errorf("field %q is missing, but there are numbers of a scaling", name+".rope_type")
	}
	return nil
}

// checkWindow refuses a sliding window that is shorter than the context, because this decoder
// attends to all positions before. In a context within the window there is no difference.
func (h configFile) checkWindow(c decoder.Config) error {
	if h.Window == nil || *h.Window >= c.MaxPositions || h.UseWindow != nil && !*h.UseWindow {
		for i, t := range h.LayerTypes {
			if t != "full_attention" && (t != "sliding_attention" || h.Window == nil || *h.Window < c.MaxPositions) {
				return fmt.Errorf("field %q is %s, which is not supported", fmt.Sprintf("layer_types[%d]", i), t)
			}
		}
		return nil
	}
	// Qwen's classes use a window only where use_sliding_window is true. Its default is false.
	if h.UseWindow == nil && strings.HasPrefix(c.ModelType, "qwen") {
		return nil
	}
	return fmt.Errorf("field %q is %d, which is not supported; within the window it makes no difference: set %q, now %d, to %[2]d at most",
		"sliding_window", *h.Window, "max_position_embeddings", c.MaxPositions)
}

// writeConfig writes a config.json that transformers reads, unless model_type is satori.
func writeConfig(c decoder.Config, path string) error {
	data, err := marshalConfig(c)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

func marshalConfig(c decoder.Config) ([]byte, error) {
	h := configFile{Config: c, EOS: append(tokenIDs{c.EOS}, c.Stops...), Pad: &c.Pad, DType: "float32", HiddenAct: "silu",
		Rope: &rope{Theta: c.RopeTheta, Type: "default"}}
	class := families[c.ModelType].class
	h.Architectures = []string{class + "ForCausalLM"}
	if c.BF16 {
		h.DType = "bfloat16"
	}
	if !c.HasHead(decoder.HeadLM) {
		h.Architectures = []string{class + "ForSequenceClassification"}
		h.NumLabels = 1
	}
	if c.PartialRotary == 1 {
		h.Config.PartialRotary = 0
	}
	if s := c.RopeScaling; s != (decoder.RopeScaling{}) { // in both spellings
		h.Rope = &rope{Theta: c.RopeTheta, Type: "llama3", Factor: s.Factor, LowFreq: s.LowFreq, HighFreq: s.HighFreq, Original: s.Original}
		old := *h.Rope
		old.Theta = 0
		h.RopeScaling = &old
	}
	data, err := json.MarshalIndent(h, "", "  ")
	return append(data, '\n'), err
}
