package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/ppo/run"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/bt"
)

// A Reinforcement says how PPO trains a policy.
type Reinforcement struct {
	Rubric      reward.Rubric
	Starts      iter.Seq[coat.Start]
	Config      ppo.Config   // its Seed is the run's
	Actor       actor.Config // its Template and MaxTokens are the task's
	Critic      Critic
	Layers      int       // of a [FreshCritic]; 0: as many as the policy has
	RewardModel *bt.Model // that a [RewardCritic] starts from
}

// A Critic says what the critic of PPO is made from. In JSON it is a word.
// ppo/testdata/details.md has how much of the returns each critic explains.
type Critic uint8

// The critics.
const (
	FreshCritic  Critic = iota // "fresh": a new network with the shape of the policy and Reinforcement.Layers
	PolicyCritic               // "policy": a copy of the policy
	RewardCritic               // "reward model": a copy of the reward model, as in the paper
	SharedCritic               // "shared": the policy with a second head, see [actor.ValueHead]; it costs least and explains least
	NoCritic                   // "none": for advantages relative to a group, see ppo.Config.Advantage
)

var critics = []string{"fresh", "policy", "reward model", "shared", "none"}

// String returns the word for a critic.
func (c Critic) String() string {
	if int(c) < len(critics) {
		return critics[c]
	}
	return fmt.Sprintf("Critic(%d)", uint8(c))
}

// MarshalText writes a critic as a word.
func (c Critic) MarshalText() ([]byte, error) {
	if int(c) >= len(critics) {
		return nil, fmt.Errorf("pipeline: %v is none of the critics %q", c, critics)
	}
	return []byte(critics[c]), nil
}

// UnmarshalText reads a word that MarshalText writes.
func (c *Critic) UnmarshalText(text []byte) error {
	i := slices.Index(critics, string(text))
	if i < 0 {
		return fmt.Errorf("critic is %q, want one of %q", text, critics)
	}
	*c = Critic(i)
	return nil
}

// Rubric makes the reward of the paper (section 4.2): r_rule + σ(r_ψ) + r_bonus with β = 0.5.
// An attempt that the token limit cuts off loses overlong, which the paper does not have. The
// last term is a metric. Three terms use the check; that of Run.Task computes it once.
func Rubric(check reward.Func, rm *bt.Model, overlong float64) reward.Rubric {
	return reward.Rubric{
		{Name: "rule", Weight: 1, Func: reward.Correct(check), Low: -1},
		{Name: "preference", Weight: 1, Batch: reward.Sigmoid(rm.Score), High: 1},
		{Name: "bonus", Weight: 1, Func: reward.Reflection(check, 0.5), Low: -0.5, High: 0.5},
		{Name: "overlong", Weight: -overlong, Func: reward.Overlong, High: 1},
		{Name: "accuracy", Func: reward.Shift(reward.Correct(check), 1), High: 1},
	}
}

// Reinforce trains a copy of a model with PPO. The model is in the directory NAME. Every
// iteration leaves a checkpoint, from which the stage continues, and its attempts in
// NAME.journal.jsonl, which stays.
func (r *Run) Reinforce(ctx context.Context, name string, from *model.LM, p Reinforcement) (*model.LM, error) {
	err := r.Stage(name, func(s *Stage) (err error) {
		p.Actor.Template, p.Actor.MaxTokens = r.Task.Template, r.Task.MaxTokens
		if p.Critic == RewardCritic {
			if p.RewardModel == nil {
				return errors.New("Reinforcement.RewardModel is nil, and a RewardCritic starts from it")
			}
			p.Actor.ValueMean, p.Actor.ValueStd = p.RewardModel.Mean, p.RewardModel.Std
		}
		policy, err := r.actorCritic(from, p)
		if err != nil {
			return err
		}
		defer closeAll(policy)
		p.Config.Seed = r.Seed
		training := run.Run{
			Dir: r.Path(name + ".checkpoint"), RolloutLog: r.Path(name + rolloutLog), Attach: map[string]any{"stage": &kept{s}},
			Trainer: ppo.Trainer{Policy: policy, Rubric: p.Rubric, Check: r.Task.Check, Config: p.Config},
		}
		for step, err := range training.Train(ctx, p.Starts) {
			if err != nil {
				return err
			}
			for _, why := range training.Resumed.Skipped {
				fmt.Fprintln(r.Out, "skipped:", why)
			}
			training.Resumed.Skipped = nil // shown
			s.Step("", step.Iteration, step.Of, Tokens{step.Sampled, step.Trained}, describe(step))
		}
		lm, err := policy.LM.WithHeads(0, decoder.HeadLM)
		if err != nil {
			return err
		}
		defer lm.Close()
		return lm.Save(r.Path(name))
	})
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(r.Path(name + ".checkpoint")); err != nil {
		return nil, err
	}
	return model.Open(r.Backend, r.Path(name))
}

