package hf_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/hf"
	"github.com/satori-go/satori/model/network"
)

// A network is saved as a Hugging Face directory and opened again.
func Example() {
	b, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	n, err := network.New(b, decoder.Config{ModelType: "qwen2", VocabSize: 32, Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, KVHeads: 1, MaxPositions: 64, EOS: 1}, 7)
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	parent, err := os.MkdirTemp("", "hf")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "model")
	if err := hf.SaveNet(n, dir); err != nil {
		log.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		fmt.Println(f.Name())
	}
	again, err := hf.OpenNet(b, dir)
	if err != nil {
		log.Fatal(err)
	}
	defer again.Close()
	fmt.Println(again.Config.ModelType, again.Parameters() == n.Parameters())
	// Output:
	// config.json
	// model.safetensors
	// qwen2 true
}

// A field that the decoder cannot compute is an error that names it.
func ExampleOpenNet_refused() {
	dir, err := os.MkdirTemp("", "hf")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	config := `{"model_type": "llama", "vocab_size": 32, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
		"num_attention_heads": 2, "max_position_embeddings": 64, "eos_token_id": 1, "hidden_act": "gelu"}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		log.Fatal(err)
	}
	b, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	_, err = hf.OpenNet(b, dir)
	fmt.Println(filepath.Base(err.Error()))
	// Output:
	// config.json: field "hidden_act" is gelu, which is not supported
}
