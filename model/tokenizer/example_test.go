package tokenizer_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/model/tokenizer"
)

// A vocabulary for small experiments: every word is one id.
func ExampleNewWordLevel() {
	tok, err := tokenizer.NewWordLevel(
		[]string{"1", "2", "3", "+", "="},
		[]string{"<|continue|>", "<|reflect|>", "<|im_end|>"})
	if err != nil {
		log.Fatal(err)
	}
	ids := tok.Encode("1 + 1 = 3 <|reflect|> 1 + 1 = 2 <|im_end|>")
	fmt.Println(ids)
	fmt.Println(tok.Decode(ids))
	fmt.Println(tok.DecodeText(ids))

	fmt.Println(tok.Encode("1 + 1 = two"))
	_, err = tok.EncodeStrict("1 + 1 = two")
	fmt.Println(err)
	// Output:
	// [0 3 0 4 2 6 0 3 0 4 1 7]
	// 1 + 1 = 3 <|reflect|> 1 + 1 = 2 <|im_end|>
	// 1 + 1 = 3 1 + 1 = 2
	// [0 3 0 4]
	// tokenizer: word "two" is not in the vocabulary
}

// A byte-level tokenizer learns a token of its own and is saved with it.
func Example() {
	tok, err := tokenizer.Open("testdata/qwen")
	if err != nil {
		log.Fatal(err)
	}
	ids, err := tok.AddSpecial("<|restart|>")
	if err != nil {
		log.Fatal(err)
	}
	restart := ids[0]
	fmt.Println(restart, tok.Len(), tok.IsSpecial(restart))

	ids = tok.Encode("It's the<|restart|>")
	fmt.Println(ids)
	fmt.Printf("%q %q\n", tok.Decode(ids), tok.DecodeText(ids))

	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tokenizer.json")
	if err := tok.Save(path); err != nil {
		log.Fatal(err)
	}
	again, err := tokenizer.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.ID("<|restart|>"))
	// Output:
	// 606 607 true
	// [40 83 393 260 606]
	// "It's the<|restart|>" "It's the"
	// 606 true
}
