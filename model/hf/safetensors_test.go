package hf

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/filetest"
	"github.com/satori-go/satori/model/internal/modeltest"
	"github.com/satori-go/satori/model/internal/stored"
	"github.com/satori-go/satori/model/network"
)

// rawSafetensors makes a file of a header and a body.
func rawSafetensors(header string, body []byte) []byte {
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), []byte(header), body)
}

func TestSafetensorsTypes(t *testing.T) {
	// 1.5 and -2 in each type, from IEEE 754 and the definition of bfloat16.
	body := []byte{0, 0x3e, 0, 0xc0, 0xc0, 0x3f, 0, 0xc0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0}
	header := `{"__metadata__":{"format":"pt"},"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},` +
		`"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[4,8]},"f":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}}  `
	have, err := readHeader(bytes.NewReader(rawSafetensors(header, body)), int64(8+len(header)+len(body)))
	require.NoError(t, err)
	for name, dims := range map[string][]int{"h": {2}, "b": {1, 2}, "f": {2, 1}} {
		got, err := have[name].Read()
		if err != nil || !slices.Equal(got, []float32{1.5, -2}) || !slices.Equal(have[name].Dims, dims) {
			t.Errorf("%s: %v of shape %v, %v", name, got, have[name].Dims, err)
		}
	}
}

