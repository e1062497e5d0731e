package run

import (
	"iter"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/ppo"
)

// A Record is an attempt in a rollout log, which is a [rundir.Log]. [Replay] computes the
// updates of the iterations after a checkpoint from it again. With the models of
// examples/satori it takes 20 bytes a sampled token, and 400 more. Nothing is ever dropped
// from a log.
type Record struct {
	Iteration int `json:"iteration"` // counted from 1
	Index     int `json:"index"`     // in the iteration, counted from 0

	// Seed is that of the attempt's request to the sampler, where the policy samples as
	// *actor.Policy does: sampler.FoldIn(sampler.FoldIn(Config.Seed, Iteration−1), Index).
	Seed uint64 `json:"seed"`
	coat.Attempt
	Outcome coat.Outcome       `json:"verdict,omitempty"` // by Trainer.Check
	Total   float64            `json:"total"`             // score
	Parts   map[string]float64 `json:"parts"`             // of the score, without weights, by the names of the rubric's terms

	Prompt   []int32   `json:"prompt"`
	Tokens   []int32   `json:"tokens"`
	LogProbs []float32 `json:"log_probs"` // what the losses took, see [ppo.Estimates]
}

// ReadLog reads a rollout log from the beginning, and stops at the first error. Where the
// last line is not whole, as while the log is written, that is a [*rundir.TornError].
func ReadLog(path string) iter.Seq2[Record, error] { return rundir.ReadLog[Record](path) }

// Judged returns the attempt with its outcome, score and length.
func (r Record) Judged() coat.Judged {
	return coat.Judged{Attempt: r.Attempt, Outcome: r.Outcome, Score: r.Total, Tokens: len(r.Tokens)}
}

func (r Record) rollout() ppo.Rollout {
	return ppo.Rollout{Attempt: r.Attempt, Prompt: r.Prompt, Tokens: r.Tokens, LogProbs: r.LogProbs}
}

// records yields the attempts of an iteration.
func records(t ppo.Trainer, step ppo.Step) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for k, s := range step.Samples {
			r := Record{
				Iteration: step.Iteration, Index: k, Seed: sampler.FoldIn(sampler.FoldIn(t.Config.Seed, uint64(step.Iteration-1)), uint64(k)),
				Attempt: s.Attempt, Outcome: s.Outcome, Total: s.Score.Total, Parts: map[string]float64{}, Prompt: s.Prompt, Tokens: s.Tokens, LogProbs: s.LogProbs,
			}
			for i, term := range t.Rubric {
				r.Parts[term.Name] = s.Score.Parts[i]
			}
			if !yield(r) {
				return
			}
		}
	}
}
