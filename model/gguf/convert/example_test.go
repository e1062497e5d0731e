package convert_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/gguf/convert"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/tokenizer"
)

// A model is written for llama.cpp with eight bits a weight, and read again.
func Example() {
	b, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	tok, err := tokenizer.Open("../../tokenizer/testdata/qwen")
	if err != nil {
		log.Fatal(err)
	}
	n, err := network.New(b, decoder.Config{ModelType: "qwen2", VocabSize: tok.Len(), Dim: 32, IntermediateSize: 64, Layers: 1, Heads: 2, KVHeads: 1, MaxPositions: 64, EOS: 1}, 7)
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "convert")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.gguf")
	if err := convert.Save(path, convert.Model{Net: n, Tokenizer: tok}, gguf.Q8_0); err != nil {
		log.Fatal(err)
	}
	again, err := convert.Open(b, path)
	if err != nil {
		log.Fatal(err)
	}
	ids := again.Tokenizer.Encode("Wait, it's 12.")
	fmt.Println(again.Net.Config.ModelType, again.Net.Config.Layers, again.Tokenizer.Decode(ids))
	// Output:
	// qwen2 1 Wait, it's 12.
}