const rolloutLog = ".journal.jsonl"

// actorCritic copies a model and makes the critic that p asks for.
func (r *Run) actorCritic(from *model.LM, p Reinforcement) (*actor.Policy, error) {
	switch p.Critic {
	case NoCritic:
		return actor.New(from.Clone(), nil, p.Actor)
	case SharedCritic:
		lm, err := from.WithHeads(r.Seed, decoder.HeadLM, actor.ValueHead)
		if err != nil {
			return nil, err
		}
		return actor.New(lm, nil, p.Actor)
	case RewardCritic:
		return actor.New(from.Clone(), p.RewardModel.Net.Clone(), p.Actor)
	case PolicyCritic:
		critic, err := from.Net.WithHeads(r.Seed, decoder.HeadScore)
		if err != nil {
			return nil, err
		}
		return actor.New(from.Clone(), critic, p.Actor)
	}
	config := from.Config
	config.Layers = cmp.Or(p.Layers, config.Layers)
	fresh, err := model.NewNet(r.Backend, config, r.Seed)
	if err != nil {
		return nil, err
	}
	defer fresh.Close()
	critic, err := fresh.WithHeads(r.Seed, decoder.HeadScore)
	if err != nil {
		return nil, err
	}
	return actor.New(from.Clone(), critic, p.Actor)
}

// closeAll frees the networks of a policy, too.
func closeAll(a *actor.Policy) {
	a.Close()
	a.LM.Close()
	if a.Critic != nil {
		a.Critic.Close()
	}
}

// A kept stage is one in the checkpoints of its training.
type kept struct{ s *Stage }

// MarshalJSON writes the stage's record up to now.
func (k *kept) MarshalJSON() ([]byte, error) { return k.s.state() }

// UnmarshalJSON makes the stage continue after a record.
func (k *kept) UnmarshalJSON(data []byte) error {
	var old record
	if err := json.Unmarshal(data, &old); err != nil {
		return err
	}
	k.s.resume(&old)
	return nil
}

// describe makes an iteration of PPO into figures: means over the rollouts, and accuracy
// and length by the kind of their starts.
func describe(step ppo.Step) map[string]float64 {
	v := map[string]float64{
		"policy_loss": step.PolicyLoss, "value_loss": step.ValueLoss, "entropy": step.Entropy, "kl": step.ApproxKL,
		"clip_fraction": step.ClipFraction, "policy_norm": step.GradNorm, "value_norm": step.CriticGradNorm,
		"explained_variance": step.ExplainedVariance, "reward": step.Rewards.Total, "tokens": step.Rewards.Tokens,
	}
	maps.Copy(v, step.Rewards.Terms)
	if step.Rewards.Truncated > 0 {
		v["truncated"] = step.Rewards.Truncated
	}
	for kind, r := range step.ByStartKind() {
		if r.Attempts < len(step.Samples) { // there are several
			v["accuracy_"+kind.String()], v["tokens_"+kind.String()] = r.Accuracy, r.Tokens
		}
	}
	return v
}
