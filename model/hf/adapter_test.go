package hf

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/internal/filetest"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// Wrong adapters are refused by the name of the field or the tensor.
func TestAdapterRefuses(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	base, err := OpenNet(b, filetest.Path(t, "testdata", "llama-tiny"))
	require.NoError(t, err)
	config := func(change object) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, adapterConfigFile)
			var fields object
			modeltest.ReadJSON(t, path, &fields)
			for k, v := range change {
				fields[k] = v
			}
			data, err := json.Marshal(fields)
			if err == nil {
				err = os.WriteFile(path, data, 0o644)
			}
			require.NoError(t, err)
		}
	}
	tensor := func(old, new string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, adapterFile)
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o644)
			}
			require.NoError(t, err)
		}
	}
	const first = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
	for _, c := range []struct {
		want string
		harm func(t *testing.T, dir string)
	}{
		{"", config(object{"lora_dropout": 0.05, "task_type": nil})},
		{"tensor \"" + first + "\" has shape [4 64], want [8 64]", config(object{"r": 8})},
		{"tensor \"" + first + "\" is missing", tensor("0.self_attn.q_proj.lora_A", "7.self_attn.q_proj.lora_A")},
		{"layers.7.self_attn.q_proj.lora_A.weight\" is not one of this model's", tensor("0.self_attn.q_proj.lora_A", "7.self_attn.q_proj.lora_A")},
		{"up_proj.lora_A.weight\" is missing", config(object{"target_modules": []string{"up_proj", "gate_proj", "v_proj", "q_proj", "down_proj", "o_proj"}})},
		{`target "lm_head" is not supported`, config(object{"target_modules": []string{"lm_head"}})},
		{`field "target_modules" is "all-linear"`, config(object{"target_modules": "all-linear"})},
		{`field "target_modules" is missing`, config(object{"target_modules": nil})},
		{`field "peft_type" is IA3`, config(object{"peft_type": "IA3"})},
		{`field "use_dora" is true`, config(object{"use_dora": true})},
		{`field "use_rslora" is true`, config(object{"use_rslora": true})},
		{`field "bias" is all`, config(object{"bias": "all"})},
		{`field "rank_pattern" is map[q_proj:8]`, config(object{"rank_pattern": object{"q_proj": 8}})},
		{`field "modules_to_save" is [lm_head]`, config(object{"modules_to_save": []string{"lm_head"}})},
		{`field "new_thing" is not known`, config(object{"new_thing": 1})},
		{`field "r" is -4`, config(object{"r": -4})},
		{"adapter_model.safetensors", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, adapterFile)) }},
		{"adapter_config.json", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, adapterConfigFile)) }},
	} {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(filetest.Path(t, "testdata", "llama-lora"))))
		c.harm(t, dir)
		_, err := OpenAdapter(base, dir)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// Whatever is in the file, there is no panic and little memory.
func FuzzAdapterConfig(f *testing.F) {
	data, err := os.ReadFile(filetest.Path(f, "testdata", "llama-lora", adapterConfigFile))
	require.NoError(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		filetest.CheckMemory(t, len(data), func() {
			if l, err := parseAdapterConfig(data); err == nil && !(l.Rank > 0 && l.Alpha > 0 && len(l.Targets) > 0) {
				t.Errorf("%+v", l)
			}
		})
	})
}
