package gguf_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/satori-go/satori/model/gguf"
)

// A file of one tensor is written, with eight bits a number, and read again.
func Example() {
	var file bytes.Buffer
	weights := make([]float32, 64)
	weights[3] = 1.27
	err := gguf.Write(&file, map[string]any{"general.architecture": "llama", "llama.block_count": uint32(1)}, []gguf.Source{
		{Name: "token_embd.weight", Type: gguf.Q8_0, Dims: []int{2, 32}, Floats: func() ([]float32, error) { return weights, nil }},
	})
	if err != nil {
		log.Fatal(err)
	}
	f, err := gguf.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Metadata["general.architecture"], f.Metadata["llama.block_count"])
	for _, t := range f.Tensors {
		x, err := f.Floats(t)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %v %v %.2f\n", t.Name, t.Type, t.Dims, x[3])
	}
	// Output:
	// llama 1
	// token_embd.weight Q8_0 [2 32] 1.27
}
