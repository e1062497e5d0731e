package model

import (
	"fmt"

	"github.com/satori-go/satori/model/internal/device"
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
		return nil, fmt.Errorf("model: AddSpecial: %w", errScalarHead)
	}
	if m.shared > 0 {
		return nil, fmt.Errorf("model: AddSpecial: the network has an adapter over another's weights; AddSpecial comes first")
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
	dim, vocab := m.Config.Dim, max(m.Config.VocabSize, t.Len())
	config := m.Config
	config.VocabSize = vocab
	specs := config.specs()
	for i, s := range m.specs {
		if s.name != embedding && s.name != lmHead {
			continue
		}
		data := device.Values(m.weights[i])
		sums := make([]float64, dim)
		for k, x := range data[:old*dim] {
			sums[k%dim] += float64(x)
		}
		grown := make([]float32, vocab*dim)
		copy(grown, data)
		for row := old; row < t.Len(); row++ {
			for k := range dim {
				grown[row*dim+k] = float32(sums[k] / float64(old))
			}
		}
		weight := m.upload(grown, specs[i])
		device.Free(m.weights[i : i+1])
		m.weights[i] = weight
	}
	// What was compiled is of the old size.
	m.Config, m.specs, m.tokenizer = config, specs, t
	m.engine = engine{}
	return ids, nil
}
