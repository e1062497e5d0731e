package actor

import (
	"fmt"
	"slices"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/network"
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

// pack makes a mini-batch into micro-batches of so many rows of about the same length:
// tokens, mask, the columns, the number of sampled tokens of the mini-batch, and the
// coefficients. What is trained is told by the mask alone, which comes of the lengths and
// never of the ids, so a pad may be the EOS.
func pack(minibatch []ppo.Sample, micro int, width func(int) int, cols columns, coefficients ...float64) (inputs [][]*model.Tensor, err error) {
	arrays := cols(minibatch)
	tokens := count(minibatch)
	for _, group := range microBatches(minibatch, micro) {
		ids := make([][]int32, micro)
		floats := make([][][]float32, 1) // the mask, and a column each
		floats[0] = make([][]float32, micro)
		longest := 0
		for k, i := range group {
			s := minibatch[i]
			ids[k] = slices.Concat(s.Prompt, s.Tokens)
			longest = max(longest, len(ids[k]))
			mask := make([]float64, len(s.Tokens))
			for t := range mask {
				mask[t] = 1
			}
			for c, column := range append([][]float64{mask}, arrays(s)...) {
				if c == len(floats) {
					floats = append(floats, make([][]float32, micro))
				}
				if floats[c][k], err = aligned(len(s.Prompt), len(s.Tokens), column); err != nil {
					return nil, &ppo.CheckError{Check: ppo.CheckRollouts, Rows: []int{i}, Found: err.Error(), Hint: "a sample has one entry a response token in each of its arrays"}
				}
			}
		}
		seq := width(longest)
		in := []*model.Tensor{backend.Ints(network.PadRows(ids, seq), micro, seq)}
		for _, column := range floats {
			in = append(in, backend.Floats(network.PadRows(column, seq), micro, seq))
		}
		for _, x := range append([]float64{float64(tokens)}, coefficients...) {
			in = append(in, backend.Floats([]float32{float32(x)}))
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

// aligned puts a column of the response behind zeros for the prompt.
func aligned(prompt, response int, column []float64) ([]float32, error) {
	if len(column) != response {
		return nil, fmt.Errorf("a column of %d entries for %d tokens", len(column), response)
	}
	row := make([]float32, prompt+response)
	for t, x := range column {
		row[prompt+t] = float32(x)
	}
	return row, nil
}

// microBatches says which samples each call of a graph takes.
func microBatches(minibatch []ppo.Sample, micro int) [][]int {
	lengths := make([]int, len(minibatch))
	for i, s := range minibatch {
		lengths[i] = len(s.Prompt) + len(s.Tokens)
	}
	return network.LengthBuckets(lengths, micro)
}

// rowsOf puts statistics of rows, which begin at from in those of each micro-batch, into
// the order of the mini-batch.
func rowsOf(stat model.Stat, from int, minibatch []ppo.Sample) []float64 {
	rows := make([]float64, len(minibatch))
	for g, group := range microBatches(minibatch, train.Micro(len(minibatch))) {
		for k, i := range group {
			rows[i] = stat.Each[g][from+k]
		}
	}
	return rows
}

func float64s(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
