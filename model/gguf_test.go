package model

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/tokenizer"
)

// bytePairs is a small byte-level tokenizer of Qwen2.5's kind.
func bytePairs(t testing.TB) *tokenizer.Tokenizer {
	tok, err := tokenizer.Open(filepath.Join("tokenizer", "testdata", "qwen", "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func encode(t testing.TB, lm *LM, text string) []int32 {
	t.Helper()
	ids, err := lm.Prompt(func(coat.Start) string { return text }, coat.Start{})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// families are small models of every family that llama.cpp knows, with random norms and
// biases, so that each of them matters.
func families(t testing.TB, b Backend) map[string]*LM {
	tok := bytePairs(t)
	list := map[string]*LM{}
	for _, family := range []string{"llama", "llama3", "mistral", "qwen2", "qwen3"} {
		bos := int32(1)
		c := Config{ModelType: family, VocabSize: tok.Len() + 10, Dim: 64, IntermediateSize: 96, Layers: 2, Heads: 4, KVHeads: 2, MaxPositions: 256,
			EOS: 605, Stops: []int32{604}, Pad: 605, BOS: &bos, InitRange: 0.3, Tied: family == "qwen3" || family == "llama3"}
		if family == "llama3" {
			c.ModelType, c.RopeScaling = "llama", RopeScaling{Factor: 8, LowFreq: 1, HighFreq: 4, Original: 32}
		}
		if family == "qwen3" {
			c.HeadDim = 32
		}
		n, err := NewNet(b, c, 5)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for i, s := range n.Specs() {
			if len(s.Dims) == 1 {
				data := device.Values(n.Weights()[i])
				for k := range data {
					data[k] += float32(rng.Float64() - 0.5)
				}
				setWeight(n, i, data)
			}
		}
		lm, err := NewLM(n, tok)
		if err != nil {
			t.Fatal(err)
		}
		lm.tokenizerConfig.chat.Templates = map[string]string{"default": "{{ messages[0].content }}"}
		list[family] = lm
	}
	return list
}

// A model comes back from a GGUF file: bit by bit as F32, nearly so as F16 and Q8_0.
func TestGGUFSaveOpen(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	for family, lm := range families(t, b) {
		for kind, tolerance := range map[gguf.Type]float64{gguf.F32: 0, gguf.F16: 5e-4, gguf.Q8_0: 5e-3} {
			path := filepath.Join(t.TempDir(), "m.gguf")
			if err := lm.SaveGGUF(path, kind); err != nil {
				t.Fatal(err)
			}
			again, err := Open(b, path)
			if err != nil {
				t.Fatalf("%s, %v: %v", family, kind, err)
			}
			want := lm.Config
			if want.ModelType == "mistral" { // the same decoder, and llama.cpp has one name for both
				want.ModelType = "llama"
			}
			want.InitRange = again.Config.InitRange // no GGUF file says it
			if fmt.Sprint(*again.Config.BOS, *want.BOS) != "1 1" {
				t.Errorf("%s: BOS %d", family, *again.Config.BOS)
			}
			again.Config.BOS = want.BOS
			if got, want := fmt.Sprintf("%+v", again.Config), fmt.Sprintf("%+v", want); got != want {
				t.Errorf("%s: config\n %s\nwant\n %s", family, got, want)
			}
			for i, s := range lm.Specs() {
				x, y := device.Values(lm.Weights()[i]), device.Values(again.Weights()[i])
				largest := 0.0
				for _, v := range x {
					largest = max(largest, math.Abs(float64(v)))
				}
				for k := range x {
					if d := math.Abs(float64(x[k] - y[k])); d > tolerance*largest {
						t.Fatalf("%s, %v: %s [%d] is %g, want %g", family, kind, s.Name, k, y[k], x[k])
					}
				}
			}
			text := "Natalia sold 48 clips.<|reflect|>Wait"
			ids := encode(t, lm, text)
			if got := encode(t, again, text); !slices.Equal(got, ids) || again.tokenizer.Len() != lm.tokenizer.Len() {
				t.Errorf("%s: ids %v, want %v", family, got, ids)
			}
			if again.ChatTemplate() != lm.ChatTemplate() {
				t.Errorf("%s: chat template %q", family, again.ChatTemplate())
			}
		}
	}
}

func TestGGUFRefuses(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	words := smallLM(t, b)
	path := filepath.Join(t.TempDir(), "m.gguf")
	save := func(change func(lm *LM)) error {
		lm := families(t, b)["llama"]
		change(lm)
		return lm.SaveGGUF(path, gguf.F32)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{words.SaveGGUF(path, gguf.F32), `m.gguf: llama.cpp does not know the decoder of model_type "satori"`},
		{save(func(lm *LM) { lm.tokenizer = words.tokenizer }), `llama.cpp does not know the tokenizer: its model is "WordLevel"`},
		{save(func(lm *LM) { lm.Config.Score = true }), "scalar head"},
		{save(func(lm *LM) { lm.Config.Stops = []int32{1, 2, 3} }), "eos_token_id has 4 entries"},
		{save(func(lm *LM) { lm.Config.RopeScaling = RopeScaling{Factor: 8, LowFreq: 2, HighFreq: 4, Original: 32} }), "is not that of Llama 3"},
		{words.SaveGGUF(path, gguf.Q4_0), "Q4_0 is not written (F32, F16, Q8_0)"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %s", c.err, c.want)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("files stay: %v", left)
	}

	good := families(t, b)["llama3"]
	metadata, err := good.ggufMetadata()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key   string
		value any
		want  string
	}{
		{"general.architecture", "gemma3", `"general.architecture" is "gemma3", which is not supported`},
		{"general.architecture", uint32(1), `"general.architecture" is uint32, want string`},
		{"llama.block_count", "two", `"llama.block_count" is string two, want a whole number`},
		{"llama.block_count", uint32(3), `tensor "model.layers.2.input_layernorm.weight" is missing`},
		{"llama.block_count", uint32(1), `tensor "model.layers.1.input_layernorm.weight" is not one of this model's`},
		{"llama.expert_count", uint32(8), `"llama.expert_count" is 8, which is not supported`},
		{"llama.rope.scaling.type", "yarn", `"llama.rope.scaling.type" is "yarn"`},
		{"llama.attention.sliding_window", uint32(16), `"llama.attention.sliding_window" is 16`},
		{"llama.attention.clamp_kqv", float32(8), `"llama.attention.clamp_kqv" is not known`},
		{"llama.rope.dimension_count", uint32(8), `"llama.rope.dimension_count" is 8, which is not supported: want 16`},
		{"llama.rope.freq_base", float32(500000), `tensor "rope_freqs.weight": divisor`},
		{"tokenizer.ggml.model", "bert", `"tokenizer.ggml.model" is "bert", which is not supported`},
		{"tokenizer.ggml.pre", "default", `"tokenizer.ggml.pre" is "default", which is not supported (gpt-2, smollm, llama-bpe, qwen2)`},
		{"tokenizer.ggml.tokens", []string{"a", "a"}, "of \"tokenizer.ggml.token_type\""},
		{"tokenizer.ggml.merges", []string{"ab"}, `0 is "ab", want two tokens`},
		{"tokenizer.ggml.add_eos_token", true, `"tokenizer.ggml.add_eos_token" is true`},
	} {
		changed := map[string]any{}
		for k, v := range metadata {
			changed[k] = v
		}
		changed[c.key] = c.value
		var file bytes.Buffer
		if err := gguf.Write(&file, changed, ggufTensors(good.Net, gguf.F32)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(b, path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "m.gguf") {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// Hostile metadata makes no panic, and no more memory than a small multiple of the file.
func FuzzGGUFMetadata(f *testing.F) {
	backend, err := OpenBackend("go")
	if err != nil {
		f.Fatal(err)
	}
	// Short lists and one small tensor: all that is tested is the metadata.
	add := func(metadata map[string]any) {
		embed := gguf.Source{Name: ggufEmbedding, Type: gguf.F32, Dims: []int{20, 1}, Floats: func() ([]float32, error) { return make([]float32, 20), nil }}
		metadata[metadata["general.architecture"].(string)+".vocab_size"] = uint32(20)
		var file bytes.Buffer
		if err := gguf.Write(&file, metadata, []gguf.Source{embed}); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
	}
	for _, lm := range families(f, backend) {
		metadata, err := lm.ggufMetadata()
		if err != nil {
			f.Fatal(err)
		}
		metadata["tokenizer.ggml.tokens"] = metadata["tokenizer.ggml.tokens"].([]string)[:20]
		metadata["tokenizer.ggml.token_type"] = metadata["tokenizer.ggml.token_type"].([]int32)[:20]
		metadata["tokenizer.ggml.merges"] = []string{"\" #"}
		add(metadata)
		if ggufArchitectures[lm.Config.ModelType] == "llama" {
			for _, tokens := range [][]string{{"<unk>", "<s>", "</s>", "<0x0A>", "▁", "t", "h", "e", "▁t", "he", "▁the", "▁▁"}, runs("a", 20), runs("a", 60)} {
				maps.Copy(metadata, scoredMetadata(tokens))
				add(metadata)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkMemory(t, len(data), func() {
			file, err := gguf.Read(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				return
			}
			tensors := map[string]gguf.Tensor{}
			for _, t := range file.Tensors {
				tensors[t.Name] = t
			}
			m := newGGUFMeta(file.Metadata)
			m.config(tensors)
			if text, err := m.tokenizer(); err == nil {
				tokenizer.Parse(text)
			}
		})
	})
}
