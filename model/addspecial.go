package model

import (
	"fmt"

	"github.com/satori-go/satori/model/network"
)

// AddSpecial makes tokens special, such as coat.Actions{}.Tokens(), in the
// tokenizer and the network at once, and returns their ids. Those that the tokenizer
// lacks get the next ids, and their rows of the embedding, and of a head of its own, the
// mean of the rows of all tokens there were (arXiv:2112.03252 and transformers start
// them so): the model then gives them neither more nor less than an average token.
// [LM.CopyToken] gives a token the meaning of a word instead.
//
// A network whose embedding is longer than its vocabulary, as Qwen2.5's is, has rows to
// spare, which are used first; otherwise the embedding grows. AddSpecial comes before a
// [Learner] or a second head is made of the network, and clones do not share it. After
// an error the model is as it was.
func (m *LM) AddSpecial(tokens ...string) (ids []int32, err error) {
	if m.Config.Score {
		return nil, fmt.Errorf("model: AddSpecial: %w", network.ErrScalarHead)
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
