package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/synth"
)

// Demos synthesises n demonstrations. They are in NAME.jsonl. Where one pass over the
// problems gives too few it makes another, with another seed.
func (r *Run) Demos(ctx context.Context, name string, problems []coat.Problem, n int, c synth.Config) ([]coat.Demo, error) {
	file := name + ".jsonl"
	err := r.Stage(name, func(s *Stage) error {
		c.Seed = r.Seed
		var demos []coat.Demo
		empty, pass := 0, uint64(0) // passes in a row that gave nothing, and all
		for len(demos) < n {
			before := len(demos)
			for d, err := range synth.Demos(ctx, slices.Values(r.Some(problems, 0, 0)), c) {
				if err != nil {
					return err
				}
				if demos = append(demos, d); len(demos)%500 == 0 {
					s.Step("", len(demos), n, Tokens{}, nil)
				}
				if len(demos) == n {
					break
				}
			}
			if len(demos) > before {
				empty = 0
			} else if empty++; empty == 20 { // Config.Share drops most of those of few problems
				return errors.New("the synthesis gave no demonstrations of these problems")
			}
			pass++
			c.Seed = sampler.FoldIn(r.Seed, pass)
		}
		s.open("", n)
		r.line.Step(len(demos)) // all there are; metrics.jsonl has every 500th alone
		return writeLines(r, file, demos)
	})
	if err != nil {
		return nil, err
	}
	return readLines[coat.Demo](r, file)
}

// Sample makes attempts at problems, p.N of each, and judges them. They are in NAME.jsonl.
// A MaxTokens of 0 stands for the task's limit, and a Seed of 0 for the run's seed.
func (r *Run) Sample(
	ctx context.Context, name string, lm *model.LM, problems []coat.Problem, p model.SamplingParams,
) ([]coat.Judged, error) {
	p.MaxTokens, p.Seed = cmp.Or(p.MaxTokens, r.Task.MaxTokens), cmp.Or(p.Seed, sampler.FoldIn(r.Seed, 0x53))
	file := name + ".jsonl"
	err := r.Stage(name, func(s *Stage) error {
		attempts, err := r.attempt(ctx, s, "", lm, slices.Collect(coat.Starts(problems)), p)
		if err != nil {
			return err
		}
		return writeLines(r, file, attempts)
	})
	if err != nil {
		return nil, err
	}
	return r.readJudged(ctx, file)
}

// attempt samples attempts and judges them. Each is checked here and nowhere else.
func (r *Run) attempt(
	ctx context.Context, s *Stage, phase string, lm *model.LM, starts []coat.Start, p model.SamplingParams,
) ([]coat.Judged, error) {
	of := max(p.N, 1) * len(starts)
	var judged []coat.Judged
	var sampled []coat.Attempt // not judged yet
	var lengths []int          // of those, in tokens
	right := 0
	judge := func() error {
		list, err := reward.Judge(ctx, r.Task.Check, sampled, 0)
		if err != nil {
			return err
		}
		used := 0
		for i, j := range list {
			if j.Right() {
				right++
			}
			j.Tokens = lengths[i]
			used += lengths[i]
			judged = append(judged, j)
		}
		s.Step(phase, len(judged), of, Tokens{Sampled: used}, map[string]float64{"accuracy": float64(right) / float64(len(judged))})
		sampled, lengths = nil, nil
		return nil
	}
	s.open(phase, of)
	for rollout, err := range p.Rollouts(ctx, lm, r.Task.Template, slices.Values(starts)) {
		if err != nil {
			return nil, err
		}
		sampled, lengths = append(sampled, rollout.Attempt), append(lengths, len(rollout.Tokens))
		if n := len(judged) + len(sampled); n%256 == 0 || n == of {
			if err := judge(); err != nil {
				return nil, err
			}
		}
	}
	return judged, nil
}
