package chat_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/coat"
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

// A chat template becomes the template of starts, which programs that train take.
func ExampleTemplate_ForStarts() {
	template, err := chat.Parse(`{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}</s>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`)
	if err != nil {
		log.Fatal(err)
	}
	write, err := template.ForStarts(chat.Input{Messages: []chat.Message{{Role: "system", Content: "Reason in steps."}}})
	if err != nil {
		log.Fatal(err)
	}
	problem := coat.Problem{Question: "What is 1+1?", Answer: "2"}
	fmt.Println(write(coat.Start{Problem: problem}))
	fmt.Println(write(coat.Start{Problem: problem, Prefix: coat.Trace{{Text: "It is 3."}, {Action: coat.Reflect}}}))
	// Output:
	// <|system|>Reason in steps.</s><|user|>What is 1+1?</s><|assistant|>
	// <|system|>Reason in steps.</s><|user|>What is 1+1?</s><|assistant|>It is 3.<|reflect|>
}

// A model directory has its template in one of two files.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "chat")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	config := `{"bos_token": "<s>", "chat_template": "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }} {% endfor %}"}`
	if err := os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(config), 0o644); err != nil {
		log.Fatal(err)
	}
	template, err := chat.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(template.Render(chat.Input{Messages: []chat.Message{{Role: "user", Content: "What is 1+1?"}}}))
	// Output: <s>[user] What is 1+1?  <nil>
}
