package model

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// New tokens begin as the mean of the old ones, in both matrices; all other rows, and
// what the model says of old tokens among each other, stay.
func TestAddSpecial(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	for family, lm := range families(t, b) {
		t.Run(family, func(t *testing.T) {
			rows := [][]int32{{5, 9, 300, 600, 7}}
			before, err := lm.LogProbs(context.Background(), rows)
			require.NoError(t, err)
			_, err = lm.Sample(context.Background(), Request{Prompt: rows[0], MaxTokens: 1})
			require.NoError(t, err)
			vocab, known := lm.Config.VocabSize, lm.tokenizer.Len() // ten rows to spare
			old := map[string][]float32{}
			for _, s := range lm.Specs() {
				old[s.Name], _ = lm.Tensor(s.Name)
			}
			ids, err := lm.AddSpecial("<|reflect|>", "<one>", "<two>")
			require.NoError(t, err)
			if n := int32(known); !slices.Equal(ids, []int32{601, n, n + 1}) || lm.Config.VocabSize != vocab {
				t.Errorf("ids %v, vocabulary %d", ids, lm.Config.VocabSize)
			}
			more := make([]string, 12)
			for i := range more {
				more[i] = "<more " + strings.Repeat("x", i) + ">"
			}
			_, err = lm.AddSpecial(more...)
			require.NoError(t, err)
			if lm.Config.VocabSize != vocab+4 {
				t.Errorf("vocabulary %d", lm.Config.VocabSize)
			}
			dim := lm.Config.Dim
			for _, name := range []string{decoder.Embedding, decoder.LMHeadTensor} {
				if old[name] == nil {
					continue
				}
				mean := make([]float64, dim)
				for k, x := range old[name][:known*dim] {
					mean[k%dim] += float64(x) / float64(known)
				}
				got, _ := lm.Tensor(name)
				if len(got) != lm.Config.VocabSize*dim || !slices.Equal(got[:known*dim], old[name][:known*dim]) {
					t.Errorf("%s: %d numbers, or old rows changed", name, len(got))
				}
				for k, x := range got[known*dim:] {
					if math.Abs(float64(x)-mean[k%dim]) > 1e-5 {
						t.Fatalf("%s: row %d is not the mean", name, known+k/dim)
					}
				}
			}
			// An average token changes little about what is said of the others.
			after, err := lm.LogProbs(context.Background(), rows)
			require.NoError(t, err)
			for k := range before[0] {
				if d := after[0][k] - before[0][k]; math.Abs(float64(d)) > 0.2 {
					t.Errorf("log-probability %d goes from %g to %g", k, before[0][k], after[0][k])
				}
			}
			text := encode(t, lm, "a<two>b")
			if !slices.Contains(text, ids[2]) {
				t.Errorf("ids %v", text)
			}
			if _, err := lm.Sample(context.Background(), Request{Prompt: text, MaxTokens: 3}); err != nil {
				t.Error(err)
			}
		})
	}
	words := smallLM(t, b)
	if _, err := words.AddSpecial("two words"); err == nil || !strings.Contains(err.Error(), "two words") || words.tokenizer.Len() != small.VocabSize {
		t.Errorf("error %v", err)
	}
	clone := words.Clone()
	if _, err := clone.AddSpecial("<new>"); err != nil || words.tokenizer.Len() != small.VocabSize || clone.Config.VocabSize != small.VocabSize+1 {
		t.Errorf("clone: %v, vocabulary %d", err, clone.Config.VocabSize)
	}
}
