package chat_test

import (
	"fmt"
	"log"

	"github.com/satori-go/satori/model/chat"
	"github.com/satori-go/satori/model/tokenizer"
)

// A question in the form that a model was trained on, and the ids of it.
func Example() {
	template, err := chat.Parse(`{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`)
	if err != nil {
		log.Fatal(err)
	}
	text, err := template.Render(chat.Input{
		Messages: []chat.Message{{Role: "user", Content: "What is 1+1?"}},
		Continue: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", text)

	tok, err := tokenizer.Open("../tokenizer/testdata/smollm2")
	if err != nil {
		log.Fatal(err)
	}
	ids := tok.Encode(text)
	fmt.Println(ids[0], tok.Decode(ids) == text)
	// Output:
	// "<|im_start|>user\nWhat is 1+1?<|im_end|>\n<|im_start|>assistant\n"
	// 1 true
}
