package model_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/tokenizer"
)

// A model is made, saved, opened again, and asked for three completions, which are the
// same whenever they are asked for.
func Example() {
	backend, err := model.OpenBackend("go")
	if err != nil {
		log.Fatal(err)
	}
	words, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> one two three four"), coat.Actions{}.Tokens())
	if err != nil {
		log.Fatal(err)
	}
	config := model.Config{VocabSize: words.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 32, EOS: 1, Tied: true}
	net, err := model.NewNet(backend, config, 1)
	if err != nil {
		log.Fatal(err)
	}
	lm, err := model.NewLM(net, words)
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := lm.Save(filepath.Join(dir, "m")); err != nil {
		log.Fatal(err)
	}
	again, err := model.Open(backend, filepath.Join(dir, "m"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Parameters(), "parameters")

	prompt := again.Tokenizer().Encode("one two")
	request := model.Request{Prompt: prompt, N: 3, MaxTokens: 4, Temperature: 1, Seed: 5}
	first, err := lm.Sample(context.Background(), request)
	if err != nil {
		log.Fatal(err)
	}
	second, err := again.Sample(context.Background(), request)
	if err != nil {
		log.Fatal(err)
	}
	for i := range first {
		fmt.Println(len(first[i].Tokens) <= 4, fmt.Sprint(first[i].Tokens) == fmt.Sprint(second[i].Tokens), len(first[i].LogProbs) == len(first[i].Tokens))
	}
	// Output:
	// 2752 parameters
	// true true true
	// true true true
	// true true true
}
