package model

import (
	"fmt"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/network"
)

// AddSpecial makes tokens special, such as coat.Actions{}.Tokens(), in the tokenizer and in the
// network, and returns their ids.
//
// A token that the tokenizer lacks gets the next id. Its row of the embedding, and of an untied
// head, becomes the mean of the rows of all tokens, as transformers has it (arXiv:2112.03252): at
// first the model gives the token the probability of an average one. [LM.CopyToken] gives it the
// meaning of a word instead. A network whose embedding is longer than its vocabulary, such as
// Qwen2.5, has spare rows, which are used first. Otherwise the embedding grows.
//
// Call AddSpecial before a [Learner] or a further head is made of the network. Clones do not get
// the tokens. After an error the model is as it was.
func (m *LM) AddSpecial(tokens ...string) (ids []int32, err error) {
	if !m.Config.HasHead(decoder.HeadLM) {
		return nil, fmt.Errorf("model: AddSpecial: %w", network.ErrNoLMHead)
	}
	if m.tokenizer == nil {
		return nil, fmt.Errorf("model: AddSpecial: %w", errNoTokenizer)
	}
	old := m.tokenizer.Len()
	if old == 0 {
		return nil, fmt.Errorf("model: AddSpecial: the tokenizer is empty, so there is no mean")
	}
	t := m.tokenizer.Clone()
	if ids, err = t.AddSpecial(tokens...); err != nil {
		return nil, fmt.Errorf("model: AddSpecial: %w", err)
	}
	if err := m.Net.AddTokens(old, t.Len()); err != nil {
		return nil, fmt.Errorf("model: AddSpecial: %w", err)
	}
	m.tokenizer = t
	return ids, nil
}
