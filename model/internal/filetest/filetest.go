// Package filetest makes small models and tokenizers, and starts llama.cpp's server, for the tests
// of the packages that read and write files.
package filetest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/tokenizer"
)

// Path returns the path of a file in the directory of package model.
func Path(t testing.TB, elements ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for filepath.Base(dir) != "model" {
		if dir == filepath.Dir(dir) {
			t.Fatal("the test does not run in a directory of package model")
		}
		dir = filepath.Dir(dir)
	}
	return filepath.Join(append([]string{dir}, elements...)...)
}

// BytePairs opens a small byte-level tokenizer of Qwen2.5's kind.
func BytePairs(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Open(Path(t, "tokenizer", "testdata", "qwen", "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// Families makes a small network of every family that llama.cpp knows, for the tokenizer of
// [BytePairs]. Norms and biases are random, so that each of them matters.
func Families(t testing.TB, b backend.Backend) map[string]*network.Net {
	t.Helper()
	vocab := BytePairs(t).Len() + 10
	list := map[string]*network.Net{}
	for _, family := range []string{"llama", "llama3", "mistral", "qwen2", "qwen3"} {
		bos := int32(1)
		c := decoder.Config{ModelType: family, VocabSize: vocab, Dim: 64, IntermediateSize: 96, Layers: 2, Heads: 4, KVHeads: 2,
			MaxPositions: 256, EOS: 605, Stops: []int32{604}, Pad: 605, BOS: &bos, InitRange: 0.3, Tied: family == "qwen3" || family == "llama3"}
		if family == "llama3" {
			c.ModelType, c.RopeScaling = "llama", decoder.RopeScaling{Factor: 8, LowFreq: 1, HighFreq: 4, Original: 32}
		}
		if family == "qwen3" {
			c.HeadDim = 32
		}
		n, err := network.New(b, c, 5)
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
				w := backend.Floats(data, s.Dims...)
				w.MustMaterializeOnDevice(b, true, 0)
				n.Weights()[i] = w
			}
		}
		list[family] = n
	}
	return list
}

// CheckMemory fails if read allocates more than a small multiple of the size of what it reads.
func CheckMemory(t testing.TB, size int, read func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read()
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(1<<18+64*size) {
		t.Errorf("%d bytes allocated for a file of %d", used, size)
	}
}
