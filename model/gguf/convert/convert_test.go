package convert

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/filetest"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/tokenizer"
)

// families are small models of every family that llama.cpp knows.
func families(t testing.TB, b backend.Backend) map[string]Model {
	bos, list := int32(1), map[string]Model{}
	for family, n := range filetest.Families(t, b) {
		list[family] = Model{Net: n, Tokenizer: filetest.BytePairs(t), BOS: &bos, ChatTemplate: "{{ messages[0].content }}"}
	}
	return list
}

func encode(t testing.TB, m Model, text string) []int32 {
	t.Helper()
	ids, err := m.Tokenizer.EncodeStrict(text)
	require.NoError(t, err)
	return ids
}

// A model comes back from a GGUF file: bit by bit as F32, nearly so as F16 and Q8_0.
func TestGGUFSaveOpen(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	for family, lm := range families(t, b) {
		for kind, tolerance := range map[gguf.Type]float64{gguf.F32: 0, gguf.F16: 5e-4, gguf.Q8_0: 5e-3} {
			path := filepath.Join(t.TempDir(), "m.gguf")
			require.NoError(t, Save(path, lm, kind))
			again, err := Open(b, path)
			require.NoError(t, err, "%s, %v", family, kind)
			want := lm.Net.Config
			if want.ModelType == "mistral" { // the same decoder, and llama.cpp has one name for both
				want.ModelType = "llama"
			}
			want.InitRange = again.Net.Config.InitRange // no GGUF file says it
			if fmt.Sprint(*again.Net.Config.BOS, *want.BOS) != "1 1" {
				t.Errorf("%s: BOS %d", family, *again.Net.Config.BOS)
			}
			again.Net.Config.BOS = want.BOS
			if got, want := fmt.Sprintf("%+v", again.Net.Config), fmt.Sprintf("%+v", want); got != want {
				t.Errorf("%s: config\n %s\nwant\n %s", family, got, want)
			}
			for i, s := range lm.Net.Specs() {
				x, y := device.Values(lm.Net.Weights()[i]), device.Values(again.Net.Weights()[i])
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
			if got := encode(t, again, text); !slices.Equal(got, ids) || again.Tokenizer.Len() != lm.Tokenizer.Len() {
				t.Errorf("%s: ids %v, want %v", family, got, ids)
			}
			if again.ChatTemplate != lm.ChatTemplate {
				t.Errorf("%s: chat template %q", family, again.ChatTemplate)
			}
		}
	}
}

// satori is a model of this library's own kind: words, and a decoder that no other program has.
func satori(t testing.TB, b backend.Backend) Model {
	t.Helper()
	tok, err := tokenizer.NewWordLevel([]string{"<pad>", "<eos>", "a", "b"}, nil)
	require.NoError(t, err)
	n, err := network.New(b, decoder.Config{VocabSize: 4, Dim: 32, IntermediateSize: 40, Layers: 1, Heads: 4, KVHeads: 2, MaxPositions: 16, PartialRotary: 0.5, EOS: 1}, 7)
	require.NoError(t, err)
	return Model{Net: n, Tokenizer: tok}
}

func TestGGUFRefuses(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	words := satori(t, b)
	path := filepath.Join(t.TempDir(), "m.gguf")
	save := func(change func(lm *Model)) error {
		lm := families(t, b)["llama"]
		change(&lm)
		return Save(path, lm, gguf.F32)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{Save(path, words, gguf.F32), `m.gguf: llama.cpp does not know the decoder of model_type "satori"`},
		{save(func(lm *Model) { lm.Tokenizer = words.Tokenizer }), `llama.cpp does not know the tokenizer: its model is "WordLevel"`},
		{save(func(lm *Model) { lm.Net.Config.OutputHeads = []string{decoder.HeadScore} }), "scalar head"},
		{save(func(lm *Model) { lm.Net.Config.Stops = []int32{1, 2, 3} }), "eos_token_id has 4 entries"},
		{save(func(lm *Model) {
			lm.Net.Config.RopeScaling = decoder.RopeScaling{Factor: 8, LowFreq: 2, HighFreq: 4, Original: 32}
		}), "is not that of Llama 3"},
		{Save(path, words, gguf.Q4_0), "Q4_0 is not written (F32, F16, Q8_0)"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %s", c.err, c.want)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("files stay: %v", left)
	}

	good := families(t, b)["llama3"]
	metadata, err := good.metadata()
	require.NoError(t, err)
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
		require.NoError(t, gguf.Write(&file, changed, sources(good.Net, gguf.F32)))
		require.NoError(t, os.WriteFile(path, file.Bytes(), 0o644))
		if _, err := Open(b, path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "m.gguf") {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// Hostile metadata makes no panic, and no more memory than a small multiple of the file.
func FuzzGGUFMetadata(f *testing.F) {
	b, err := backend.Open("go")
	require.NoError(f, err)
	// Short lists and one small tensor: all that is tested is the metadata.
	add := func(metadata map[string]any) {
		embed := gguf.Source{Name: embeddingName, Type: gguf.F32, Dims: []int{20, 1}, Floats: func() ([]float32, error) { return make([]float32, 20), nil }}
		metadata[metadata["general.architecture"].(string)+".vocab_size"] = uint32(20)
		var file bytes.Buffer
		require.NoError(f, gguf.Write(&file, metadata, []gguf.Source{embed}))
		f.Add(file.Bytes())
	}
	for _, lm := range families(f, b) {
		metadata, err := lm.metadata()
		require.NoError(f, err)
		metadata["tokenizer.ggml.tokens"] = metadata["tokenizer.ggml.tokens"].([]string)[:20]
		metadata["tokenizer.ggml.token_type"] = metadata["tokenizer.ggml.token_type"].([]int32)[:20]
		metadata["tokenizer.ggml.merges"] = []string{"\" #"}
		add(metadata)
		if architectures[lm.Net.Config.ModelType] == "llama" {
			for _, tokens := range [][]string{{"<unk>", "<s>", "</s>", "<0x0A>", "▁", "t", "h", "e", "▁t", "he", "▁the", "▁▁"}, runs("a", 20), runs("a", 60)} {
				maps.Copy(metadata, scoredMetadata(tokens))
				add(metadata)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		filetest.CheckMemory(t, len(data), func() {
			file, err := gguf.Read(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				return
			}
			tensors := map[string]gguf.Tensor{}
			for _, t := range file.Tensors {
				tensors[t.Name] = t
			}
			m := newMeta(file.Metadata)
			_, _ = m.config(tensors) // an error will do, a panic will not
			if text, err := m.tokenizer(); err == nil {
				_, _ = tokenizer.Parse(text)
			}
		})
	})
}
