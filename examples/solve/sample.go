package main

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/reward"
)

// attempts yields one attempt a problem, in order.
func attempts(ctx context.Context, f flags, problems []coat.Problem) iter.Seq2[coat.Attempt, error] {
	return func(yield func(coat.Attempt, error) bool) {
		m, err := open(f)
		if err == nil {
			f.maxTokens, err = limit(m, f.maxTokens, problems)
		}
		if err != nil {
			yield(coat.Attempt{}, err)
			return
		}
		// With small batches the first answers are written early.
		s := model.SamplingParams{MaxTokens: f.maxTokens, Temperature: f.temperature, Seed: f.seed, Batch: 128}
		for r, err := range s.Rollouts(ctx, m, coat.Bare, coat.Starts(problems)) {
			if !yield(r.Attempt, err) {
				return
			}
		}
	}
}

// open opens the model. It refuses models that cannot reason in steps.
func open(f flags) (*model.LM, error) {
	b, err := model.OpenBackend(f.backend)
	if err != nil {
		return nil, err
	}
	m, err := model.Open(b, f.model)
	if err != nil {
		return nil, err
	}
	if !m.Config.HasHead(decoder.HeadLM) {
		return nil, fmt.Errorf("%s holds a reward model, which writes no text", f.model)
	}
	for _, token := range (coat.Actions{}).Tokens() {
		if _, ok := m.Tokenizer().ID(token); !ok {
			return nil, fmt.Errorf("%s has no token %s: this model was not trained to reason in such steps",
				filepath.Join(f.model, "tokenizer.json"), token)
		}
	}
	return m, nil
}

// limit returns the number of tokens that an answer may have. It encodes every question, so
// that a question that the model cannot read is reported before the first answer.
func limit(m *model.LM, asked int, problems []coat.Problem) (int, error) {
	room := m.Config.MaxPositions
	for _, p := range problems {
		prompt, err := m.Prompt(coat.Bare, coat.Start{Problem: p})
		if err != nil {
			return 0, err
		}
		left := m.Config.MaxPositions - len(prompt)
		if left < max(asked, 1) {
			return 0, fmt.Errorf("problem %q: a question of %d tokens leaves room for %d in %d, want %d",
				p.ID, len(prompt), max(left, 0), m.Config.MaxPositions, max(asked, 1))
		}
		room = min(room, left)
	}
	if asked > 0 {
		return asked, nil
	}
	return room, nil
}

// answer returns the text in the last box, or "".
func answer(a coat.Attempt) string {
	box, _ := reward.Boxed(a.Text)
	return strings.TrimSpace(box)
}

// unknownTask reports a question that belongs to no task.
func unknownTask(question string) error {
	return fmt.Errorf(`question %q is none of a known task; they look like "| 1 2 | 1 3 / 1 3 =" or "1 2 3 make 6 :"`, question)
}
