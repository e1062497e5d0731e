package ppo

import (
	"iter"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model/sampler"
)

// An Record is an attempt as a journal keeps it, a line of a [rundir.Log]. With the
// weights of a checkpoint the updates of the iterations behind it can be computed again
// from it, see [Replay]. Of the models of examples/satori it takes 20 bytes a sampled token
// and 400 beside; nothing is ever dropped from a journal.
type Record struct {
	Iteration int `json:"iteration"` // counted from 1
	Index     int `json:"index"`     // in the iteration, from 0

	// Seed is that of the attempt's request to the sampler, where the policy samples as
	// *ActorCritic does: sampler.FoldIn(sampler.FoldIn(Config.Seed, Iteration−1), Index).
	Seed uint64 `json:"seed"`
	coat.Attempt
	Verdict coat.Outcome       `json:"verdict,omitempty"` // as RunConfig.Verdict gives it
	Total   float64            `json:"total"`             // the score
	Parts   map[string]float64 `json:"parts"`             // of the score, without weights, by the names of the rubric's terms

	Prompt   []int32   `json:"prompt"`
	Tokens   []int32   `json:"tokens"`
	LogProbs []float32 `json:"log_probs"`
}

// ReadJournal reads a journal from the beginning. It stops at the first error; at a line
// that is not whole, as while the journal is written to, that is a [*rundir.TornError].
func ReadJournal(path string) iter.Seq2[Record, error] { return rundir.ReadLog[Record](path) }

// entries are the attempts of an iteration.
func entries(seed uint64, step Step, c RunConfig) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for k, s := range step.Samples {
			e := Record{
				Iteration: step.Iteration, Index: k, Seed: sampler.FoldIn(sampler.FoldIn(seed, uint64(step.Iteration-1)), uint64(k)), Attempt: s.Attempt,
				Total: s.Score.Total, Parts: map[string]float64{}, Prompt: s.Prompt, Tokens: s.Tokens, LogProbs: s.LogProbs,
			}
			for i, t := range c.Rubric {
				e.Parts[t.Name] = s.Score.Parts[i]
			}
			if c.Verdict != nil {
				e.Verdict = c.Verdict(s)
			}
			if !yield(e) {
				return
			}
		}
	}
}

// Rollout is the attempt as it was sampled.
func (e Record) Rollout() Rollout {
	return Rollout{Attempt: e.Attempt, Prompt: e.Prompt, Tokens: e.Tokens, LogProbs: e.LogProbs}
}
