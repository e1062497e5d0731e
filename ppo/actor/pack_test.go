package actor

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"

	"fmt"
	"testing"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/train"
	"github.com/satori-go/satori/ppo"
)

// laidOut returns what a loss is given of each row of a batch: the ids, and the columns.
func laidOut(t *testing.T, n *model.Net, b train.Batch) (ids [][]int32, columns [][][]float32) {
	t.Helper()
	count := 1 + len(b.Rows[0].Columns)
	l := train.NewLearner(n, train.Loss{Build: func(d decoder.Decoder, in []*Node) train.Terms {
		list := []*Node{ConvertDType(in[0], in[1].DType())}
		list = append(list, in[1:count]...)
		return train.Terms{Loss: ReduceAllSum(d.Hidden(in[0])), Rows: Concatenate(list, 1)}
	}}, train.AdamW{})
	defer l.Close()
	stat, err := l.Measure(b)
	require.NoError(t, err)
	for _, row := range stat.Rows {
		var all [][]float32
		for part := range slices.Chunk(float32s(row), len(row)/count) {
			all = append(all, part)
		}
		var tokens []int32
		for _, x := range all[0] {
			tokens = append(tokens, int32(x))
		}
		ids, columns = append(ids, tokens), append(columns, all[1:])
	}
	return ids, columns
}

// Prompts are never trained, and nothing but what was sampled is.
func TestPackMasksThePrompt(t *testing.T) {
	a, _ := tiny(t, Config{Temperature: 0.8})
	s := ppo.Sample{Rollout: ppo.Rollout{Prompt: []int32{5, 6, 7}, Tokens: []int32{8, 9}, LogProbs: []float32{-1, -2}}, Values: []float64{3, 4}, Advantages: []float64{10, 20}, Returns: []float64{30, 40}}
	short := ppo.Sample{Rollout: ppo.Rollout{Prompt: []int32{5}, Tokens: []int32{1}, LogProbs: []float32{-3}}, Values: []float64{1}, Advantages: []float64{5}, Returns: []float64{6}}
	batch := pack([]ppo.Sample{s, short}, (&Policy{}).policyColumns, 0)
	batch.MicroBatch = 1
	ids, columns := laidOut(t, a.LM.Net, batch)
	if got := ids[0][:6]; fmt.Sprint(got) != fmt.Sprint([]int32{5, 6, 7, 8, 9, 0}) {
		t.Errorf("ids %v", got)
	}
	for at, want := range [][]float32{{0, 0, 0, 1, 1, 0}, {0, 0, 0, -1, -2, 0}, {0, 0, 0, 10, 20, 0}} {
		if got := columns[0][at][:6]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("column %d: %v, want %v", at, got, want)
		}
	}
	if got := batch.Scalars[0]; got != 3 {
		t.Errorf("count is %g, want 3 sampled tokens", got)
	}
}

// maskedTokens reports a mask that is not 1 on the sampled tokens of a sample, and columns
// that have figures elsewhere.
func maskedTokens(s ppo.Sample, ids []int32, floats [][]float32) error {
	at := 0
	for t, m := range floats[0] {
		if m == 0 {
			continue
		}
		if m != 1 || at >= len(s.Tokens) || t != len(s.Prompt)+at || ids[t] != s.Tokens[at] {
			return fmt.Errorf("position %d is under the mask and is not token %d of the response", t, at)
		}
		at++
	}
	if at != len(s.Tokens) || at == 0 {
		return fmt.Errorf("%d positions under the mask, %d tokens were sampled", at, len(s.Tokens))
	}
	for _, column := range floats[1:] {
		for t, x := range column {
			if x != 0 && floats[0][t] == 0 {
				return fmt.Errorf("position %d has a figure and is not under the mask", t)
			}
		}
	}
	return nil
}

// What is under the mask of a packed micro-batch is what was sampled, and every column lies
// under it; and what tells that finds masks that are otherwise.
func TestPackedMask(t *testing.T) {
	a, samples := tiny(t, Config{Temperature: 0.8, Reference: &model.LM{}, LossAgg: SeqMeanTokenMean()})
	samples[2].Tokens[0] = 0 // a pad is an id like others
	batch := pack(samples, a.policyColumns, 0.1, 0.8)
	batch.MicroBatch = 3
	laid, floats := laidOut(t, a.LM.Net, batch)
	require.Len(t, floats[0], 5)
	for i := range samples {
		if err := maskedTokens(samples[i], laid[i], floats[i]); err != nil {
			t.Errorf("sample %d: %v", i, err)
		}
	}

	s := ppo.Sample{Rollout: ppo.Rollout{Prompt: []int32{5, 6}, Tokens: []int32{8, 0}}}
	ids := []int32{5, 6, 8, 0, 0}
	good := []float32{0, 0, -1, -2, 0}
	if err := maskedTokens(s, ids, [][]float32{{0, 0, 1, 1, 0}, good}); err != nil {
		t.Error(err)
	}
	for name, mask := range map[string][]float32{
		"shifted left": {0, 1, 1, 0, 0}, "shifted right": {0, 0, 0, 1, 1}, "without the pad": {0, 0, 1, 0, 0}, "whole": {1, 1, 1, 1, 0},
		"empty": {0, 0, 0, 0, 0}, "with a gap": {0, 0, 1, 0, 1}, "weights": {0, 0, 2, 2, 0},
	} {
		if maskedTokens(s, ids, [][]float32{mask, good}) == nil {
			t.Errorf("a mask that is %s is not found", name)
		}
	}
	if maskedTokens(s, ids, [][]float32{{0, 0, 1, 1, 0}, {0, -1, -2, 0, 0}}) == nil {
		t.Error("a column that is shifted left is not found")
	}
}
