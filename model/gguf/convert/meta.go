package convert

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/gguf"
)

// A meta reads the metadata of a file. It collects faults, and the keys that were read.
type meta struct {
	values map[string]any
	arch   string // general.architecture, the prefix of a decoder's keys
	asked  map[string]bool
	faults []error
}

func newMeta(values map[string]any) *meta {
	m := &meta{values: values, asked: map[string]bool{}}
	m.arch = value(m, "general.architecture", "")
	return m
}

func (m *meta) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Errorf(format, args...))
}

// value returns the value of a key, which must have the type of the fallback, or else the
// fallback.
func value[T any](m *meta, key string, fallback T) T {
	m.asked[key] = true
	value, ok := m.values[key]
	if !ok {
		return fallback
	}
	v, ok := value.(T)
	if !ok {
		m.fault("metadata %q is %T, want %T", key, value, fallback)
		return fallback
	}
	return v
}

// int returns a value of any integer type: writers of files differ in the one they choose.
func (m *meta) int(key string, fallback int) int {
	m.asked[key] = true
	value, ok := m.values[key]
	if !ok {
		return fallback
	}
	v := reflect.ValueOf(value)
	switch {
	case v.CanInt() && v.Int() >= 0 && v.Int() <= math.MaxInt32:
		return int(v.Int())
	case v.CanUint() && v.Uint() <= math.MaxInt32:
		return int(v.Uint())
	}
	m.fault("metadata %q is %T %.40v, want a whole number from 0 to %d", key, value, value, math.MaxInt32)
	return fallback
}

// float returns the shortest decimal of a float32: 1e-05, not 9.999999747378752e-06.
func (m *meta) float(key string, fallback float64) float64 {
	v := value(m, key, float32(fallback))
	if _, ok := m.values[key]; !ok {
		return fallback
	}
	x, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	return x
}

// want checks that a key has this value, where it is there.
func (m *meta) want(key string, want int) {
	if got := m.int(key, want); got != want {
		m.fault("metadata %q is %d, which is not supported: want %d", key, got, want)
	}
}

// config returns the configuration that the metadata describe. The tensors of the file say
// whether there is an untied head, and how many tokens the vocabulary has.
func (m *meta) config(tensors map[string]gguf.Tensor) (decoder.Config, error) {
	var c decoder.Config
	for name, arch := range architectures {
		if arch == m.arch && name != "mistral" { // llama.cpp has one architecture for both
			c.ModelType = name
		}
	}
	if err := errors.Join(m.faults...); err != nil {
		return c, err
	}
	if c.ModelType == "" {
		return c, fmt.Errorf("metadata %q is %q, which is not supported (llama, qwen2, qwen3)", "general.architecture", m.arch)
	}
	key := func(name string) string { return m.arch + "." + name }
	if embed, ok := tensors[embeddingName]; ok && len(embed.Dims) == 2 {
		c.VocabSize = embed.Dims[0]
	}
	m.want(key("vocab_size"), c.VocabSize)
	c.Layers = m.int(key("block_count"), 0)
	c.MaxPositions = m.int(key("context_length"), 0)
	c.Dim = m.int(key("embedding_length"), 0)
	c.IntermediateSize = m.int(key("feed_forward_length"), 0)
	c.Heads = m.int(key("attention.head_count"), 0)
	c.KVHeads = m.int(key("attention.head_count_kv"), 0)
	c.HeadDim = m.int(key("attention.key_length"), 0)
	c.NormEps = m.float(key("attention.layer_norm_rms_epsilon"), 0)
	c.RopeTheta = m.float(key("rope.freq_base"), 0)
	_, untied := tensors[headName]
	c.Tied = !untied
	const eos = "tokenizer.ggml.eos_token_id"
	if _, ok := m.values[eos]; !ok {
		m.fault("metadata %q is missing", eos)
	}
	c.EOS = int32(m.int(eos, 0))
	for _, name := range []string{"eot_token_id", "eom_token_id"} {
		if id := int32(m.int("tokenizer.ggml."+name, int(c.EOS))); !c.Ends(id) {
			c.Stops = append(c.Stops, id)
		}
	}
	if _, ok := m.values["tokenizer.ggml.bos_token_id"]; ok {
		bos := int32(m.int("tokenizer.ggml.bos_token_id", 0))
		c.BOS = &bos
	}
	c.Pad = int32(m.int("tokenizer.ggml.padding_token_id", int(c.EOS)))

	c, err := c.Resolve()
	if err != nil {
		return c, errors.Join(append(m.faults, err)...)
	}
	m.want(key("attention.value_length"), c.HeadDim)
	m.want(key("rope.dimension_count"), c.HeadDim)
	m.want(key("expert_count"), 0)
	m.want(key("expert_used_count"), 0)
	if scaling := value(m, key("rope.scaling.type"), "none"); scaling != "none" {
		m.fault("metadata %q is %q, which is not supported", key("rope.scaling.type"), scaling)
	}
	if window := m.int(key("attention.sliding_window"), 0); window > 0 && window < c.MaxPositions {
		m.fault("metadata %q is %d, which is not supported with a %q of %d", key("attention.sliding_window"), window, key("context_length"),
			c.MaxPositions)
	}
	for _, name := range slices.Sorted(maps.Keys(m.values)) {
		if strings.HasPrefix(name, key("")) && !m.asked[name] {
			m.fault("metadata %q is not known and may change what the model computes", name)
		}
	}
	return c, errors.Join(m.faults...)
}

// llama3Scaling finds the scaling that has the divisors of the tensor rope_freqs.weight.
// llama.cpp writes the divisors alone, so LowFreq and HighFreq are assumed to be 1 and 4, as in
// every model of Llama 3, and the divisors are compared with those of the result.
func llama3Scaling(c decoder.Config, divisors []float32) (decoder.RopeScaling, error) {
	s := decoder.RopeScaling{Factor: 1, LowFreq: 1, HighFreq: 4, Original: 8192}
	plain := c
	plain.RopeScaling = decoder.RopeScaling{}
	frequencies := plain.Frequencies()
	if len(divisors) != len(frequencies) {
		return s, fmt.Errorf("%d divisors for %d frequencies", len(divisors), len(frequencies))
	}
	for _, d := range divisors {
		s.Factor = max(s.Factor, float64(d))
	}
	for i, d := range divisors {
		if short := (1/float64(d) - 1/s.Factor) / (1 - 1/s.Factor); short > 0.01 && short < 0.99 {
			s.Original = int(math.Round((s.LowFreq + short*(s.HighFreq-s.LowFreq)) * 2 * math.Pi / frequencies[i]))
		}
	}
	for i, d := range divisors {
		if want := s.Divisor(frequencies[i]); !(math.Abs(float64(d)-want) <= 1e-4*want) {
			return s, fmt.Errorf("divisor %d is %g, want %g: these are not the numbers of Llama 3's scaling", i, d, want)
		}
	}
	return s, nil
}
