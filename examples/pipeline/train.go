package pipeline

import (
	"context"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sft"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/bt"
)

// Imitate trains a copy of a model on demonstrations. The model is in the directory NAME.
func (r *Run) Imitate(ctx context.Context, name string, from *model.LM, demos []coat.Demo, c sft.Config) (*model.LM, error) {
	err := r.Stage(name, func(s *Stage) error {
		lm := from.Clone()
		defer lm.Close()
		c.Seed = r.Seed
		for step, err := range sft.Train(ctx, lm, r.Task.Template, demos, c) {
			if err != nil {
				return err
			}
			s.Step("", step.Step, step.Of, Tokens{Trained: step.Tokens}, map[string]float64{"loss": step.Loss, "rate": step.Rate})
		}
		return lm.Save(r.Path(name))
	})
	if err != nil {
		return nil, err
	}
	return model.Open(r.Backend, r.Path(name))
}

// RewardModel trains an outcome reward model on a copy of a model's trunk. It is in the
// directory NAME. Without pairs it stays untrained, and prefers next to nothing.
func (r *Run) RewardModel(ctx context.Context, name string, from *model.LM, pairs []reward.Pair, c bt.Config) (*bt.Model, error) {
	err := r.Stage(name, func(s *Stage) error {
		rm, err := bt.New(from, r.Task.Template, r.Seed)
		if err != nil {
			return err
		}
		defer rm.Net.Close()
		if len(pairs) == 0 { // the policy was never both right and wrong at one problem
			s.Step("", 0, 0, Tokens{}, nil)
			return rm.Save(r.Path(name))
		}
		c.Seed = r.Seed
		for step, err := range rm.Train(ctx, pairs, c) {
			if err != nil {
				return err
			}
			s.Step("", step.Step, step.Of, Tokens{Trained: step.Tokens}, map[string]float64{"loss": step.Loss, "accuracy": step.Accuracy})
		}
		return rm.Save(r.Path(name))
	})
	if err != nil {
		return nil, err
	}
	return bt.Open(from, r.Task.Template, r.Path(name))
}
