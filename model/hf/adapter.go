package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/network"
)

// Files of an adapter in PEFT's layout, and what it puts before the name of a module.
const (
	adapterConfigFile = "adapter_config.json"
	adapterFile       = "adapter_model.safetensors"
	peftPrefix        = "base_model.model."
)

// An adapterConfig is an adapter_config.json.
type adapterConfig struct {
	PeftType  string   `json:"peft_type"`
	TaskType  string   `json:"task_type,omitempty"`
	Base      string   `json:"base_model_name_or_path"`
	Rank      int      `json:"r"`
	Alpha     float64  `json:"lora_alpha"`
	Targets   []string `json:"target_modules"`
	Dropout   float64  `json:"lora_dropout"`
	Bias      string   `json:"bias"`
	FanInOut  bool     `json:"fan_in_fan_out"`
	Inference bool     `json:"inference_mode"`
}

// adapterFields says what an adapter_config.json may hold, as configFields does of a config.json.
// Fields that say how an adapter was initialised or trained, such as its dropout, do not change
// what it computes.
var adapterFields = fieldRules(`
	r lora_alpha target_modules base_model_name_or_path task_type lora_dropout inference_mode init_lora_weights revision
	auto_mapping peft_version corda_config eva_config loftq_config lora_ga_config megatron_config megatron_core runtime_config
	qalora_group_size ensure_weight_tying`,
	map[string][]string{
		"peft_type": {"LORA"}, "bias": {"none"}, "fan_in_fan_out": {"false"}, "use_rslora": {"false"}, "use_dora": {"false"},
		"use_qalora": {"false"}, "lora_bias": {"false"},
		"rank_pattern": {"map[]"}, "alpha_pattern": {"map[]"}, "modules_to_save": {"[]"}, "exclude_modules": {"[]"},
		"layers_to_transform": {}, "layers_pattern": {}, "layer_replication": {}, "target_parameters": {"[]"},
		"trainable_token_indices": {}, "alora_invocation_tokens": {}, "use_bdlora": {"false"}, "arrow_config": {}, "kasa_config": {},
		"monteclora_config": {}, "velora_config": {},
	})

// parseAdapterConfig reads an adapter_config.json. A field or value that [decoder.LoRA] cannot
// compute is an error that names it.
func parseAdapterConfig(data []byte) (decoder.LoRA, error) {
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return decoder.LoRA{}, err
	}
	if err := checkFields(fields, adapterFields, ""); err != nil {
		return decoder.LoRA{}, err
	}
	if _, pattern := fields["target_modules"].(string); pattern {
		return decoder.LoRA{}, fmt.Errorf("field %q is %q, which is not supported: want a list", "target_modules", fields["target_modules"])
	}
	for _, name := range []string{"peft_type", "r", "lora_alpha", "target_modules"} {
		if fields[name] == nil {
			return decoder.LoRA{}, fmt.Errorf("field %q is missing", name)
		}
	}
	var c adapterConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return decoder.LoRA{}, err
	}
	if c.Rank <= 0 {
		return decoder.LoRA{}, fmt.Errorf("field %q is %d, want it positive", "r", c.Rank)
	}
	if c.Alpha <= 0 {
		return decoder.LoRA{}, fmt.Errorf("field %q is %g, want it positive", "lora_alpha", c.Alpha)
	}
	// PEFT keeps a set, and writes it in a random order.
	slices.SortFunc(c.Targets, func(a, b string) int {
		return slices.Index(decoder.LoRATargets(), a) - slices.Index(decoder.LoRATargets(), b)
	})
	return decoder.LoRA{Rank: c.Rank, Alpha: c.Alpha, Targets: c.Targets}.Resolve()
}

// OpenAdapter reads an adapter in PEFT's layout (adapter_config.json and
// adapter_model.safetensors) for the network n, whose weights it shares, as
// [network.Net.WithLoRA] does for a fresh adapter. Errors name the field or the tensor.
func OpenAdapter(n *network.Net, dir string) (*network.Net, error) {
	if n.Config.LoRA.On() {
		return nil, errors.New("hf: OpenAdapter: the network has an adapter already: Merge it first")
	}
	a, err := openAdapter(n, dir)
	if err != nil {
		return nil, fmt.Errorf("hf: adapter: %w", err)
	}
	return a, nil
}

func openAdapter(n *network.Net, dir string) (*network.Net, error) {
	path := filepath.Join(dir, adapterConfigFile)
	data, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	l, err := parseAdapterConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	config := n.Config
	config.LoRA = l
	want := slices.Clone(config.Specs()[len(n.Specs()):])
	for i, s := range want {
		want[i].Name = peftPrefix + s.Name
	}
	list, err := ReadTensors(filepath.Join(dir, adapterFile), want)
	if err != nil {
		return nil, err
	}
	next := 0
	return n.LoadLoRA(l, func(decoder.Spec) ([]float32, error) {
		next++
		return list[next-1], nil
	})
}

// SaveAdapter writes the adapter of a network in the layout that PEFT reads, without the weights
// below it. base is the path or the name of the model that has these weights, which PEFT opens;
// PEFT cannot open a GGUF file. dir may exist: an adapter that was saved there is replaced.
func SaveAdapter(n *network.Net, dir, base string) error {
	l := n.Config.LoRA
	if !l.On() {
		return errors.New("hf: SaveAdapter: the network has no adapter")
	}
	err := rundir.ReplaceDir(dir, savedFiles, func(tmp string) error {
		c := adapterConfig{PeftType: "LORA", TaskType: "CAUSAL_LM", Base: base, Rank: l.Rank, Alpha: l.Alpha, Targets: l.Targets,
			Bias: "none", Inference: true}
		if !n.Config.HasHead(decoder.HeadLM) {
			c.TaskType = "" // PEFT would look for a trained head among the adapter's tensors
		}
		data, err := json.MarshalIndent(c, "", "  ")
		if err != nil {
			return err
		}
		first := slices.IndexFunc(n.Specs(), decoder.Spec.Adapter)
		list := slices.Clone(n.Specs()[first:])
		for i, s := range list {
			list[i].Name = peftPrefix + s.Name
		}
		return errors.Join(os.WriteFile(filepath.Join(tmp, adapterConfigFile), append(data, '\n'), 0o644),
			WriteTensors(filepath.Join(tmp, adapterFile), list, func(i int) []float32 { return device.Values(n.Weights()[first+i]) }))
	})
	if err != nil {
		return fmt.Errorf("hf: save adapter %s: %w", strings.TrimSuffix(dir, "/"), err)
	}
	return nil
}
