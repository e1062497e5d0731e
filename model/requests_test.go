package model

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// What cannot be computed is an error, never a number.
func TestRefusedRows(t *testing.T) {
	lm := smallLM(t, modeltest.Backends(t)["go"])
	critic, err := lm.WithHeads(1, decoder.HeadScore)
	require.NoError(t, err)
	ctx, vocab := t.Context(), int32(lm.Config.VocabSize)
	for _, c := range []struct {
		name, want string
		err        func() error
	}{
		{"an id of another vocabulary", "row 1 has id 99 at 2, outside the vocabulary of", func() error {
			_, err := lm.LogProbs(ctx, [][]int32{{1, 2}, {1, 2, 99, 3}})
			return err
		}},
		{"the first id too many", "outside the vocabulary", func() error {
			_, err := lm.LogProbs(ctx, [][]int32{{1, vocab}})
			return err
		}},
		{"a padding of -100", "row 0 has id -100 at 1", func() error {
			_, err := critic.Scores(ctx, decoder.HeadScore, [][]int32{{1, -100}})
			return err
		}},
		{"temperature 0", "the temperature is 0, want it positive", func() error {
			_, err := lm.TokenLogProbs(ctx, [][]int32{{1, 2}}, 0)
			return err
		}},
		{"tokens of a reward model", "the network has a scalar head, and none for tokens", func() error {
			_, err := critic.Sample(ctx, Request{Prompt: []int32{1}, MaxTokens: 1})
			return err
		}},
		{"more tokens than numbers", "do not fit into max_position_embeddings", func() error {
			_, err := lm.Sample(ctx, Request{Prompt: []int32{1}, MaxTokens: math.MaxInt})
			return err
		}},
	} {
		if err := c.err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
	}
}
