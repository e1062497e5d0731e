package actor

import (
	"slices"

	"github.com/satori-go/satori/model/train"
	"github.com/satori-go/satori/ppo"
)

// columns are the per-token arrays of a mini-batch that a loss reads: [column][token] of
// each sample.
type columns func(minibatch []ppo.Sample) func(ppo.Sample) [][]float64

func (a *Policy) policyColumns(minibatch []ppo.Sample) func(ppo.Sample) [][]float64 {
	rows, tokens := len(minibatch), count(minibatch)
	return func(s ppo.Sample) [][]float64 {
		list := [][]float64{float64s(s.LogProbs), s.Advantages}
		if a.config.LossAgg.Weight != nil {
			weights := make([]float64, len(s.Tokens))
			for t := range weights { // of a sum that is divided by the number of tokens
				weights[t] = float64(tokens) * a.config.LossAgg.Weight(rows, tokens, len(s.Tokens))
			}
			list = append(list, weights)
		}
		if a.config.Reference != nil {
			ref := s.RefLogProbs
			if ref == nil {
				ref = float64s(s.LogProbs)
			}
			list = append(list, ref)
		}
		return list
	}
}

func valueColumns([]ppo.Sample) func(ppo.Sample) [][]float64 {
	return func(s ppo.Sample) [][]float64 { return [][]float64{s.Values, s.Returns} }
}

// sharedColumns are those of the policy, then those of the critic.
func (a *Policy) sharedColumns(minibatch []ppo.Sample) func(ppo.Sample) [][]float64 {
	policy, value := a.policyColumns(minibatch), valueColumns(minibatch)
	return func(s ppo.Sample) [][]float64 { return append(policy(s), value(s)...) }
}

// count is the number of sampled tokens.
func count(minibatch []ppo.Sample) (tokens int) {
	for _, s := range minibatch {
		tokens += len(s.Tokens)
	}
	return tokens
}

// pack makes the batch of the losses: of each sample a mask of its response and the columns, and
// of the mini-batch the number of sampled tokens and the coefficients. The mask comes from the
// lengths, so padding may reuse the EOS.
func pack(minibatch []ppo.Sample, cols columns, coefficients ...float64) train.Batch {
	var b train.Batch
	arrays := cols(minibatch)
	for _, s := range minibatch {
		mask := make([]float32, len(s.Tokens))
		for t := range mask {
			mask[t] = 1
		}
		row := train.Row{IDs: slices.Concat(s.Prompt, s.Tokens), Columns: [][]float32{mask}}
		for _, column := range arrays(s) {
			row.Columns = append(row.Columns, float32s(column))
		}
		b.Rows = append(b.Rows, row)
	}
	b.Scalars = float32s(append([]float64{float64(count(minibatch))}, coefficients...))
	return b
}

func float32s(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func float64s(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
