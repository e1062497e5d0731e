package hf

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/filetest"
)

// The two spellings of transformers 4 and 5 mean the same.
func TestConfigOldRope(t *testing.T) {
	dir := filetest.Path(t, "testdata", "llama3-rope")
	now, err := readConfig(filepath.Join(dir, "config.json"))
	require.NoError(t, err)
	old, err := readConfig(filepath.Join(dir, "config.v4.json"))
	require.NoError(t, err)
	if !reflect.DeepEqual(now, old) || now.RopeScaling != (decoder.RopeScaling{Factor: 8, LowFreq: 1, HighFreq: 4, Original: 32}) {
		t.Errorf("%+v and %+v", now, old)
	}
}

// A config comes back as it was written, whatever the family.
func TestConfigWriteRead(t *testing.T) {
	bos := int32(1)
	base := decoder.Config{VocabSize: 97, Dim: 64, IntermediateSize: 128, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 24, MaxPositions: 64, EOS: 2, Pad: 5, BOS: &bos}
	for _, name := range []string{"llama", "mistral", "qwen2", "qwen3", "satori"} {
		c := base
		c.ModelType = name
		c.Stops = []int32{7, 9}
		c.RopeScaling = decoder.RopeScaling{Factor: 32, LowFreq: 1, HighFreq: 4, Original: 8192}
		if name == "satori" {
			c.TokenShift, c.PartialRotary, c.OutputHeads, c.RopeScaling = true, 0.5, []string{decoder.HeadScore}, decoder.RopeScaling{}
		}
		want, err := c.Resolve()
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "config.json")
		require.NoError(t, writeConfig(want, path))
		if got, err := readConfig(path); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, err, got, want)
		}
	}
}

// plain is a config.json of a small model of a family, with fields changed; nil removes one.
func plain(t testing.TB, family string, change map[string]any) []byte {
	fields := map[string]any{"model_type": family, "vocab_size": 97, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
		"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 256, "eos_token_id": 2}
	for k, v := range change {
		fields[k] = v
		if v == nil {
			delete(fields, k)
		}
	}
	data, err := json.Marshal(fields)
	require.NoError(t, err)
	return data
}

type object = map[string]any

func TestConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		family string
		change object
		want   string
	}{
		{"gemma3", nil, `model_type "gemma3" is not supported (llama, mistral, qwen2, qwen3, satori)`},
		{"llama", object{"model_type": nil}, `field "model_type" is missing`},
		{"llama", object{"eos_token_id": nil}, `field "eos_token_id" is missing`},
		{"llama", object{"eos_token_id": []int{}}, `field "eos_token_id" is []`},
		{"llama", object{"eos_token_id": []int{2, 97}}, "eos_token_id 97 is outside the vocabulary of 97"},
		{"llama", object{"pad_token_id": 97}, "pad_token_id 97 is outside the vocabulary of 97"},
		{"llama", object{"bos_token_id": -1}, "bos_token_id is outside the vocabulary of 97"},
		{"llama", object{"num_experts": 8}, `field "num_experts" is not known`},
		{"llama", object{"quantization_config": object{"bits": 4}}, `field "quantization_config" is map[bits:4], which is not supported`},
		{"llama", object{"hidden_act": "gelu"}, `field "hidden_act" is gelu`},
		{"mistral", object{"attention_bias": true, "num_key_value_heads": 2}, `field "attention_bias" is true`},
		{"qwen3", object{"mlp_bias": true, "num_key_value_heads": 2}, `field "mlp_bias" is true`},
		{"llama", object{"attention_dropout": 0.1}, `field "attention_dropout" is 0.1`},
		{"llama", object{"torch_dtype": "float8_e4m3fn"}, `field "dtype" is float8_e4m3fn`},
		{"llama", object{"architectures": []string{"LlamaForQuestionAnswering"}}, `field "architectures" is LlamaForQuestionAnswering`},
		{"llama", object{"architectures": []string{"Qwen2ForCausalLM"}}, `field "architectures" is Qwen2ForCausalLM`},
		{"llama", object{"rope_scaling": object{"type": "linear", "factor": 2}}, `field "rope_scaling.rope_type" is linear`},
		{"llama", object{"rope_scaling": object{"rope_type": "yarn", "factor": 2}}, `field "rope_scaling.rope_type" is yarn`},
		{"llama", object{"rope_scaling": object{"factor": 2}}, `field "rope_scaling.rope_type" is missing`},
		{"llama", object{"rope_scaling": object{"type": "llama3", "rope_type": "default"}}, `field "rope_scaling.type" is llama3, but "rope_scaling.rope_type" is default`},
		{"llama", object{"rope_scaling": object{"rope_type": "llama3"}}, `field "rope_scaling.factor" is missing`},
		{"llama", object{"rope_scaling": object{"rope_type": "llama3", "factor": 8}}, "low_freq_factor"},
		{"llama", object{"rope_parameters": object{"rope_type": "default", "beta_fast": 32}}, `field "rope_parameters.beta_fast" is not known`},
		{"llama", object{"time_shift": true}, "model_type llama has neither time_shift nor"},
		{"llama", object{"num_hidden_layers": 1 << 40}, "num_hidden_layers is 1099511627776, more than"},
		{"llama", object{"num_key_value_heads": -4}, "num_key_value_heads is -4, want it positive"},
		{"llama", object{"num_attention_heads": 1 << 20, "num_key_value_heads": 1 << 20, "head_dim": 1 << 20}, "times head_dim 1048576 is more than"},
		{"mistral", object{"num_key_value_heads": nil}, `field "num_key_value_heads" is missing`},
		{"mistral", object{"sliding_window": 128}, `field "sliding_window" is 128, which is not supported; within the window it makes no difference: set "max_position_embeddings", now 256, to 128 at most`},
		{"qwen2", object{"sliding_window": 128, "use_sliding_window": true}, `field "sliding_window" is 128`},
		{"qwen2", object{"layer_types": []string{"full_attention", "sliding_attention"}}, `field "layer_types[1]" is sliding_attention`},
		{"qwen3", object{"head_dim": nil}, `field "head_dim" is missing`},
	} {
		if _, err := parseConfig(plain(t, c.family, c.change)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: error %v, want %s", c.family, c.change, err, c.want)
		}
	}
}

