package actor

import (
	"fmt"
	"testing"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo"
)

// Prompts are never trained, and nothing but what was sampled is.
func TestPackMasksThePrompt(t *testing.T) {
	s := ppo.Sample{Rollout: ppo.Rollout{Prompt: []int32{5, 6, 7}, Tokens: []int32{8, 9}, LogProbs: []float32{-1, -2}}, Values: []float64{3, 4}, Advantages: []float64{10, 20}, Returns: []float64{30, 40}}
	short := ppo.Sample{Rollout: ppo.Rollout{Prompt: []int32{5}, Tokens: []int32{1}, LogProbs: []float32{-3}}, Values: []float64{1}, Advantages: []float64{5}, Returns: []float64{6}}
	in, err := pack([]ppo.Sample{s, short}, 1, func(int) int { return 8 }, (&Policy{}).policyColumns, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(in) != 2 { // micro-batches of one row: the shorter first
		t.Fatalf("%d micro-batches", len(in))
	}
	row := func(batch []*model.Tensor, at int) []float32 { return batch[at].Value().([][]float32)[0][:6] }
	for at, want := range map[int][]float32{1: {0, 0, 0, 1, 1, 0}, 2: {0, 0, 0, -1, -2, 0}, 3: {0, 0, 0, 10, 20, 0}} {
		if got := row(in[1], at); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("input %d: %v, want %v", at, got, want)
		}
	}
	if got := in[0][4].Value().(float32); got != 3 {
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
	const micro, columns = 3, 5
	in, err := pack(samples, micro, a.LM.Width, a.policyColumns, 0.1, 0.8)
	if err != nil {
		t.Fatal(err)
	}
	for g, group := range microBatches(samples, micro) {
		for k, i := range group {
			var floats [][]float32
			for _, column := range in[g][1 : 1+columns] {
				floats = append(floats, column.Value().([][]float32)[k])
			}
			if err := maskedTokens(samples[i], in[g][0].Value().([][]int32)[k], floats); err != nil {
				t.Errorf("sample %d: %v", i, err)
			}
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