func TestSafetensorsRefuses(t *testing.T) {
	tensor := func(dtype, shape string, from, to int) string {
		return fmt.Sprintf(`{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, dtype, shape, from, to)
	}
	for _, c := range []struct{ header, want string }{
		{`[]`, "is no JSON object"},
		{`{"a":`, "header"},
		{`{"a":` + tensor("I64", "[1]", 0, 8) + `}`, `tensor "a" is I64, which is not supported`},
		{`{"a":` + tensor("F32", "[3]", 0, 8) + `}`, `tensor "a": bytes 0 to 8 do not hold [3] of F32`},
		{`{"a":` + tensor("F32", "[-2]", 0, 8) + `}`, `tensor "a": bytes 0 to 8 do not hold [-2]`},
		{`{"a":` + tensor("F32", "[4611686018427387904,4]", 0, 8) + `}`, `tensor "a": bytes 0 to 8`},
		{`{"a":` + tensor("F32", "[4]", 0, 16) + `}`, `tensor "a": bytes 0 to 16 do not hold [4] of F32 in a body of 8`},
		{`{"a":` + tensor("F32", "[2]", -8, 0) + `}`, `tensor "a": bytes -8 to 0`},
		{`{"a":` + tensor("F32", "[1]", 0, 4) + `}`, "the tensors end at byte 4 of a body of 8"},
		{`{"a":` + tensor("F32", "[2]", 0, 8) + `,"b":` + tensor("F32", "[2]", 0, 8) + `}`, "begins at byte 0, the one before it ends at 8"},
		{`{"a":` + tensor("F32", "[2]", 0, 8) + `,"a":` + tensor("F32", "[2]", 0, 8) + `}`, `tensor "a" is given twice`},
	} {
		data := rawSafetensors(c.header, make([]byte, 8))
		if _, err := readHeader(bytes.NewReader(data), int64(len(data))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.header, err, c.want)
		}
	}
}

// small is the example's kind of decoder: grouped heads, half rotary, time shift.
var small = decoder.Config{VocabSize: 23, Dim: 32, IntermediateSize: 40, Layers: 2, Heads: 4, KVHeads: 2, MaxPositions: 128,
	PartialRotary: 0.5, TokenShift: true, Tied: true, InitRange: 0.15, EOS: 1}

func smallNet(t testing.TB, b backend.Backend) *network.Net {
	t.Helper()
	n, err := network.New(b, small, 7)
	require.NoError(t, err)
	return n
}

// A model that is saved in several files is the same model.
func TestShards(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	lm := smallNet(t, b)
	dir := t.TempDir()
	require.NoError(t, writeConfig(lm.Config, filepath.Join(dir, "config.json")))
	require.NoError(t, saveWeights(lm, dir, 16000))
	files, _ := filepath.Glob(filepath.Join(dir, "model-*-of-*.safetensors"))
	if len(files) < 3 {
		t.Fatalf("files %v", files)
	}
	again, err := OpenNet(b, dir)
	require.NoError(t, err)
	for _, s := range lm.Specs() {
		x, _ := lm.Tensor(s.Name)
		if y, _ := again.Tensor(s.Name); !slices.Equal(x, y) {
			t.Errorf("%s differs", s.Name)
		}
	}
	path := filepath.Join(dir, indexFile)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	var x index
	if err := json.Unmarshal(good, &x); err != nil || len(x.WeightMap) != len(lm.Specs()) || x.Metadata["total_size"] != float64(4*lm.Parameters()) {
		t.Errorf("index %+v, %v", x, err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"model.norm.weight": "model`, `"model.norm.weight": "../model`, `tensor "model.norm.weight": "../model`},
		{`"model.norm.weight":`, `"model.norm.weighs":`, `tensor "model.norm.weighs" is missing from model-`},
		{`"model.norm.weight":`, `"model.norm.weighs":`, `tensor "model.norm.weight" of model-`},
		{`-00001-of`, `-00009-of`, "model-00009-of"},
		{`{`, `[`, indexFile},
	} {
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(good), c.old, c.new, 1)), 0o644))
		if _, err := OpenNet(b, dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// Published files hold some tensors beside the weights: those that follow from the rest are
// passed over, a head that is not the embedding it is tied to is not.
func TestDerivedTensors(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	lm, err := OpenNet(b, filetest.Path(t, "testdata", "llama-tied"))
	require.NoError(t, err)
	rows, _ := lm.Tensor(decoder.Embedding)
	for _, c := range []struct {
		change float32
		want   string
	}{
		{0, ""},
		{1, `model.safetensors: tensor "lm_head.weight" is not equal to "model.embed_tokens.weight", although tie_word_embeddings is true`},
	} {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(filetest.Path(t, "testdata", "llama-tied"))))
		specs := append(slices.Clone(lm.Specs()), decoder.Spec{Name: decoder.LMHeadTensor, Dims: lm.Specs()[0].Dims}, decoder.Spec{Name: "model.layers.0.self_attn.rotary_emb.inv_freq", Dims: []int{8}})
		err := WriteTensors(filepath.Join(dir, weightsFile), specs, func(i int) []float32 {
			switch {
			case i < len(lm.Specs()):
				return device.Values(lm.Weights()[i])
			case i == len(lm.Specs()):
				head := slices.Clone(rows)
				head[len(head)-1] += c.change
				return head
			}
			return make([]float32, 8)
		})
		require.NoError(t, err)
		_, err = OpenNet(b, dir)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// A hostile number of layers is refused before a list of them is made.
func TestLoadManyLayers(t *testing.T) {
	c := small
	c.Layers = 1 << 30
	c, err := c.Resolve()
	require.NoError(t, err)
	if _, err := stored.Load(nil, c, nil); err == nil || !strings.Contains(err.Error(), "num_hidden_layers is 1073741824, but the weights are 0 tensors") {
		t.Errorf("error %v", err)
	}
}

// Whatever is in the file, there is no panic, and no more is allocated than a small
// multiple of its size.
func FuzzSafetensors(f *testing.F) {
	f.Add(rawSafetensors(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, make([]byte, 8)))
	f.Add(rawSafetensors(`{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[],"data_offsets":[8,10]}}`, make([]byte, 10)))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		filetest.CheckMemory(t, len(data), func() {
			have, err := readHeader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				return
			}
			total := 0
			for name, s := range have {
				x, err := s.Read()
				n, _ := count(s.Dims, math.MaxInt64)
				if err != nil || int64(len(x)) != n {
					t.Errorf("tensor %q of shape %v: %d numbers, %v", name, s.Dims, len(x), err)
				}
				total += len(x)
			}
			if 2*total > len(data) {
				t.Errorf("%d numbers from %d bytes", total, len(data))
			}
		})
	})
}