// What real files have beside the numbers does not stand in the way.
func TestConfigAccepts(t *testing.T) {
	for _, c := range []struct {
		family string
		change object
		check  func(decoder.Config) bool
	}{
		{"llama", object{"num_key_value_heads": nil, "head_dim": nil, "pretraining_tp": 1, "rope_scaling": nil, "torch_dtype": "float16"}, // Llama 1
			func(c decoder.Config) bool { return c.KVHeads == 4 && c.HeadDim == 16 && c.Pad == 2 }},
		{"llama", object{"max_position_embeddings": nil, "max_sequence_length": 200, "pad_token_id": -1}, // its first files
			func(c decoder.Config) bool { return c.MaxPositions == 200 && c.Pad == 2 }},
		{"llama", object{"max_length": 4096, "do_sample": true, "temperature": 0.9, "top_p": 0.6}, nil}, // Llama 2
		{"llama", object{"eos_token_id": []int{5, 6, 7}, "torch_dtype": "bfloat16", "mlp_bias": false, // Llama 3.1
			"rope_scaling": object{"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 128, "type": "llama3"}},
			func(c decoder.Config) bool {
				return c.EOS == 5 && c.Ends(7) && !c.Ends(2) && c.RopeScaling == decoder.RopeScaling{Factor: 8, LowFreq: 1, HighFreq: 4, Original: 128}
			}},
		{"llama", object{"is_llama_config": true, "rope_interleaved": false, "transformers.js_config": object{"dtype": "q4"}, "attention_dropout": 0.0}, nil}, // SmolLM2
		{"mistral", object{"sliding_window": nil}, nil},
		{"mistral", object{"sliding_window": 256, "head_dim": nil}, nil},
		{"qwen2", object{"sliding_window": 64, "use_sliding_window": false, "max_window_layers": 28, "use_mrope": false}, nil},
		{"qwen2", object{"sliding_window": 64}, nil},
		{"qwen3", object{"attention_bias": false, "layer_types": []string{"full_attention", "full_attention"}}, nil},
	} {
		got, err := parseConfig(plain(t, c.family, c.change))
		if err != nil || c.check != nil && !c.check(got) {
			t.Errorf("%s %v: %+v, %v", c.family, c.change, got, err)
		}
	}
}

// Whatever is in the file, there is no panic and little memory, and what is accepted can
// be written and read again.
func FuzzConfig(f *testing.F) {
	for _, path := range []string{"llama-tiny", "llama3-rope", "qwen2-tiny", "qwen3-tiny", "mistral-tiny"} {
		data, err := os.ReadFile(filetest.Path(f, "testdata", path, "config.json"))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add(plain(f, "qwen2", object{"sliding_window": 64, "eos_token_id": []int{1, 2}, "rope_scaling": object{"type": "linear"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c decoder.Config
		var err error
		filetest.CheckMemory(t, len(data), func() { c, err = parseConfig(data) })
		if err != nil {
			return
		}
		written, err := marshalConfig(c)
		require.NoError(t, err)
		if again, err := parseConfig(written); err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%v\n got %+v\nwant %+v", err, again, c)
		}
	})
}
