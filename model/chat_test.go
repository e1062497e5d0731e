package model_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/tokenizer"
)

// chatModel makes a small model with SmolLM2's tokenizer, untrained, and the chat template
// of a source; "" for none.
func chatModel(source string) (*model.LM, error) {
	backend, err := model.OpenBackend("go")
	if err != nil {
		return nil, err
	}
	words, err := tokenizer.Open("tokenizer/testdata/smollm2/tokenizer.json")
	if err != nil {
		return nil, err
	}
	config := model.Config{VocabSize: words.Len(), Dim: 4, IntermediateSize: 4, Layers: 1, Heads: 2, MaxPositions: 64, EOS: 2, Tied: true}
	net, err := model.NewNet(backend, config, 1)
	if err != nil {
		return nil, err
	}
	lm, err := model.NewLM(net, words)
	if err != nil {
		return nil, err
	}
	parent, err := os.MkdirTemp("", "chat")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "m")
	if err := lm.Save(dir); err != nil {
		return nil, err
	}
	if source != "" {
		if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(source), 0o644); err != nil {
			return nil, err
		}
	}
	return model.Open(backend, dir)
}

// A chat model answers a question, and its template is what programs that train take.
func ExampleLM_ChatStart() {
	source, err := os.ReadFile("chat/testdata/qwen2.5.jinja")
	if err != nil {
		log.Fatal(err)
	}
	lm, err := chatModel(string(source))
	if err != nil {
		log.Fatal(err)
	}
	template, err := lm.ChatStart("Put your final answer within \\boxed{}.")
	if err != nil {
		log.Fatal(err)
	}
	problem := coat.Problem{Question: "What is 1+1?", Answer: "2"}
	fmt.Print(template(coat.Start{Problem: problem}))
	// Output:
	// <|im_start|>system
	// Put your final answer within \boxed{}.<|im_end|>
	// <|im_start|>user
	// What is 1+1?<|im_end|>
	// <|im_start|>assistant
}

// Text goes in and text comes out.
func ExampleLM_Generate() {
	lm, err := chatModel("")
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	params := model.SamplingParams{MaxTokens: 5, Temperature: 0.7, Seed: 3}
	text, err := lm.Generate(ctx, "What is 1+1?", params)
	if err != nil {
		log.Fatal(err)
	}
	again, err := lm.Generate(ctx, "What is 1+1?", params)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(text != "", text == again) // the model is untrained
	// Output: true true
}

func TestChatStartRefuses(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"", "model: the model has no chat template"},
		{"{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system turns') }}{% endif %}{{ m.content }}{% endfor %}", "line 1: the template refuses: no system turns"},
	} {
		lm, err := chatModel(c.source)
		require.NoError(t, err)
		if _, err := lm.ChatStart("Be brief."); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func TestGenerate(t *testing.T) {
	lm, err := chatModel("")
	require.NoError(t, err)
	ctx := context.Background()
	prompt := lm.Tokenizer().Encode("One two three")
	full, err := lm.Sample(ctx, model.Request{Prompt: prompt, MaxTokens: 64 - len(prompt), Temperature: 1, Seed: 7})
	require.NoError(t, err)
	want := lm.Response(full[0].Tokens)
	if got, err := lm.Generate(ctx, "One two three", model.SamplingParams{Temperature: 1, Seed: 7}); err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	fixed := fixedSampler(lm.Tokenizer().Encode("elsewhere"))
	if got, err := lm.Generate(ctx, "One", model.SamplingParams{Sampler: fixed, MaxTokens: 3}); err != nil || got != "elsewhere" {
		t.Errorf("%q, %v, want what the sampler gives", got, err)
	}
	for _, c := range []struct {
		text   string
		params model.SamplingParams
		want   string
	}{
		{"One", model.SamplingParams{N: 2}, "N is 2, want 1"},
		{strings.Repeat("One ", 80), model.SamplingParams{}, "the model takes fewer than 64"},
		{"", model.SamplingParams{}, "the prompt is empty"},
		{"One", model.SamplingParams{MaxTokens: -1}, "MaxTokens is -1"},
	} {
		if _, err := lm.Generate(ctx, c.text, c.params); err == nil || !strings.HasPrefix(err.Error(), "model: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.10q with %+v: %v, want %s", c.text, c.params, err, c.want)
		}
	}
}

// A fixedSampler completes every prompt alike.
type fixedSampler []int32

func (s fixedSampler) Sample(context.Context, model.Request) ([]model.Completion, error) {
	return []model.Completion{{Tokens: s}}, nil
}
