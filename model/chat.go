package model

import (
	"context"
	"fmt"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/chat"
)

// ChatStart makes the [coat.Template] of a chat model: the model's chat template writes
// system (none if it is empty), the question as a user's turn and what opens the
// assistant's turn, and the prefix of a restart follows. A model without a chat template
// and a template that cannot write starts are errors. [chat.Template.ForStarts] does the
// same for other messages, tools and variables.
func (m *LM) ChatStart(system string) (coat.Template, error) {
	t, err := m.Template()
	if err != nil {
		return nil, err
	}
	var in chat.Input
	if system != "" {
		in.Messages = []chat.Message{{Role: "system", Content: system}}
	}
	write, err := t.ForStarts(in)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return write, nil
}

// Generate continues a text and returns the new text alone, without the EOS. It samples as
// p says. A MaxTokens of zero means as many tokens as the model's positions allow; p.N must
// be 0 or 1, since [LM.Sample] makes several completions of a prompt. The text is taken as
// it stands: a question to a chat model goes through [LM.ChatStart] first.
func (m *LM) Generate(ctx context.Context, text string, p SamplingParams) (string, error) {
	if p.N > 1 {
		return "", fmt.Errorf("model: generate: N is %d, want 1; LM.Sample makes several completions", p.N)
	}
	if m.tokenizer == nil {
		return "", fmt.Errorf("model: generate: %w", errNoTokenizer)
	}
	prompt, err := m.tokenizer.EncodeStrict(text)
	if err != nil {
		return "", fmt.Errorf("model: generate: %w", err)
	}
	if p.MaxTokens == 0 {
		if p.MaxTokens = m.Config.MaxPositions - len(prompt); p.MaxTokens <= 0 {
			return "", fmt.Errorf("model: generate: the text has %d tokens, the model takes fewer than %d", len(prompt), m.Config.MaxPositions)
		}
	}
	done, err := p.all(ctx, m, []Request{{Prompt: prompt, MaxTokens: p.MaxTokens, Temperature: p.Temperature, TopP: p.TopP, TopK: p.TopK, MinP: p.MinP, Seed: p.Seed}})
	if err != nil {
		return "", err
	}
	return m.Response(done[0][0].Tokens), nil
}
