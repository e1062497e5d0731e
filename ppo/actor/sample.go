package actor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo"
)

var _ ppo.Publisher = (*Policy)(nil)

// Rollouts samples at the configured temperature, from the whole distribution.
func (a *Policy) Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]ppo.Rollout, error) {
	if a.stale { // the sampler has not had the first weights, or an iteration was cut short
		if err := a.Publish(ctx); err != nil {
			return nil, err
		}
	}
	s := model.SamplingParams{
		MaxTokens: a.config.MaxTokens, Temperature: a.config.Temperature, Seed: seed,
		Batch: cmp.Or(a.config.MaxConcurrent, len(starts)), Sampler: a.config.Sampler,
	}
	rollouts, err := model.Collect(s.Rollouts(ctx, a.LM, a.config.Template, slices.Values(starts)))
	if err != nil {
		return nil, err
	}
	if a.config.ForceEOS {
		if err := a.forceEOS(ctx, rollouts); err != nil {
			return nil, err
		}
	}
	return rollouts, a.checkEnds(rollouts)
}

// forceEOS writes the EOS that truncated responses lack, where there is a position for it.
func (a *Policy) forceEOS(ctx context.Context, rollouts []ppo.Rollout) error {
	for i := range rollouts {
		r := &rollouts[i]
		if !r.Truncated || len(r.Prompt)+len(r.Tokens) >= a.LM.Config.MaxPositions {
			continue
		}
		r.Tokens, r.Truncated = append(r.Tokens, a.LM.Config.EOS), false
		if a.config.Sampler != nil {
			r.LogProbs = nil // Estimate computes them all
			continue
		}
		row := slices.Concat(r.Prompt, r.Tokens)
		logp, err := a.LM.TokenLogProbs(ctx, [][]int32{row}, a.config.Temperature)
		if err != nil {
			return err
		}
		r.LogProbs = append(r.LogProbs, logp[0][len(row)-1])
	}
	return nil
}

// checkEnds checks that a response ends where an EOS was sampled, or is truncated.
func (a *Policy) checkEnds(rollouts []ppo.Rollout) error {
	c := a.LM.Config
	ends := func(token int32) bool { return token == c.EOS || slices.Contains(c.Stops, token) }
	limit := a.config.MaxTokens
	if a.config.ForceEOS {
		limit++
	}
	var rows []int
	for k, r := range rollouts {
		at := slices.IndexFunc(r.Tokens, ends)
		if ended := at >= 0 && at == len(r.Tokens)-1; at >= 0 && !ended || ended == r.Truncated || len(r.Tokens) > limit {
			rows = append(rows, k)
		}
	}
	if rows != nil {
		return &ppo.CheckError{
			Check: ppo.CheckEnds, Rows: rows,
			Found: fmt.Sprintf("want at most %d tokens, the EOS at the end of what is not truncated and nowhere else", limit),
			Hint: "an EOS that was not sampled is not trained, unless ForceEOS is set; " +
				"a server has to give the token that ended a completion, as vLLM and SGLang do",
		}
	}
	return nil
}

// A publisher is a sampler that takes new weights from a directory, as [model.Remote] does.
type publisher interface {
	Publish(ctx context.Context, dir string) error
}

func (c Config) publisher() publisher {
	if c.SamplerFollows {
		return nil
	}
	p, _ := c.Sampler.(publisher)
	return p
}

// Publish saves the weights under a new name and has the sampler read them. The weights that
// it read before are removed when the new ones are in use. A policy without such a sampler
// does nothing.
func (a *Policy) Publish(ctx context.Context) error {
	to := a.config.publisher()
	if to == nil {
		return nil
	}
	dir, err := os.MkdirTemp(a.config.PublishDir, "satori-weights-")
	if err != nil {
		return fmt.Errorf("publishing the weights: %w", err)
	}
	// A server that runs as somebody else has to read it.
	err = os.Chmod(dir, 0o755)
	path := filepath.Join(dir, "model")
	if err == nil {
		err = a.LM.Save(path)
	}
	if err == nil {
		err = to.Publish(ctx, path)
	}
	if err != nil {
		return fmt.Errorf("publishing the weights: %w", errors.Join(err, os.RemoveAll(dir)))
	}
	a.unpublish()
	a.stale, a.published = false, dir
	return nil
}

// unpublish removes the directory that the sampler read last.
func (a *Policy) unpublish() {
	if a.published != "" {
		_ = os.RemoveAll(a.published) // a directory that stays is no reason to end the training
		a.published = ""
	}
}
