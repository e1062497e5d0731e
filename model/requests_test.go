package model

import (
	"math"
	"strings"
	"testing"

	"github.com/satori-go/satori/model/internal/modeltest"
)

// No requests are none to complete, in every form.
func TestNoRequests(t *testing.T) {
	lm, err := Open(modeltest.Backends(t)["go"], "testdata/llama-tiny")
	if err != nil {
		t.Fatal(err)
	}
	if done, err := lm.SampleAll(t.Context(), nil); err != nil || len(done) > 0 {
		t.Errorf("%v, %v", done, err)
	}
	for p, err := range lm.Stream(t.Context(), nil) {
		t.Errorf("%v, %v", p, err)
	}
	for c, err := range lm.InOrder(t.Context(), nil) {
		t.Errorf("%v, %v", c, err)
	}
}

// A part is the caller's: what it appends is not in the completion.
func TestPartsAreTheCallers(t *testing.T) {
	lm := smallLM(t, modeltest.Backends(t)["go"])
	for p, err := range lm.Stream(t.Context(), []Request{{Prompt: []int32{5}, MaxTokens: 20, Temperature: 1, TopP: 0.9}}) {
		if err != nil {
			t.Fatal(err)
		}
		if c := p.Completion; cap(c.Tokens) > len(c.Tokens) || cap(c.LogProbs) > len(c.LogProbs) || cap(c.UnfilteredLogProbs) > len(c.UnfilteredLogProbs) {
			t.Errorf("room of %d, %d and %d for %d tokens", cap(c.Tokens), cap(c.LogProbs), cap(c.UnfilteredLogProbs), len(c.Tokens))
		}
	}
}

// What cannot be computed is an error, never a number.
func TestRefusedRows(t *testing.T) {
	lm := smallLM(t, modeltest.Backends(t)["go"])
	critic := &LM{Net: lm.WithScore(1)}
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
			_, err := critic.Scores(ctx, [][]int32{{1, -100}})
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
