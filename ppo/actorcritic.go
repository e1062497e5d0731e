package ppo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
)

// An ActorConfig says how an ActorCritic samples and learns.
type ActorConfig struct {
	Template    coat.Template `json:"-"`
	MaxTokens   int           // new tokens a response
	Temperature float64       // of sampling, and of all log-probabilities; 0: 0.6, the paper's
	PolicyRate  float64       // peak learning rate; the paper's 2e-7 is for 7B parameters
	CriticRate  float64       // peak learning rate; the paper's 5e-6 is for 7B parameters
	Clip        float64       // ε of the policy; 0: 0.2
	ValueClip   float64       // ε of the critic; 0: 0.2, as in the paper's code
	// ValueMean and ValueStd turn the critic's score into a value, (score − mean)/std, as
	// the paper's scripts do with a critic that starts from a reward model. 0: 0 and 1.
	ValueMean, ValueStd float64
	Reference           *model.LM   `json:"-"` // for a KL penalty; nil: none, as in the paper
	AdamW               model.AdamW // of both; its zero value is the paper's scripts'
}

// An ActorCritic is a language model and a critic, two networks, trained side by side.
// It is a [Policy].
type ActorCritic struct {
	LM     *model.LM
	Critic *model.Net
	config ActorConfig
	actor  *model.Learner
	critic *model.Learner
}

// NewActorCritic prepares training. Both networks change in place.
func NewActorCritic(lm *model.LM, critic *model.Net, c ActorConfig) (*ActorCritic, error) {
	c.Temperature, c.Clip, c.ValueClip = cmp.Or(c.Temperature, 0.6), cmp.Or(c.Clip, 0.2), cmp.Or(c.ValueClip, 0.2)
	c.ValueStd = cmp.Or(c.ValueStd, 1)
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("ppo: ActorConfig."+format, args...))
		}
	}
	need(c.Template != nil, "Template is nil")
	need(c.MaxTokens > 0, "MaxTokens is %d, want it positive", c.MaxTokens)
	need(c.Temperature > 0, "Temperature is %g; a greedy policy cannot be trained", c.Temperature)
	need(c.PolicyRate > 0 && c.CriticRate > 0, "PolicyRate is %g, CriticRate %g, want them positive", c.PolicyRate, c.CriticRate)
	need(c.ValueStd > 0, "ValueStd is %g, want it positive", c.ValueStd)
	need(critic.Config.Score, "critic has no scalar head; see model.Net.WithScore")
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	a := &ActorCritic{LM: lm, Critic: critic, config: c}
	a.actor = policyObjectives.Of(policyNumbers{c.Temperature, c.Clip}).Learner(lm.Net, c.AdamW)
	a.critic = valueObjectives.Of(valueNumbers{c.ValueClip, c.ValueMean, c.ValueStd}).Learner(critic, c.AdamW)
	return a, nil
}

// Rollouts samples at the configured temperature, from the whole distribution.
func (a *ActorCritic) Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]Rollout, error) {
	s := model.Sampling{MaxTokens: a.config.MaxTokens, Temperature: a.config.Temperature, Seed: seed, Batch: len(starts)}
	return model.Collect(s.Rollouts(ctx, a.LM, a.config.Template, slices.Values(starts)))
}

// Estimate gives values and, with a reference, its log-probabilities.
func (a *ActorCritic) Estimate(ctx context.Context, rollouts []Rollout) ([]Estimate, error) {
	rows := make([][]int32, len(rollouts))
	for i, r := range rollouts {
		rows[i] = slices.Concat(r.Prompt, r.Tokens)
	}
	scores, err := a.Critic.Scores(ctx, rows)
	if err != nil {
		return nil, err
	}
	var ref [][]float32
	if a.config.Reference != nil {
		if ref, err = a.config.Reference.TokenLogProbs(ctx, rows, a.config.Temperature); err != nil {
			return nil, err
		}
	}
	estimates := make([]Estimate, len(rollouts))
	for i, r := range rollouts {
		n := len(r.Prompt)
		// The value of the state in which token t was chosen is read at the token before.
		values := float64s(scores[i][n-1 : len(rows[i])-1])
		for t := range values {
			values[t] = (values[t] - a.config.ValueMean) / a.config.ValueStd
		}
		estimates[i].Values = values
		if ref != nil {
			estimates[i].Ref = float64s(ref[i][n:])
		}
	}
	return estimates, nil
}

// Update makes one step of the policy and one of the critic.
func (a *ActorCritic) Update(ctx context.Context, minibatch []Sample, rate Rate) (Stats, error) {
	var s Stats
	if err := context.Cause(ctx); err != nil {
		return s, err
	}
	// Its statistics are wanted even where a half is left alone.
	step := func(l *model.Learner, cols columns, rate float64) (model.Stat, error) {
		if rate == 0 {
			return l.Measure(pack(minibatch, cols))
		}
		return l.Step(pack(minibatch, cols), rate)
	}
	policy, err := step(a.actor, policyColumns, rate.Policy*a.config.PolicyRate)
	if err != nil {
		return s, err
	}
	value, err := step(a.critic, valueColumns, rate.Critic*a.config.CriticRate)
	if err != nil {
		return s, err
	}
	if policy.Diverged || value.Diverged {
		return s, fmt.Errorf("the gradient is not finite (policy %g, critic %g); lower rates may help", policy.Norm, value.Norm)
	}
	return Stats{
		PolicyLoss: policy.Loss, Entropy: policy.Stats[0], KL: policy.Stats[1], ClipFraction: policy.Stats[2], RatioError: policy.Stats[3],
		PolicyNorm: policy.Norm, ValueLoss: value.Loss, ValueNorm: value.Norm,
	}, nil
}

// What the graphs of the two losses are functions of.
type (
	policyNumbers struct{ temperature, clip float64 }
	valueNumbers  struct{ clip, mean, std float64 }
)

var (
	policyObjectives = model.NewObjectives(func(n policyNumbers) model.Loss { return n.loss })
	valueObjectives  = model.NewObjectives(func(n valueNumbers) model.Loss { return n.loss })
)

// The policy's: tokens [batch, seq] int32, mask, old, advantage [batch, seq], count [].
func (n policyNumbers) loss(c model.Config, w model.Weights, in []*Node) (*Node, *Node) {
	tokens, mask, old, advantage, count := in[0], in[1], in[2], in[3], in[4]
	logits := c.Logits(w, c.Hidden(w, tokens))
	logp := model.LogProbs(logits, tokens, n.temperature)
	// Off the mask old and advantage are 0 and logp is not: 1 keeps what is left out finite.
	ratio := Where(GreaterThan(mask, ZerosLike(mask)), Ratio(logp, old), OnesLike(mask))
	loss := Mean(PolicyLoss(ratio, advantage, n.clip), mask, count)
	off := Abs(AddScalar(ratio, -1.0))
	clipped := ConvertDType(GreaterThan(off, Scalar(off.Graph(), off.DType(), n.clip)), off.DType())
	k3 := AddScalar(Sub(ratio, Log(ratio)), -1.0)
	var stats []*Node
	for _, x := range []*Node{model.Entropies(logits, tokens, n.temperature), k3, clipped, off} {
		stats = append(stats, Mean(StopGradient(x), mask, count))
	}
	return loss, Stack(stats, 0)
}

// The critic's: tokens [batch, seq] int32, mask, old, ret [batch, seq], count [].
func (n valueNumbers) loss(c model.Config, w model.Weights, in []*Node) (*Node, *Node) {
	tokens, mask, old, ret, count := in[0], in[1], in[2], in[3], in[4]
	scores := c.Scores(w, c.Hidden(w, tokens))
	values := DivScalar(AddScalar(model.Before(scores), -n.mean), n.std)
	loss := Mean(ValueLoss(values, old, ret, n.clip), mask, count)
	return loss, Reshape(loss, 1)
}

// columns are a sample's per-token arrays that a loss reads.
type columns func(Sample) [2][]float64

func policyColumns(s Sample) [2][]float64 {
	return [2][]float64{float64s(s.LogProbs), s.Advantages}
}

func valueColumns(s Sample) [2][]float64 { return [2][]float64{s.Values, s.Returns} }

// pack makes a mini-batch into micro-batches of rows of about the same length:
// tokens, mask, two columns, and the number of sampled tokens of the mini-batch.
func pack(minibatch []Sample, cols columns) (inputs [][]*model.Tensor) {
	count := 0
	lengths := make([]int, len(minibatch))
	for i, s := range minibatch {
		count += len(s.Tokens)
		lengths[i] = len(s.Prompt) + len(s.Tokens)
	}
	micro := model.Micro(len(minibatch))
	for _, group := range model.Groups(lengths, micro) {
		ids := make([][]int32, micro)
		mask, first, second := make([][]float32, micro), make([][]float32, micro), make([][]float32, micro)
		longest := 0
		for k, i := range group {
			s := minibatch[i]
			values := cols(s)
			ids[k] = slices.Concat(s.Prompt, s.Tokens)
			longest = max(longest, len(ids[k]))
			mask[k], first[k], second[k] = make([]float32, len(ids[k])), make([]float32, len(ids[k])), make([]float32, len(ids[k]))
			for t := range s.Tokens {
				at := len(s.Prompt) + t
				mask[k][at], first[k][at], second[k][at] = 1, float32(values[0][t]), float32(values[1][t])
			}
		}
		width := model.Width(longest)
		in := []*model.Tensor{model.Ints(model.PadRows(ids, width), micro, width)}
		for _, column := range [][][]float32{mask, first, second} {
			in = append(in, model.Floats(model.PadRows(column, width), micro, width))
		}
		inputs = append(inputs, append(in, model.Floats([]float32{float32(count)})))
	}
	return inputs
}

// Save writes the policy and the critic with the moments of their optimisers, whole or
// not at all; files of the caller's own join them.
func (a *ActorCritic) Save(dir string, extra ...func(dir string) error) error {
	return model.ReplaceDir(dir, func(tmp string) error {
		if err := a.LM.Save(filepath.Join(tmp, "policy"), a.actor.SaveState); err != nil {
			return err
		}
		if err := a.Critic.Save(filepath.Join(tmp, "critic"), a.critic.SaveState); err != nil {
			return err
		}
		for _, write := range extra {
			if err := write(tmp); err != nil {
				return err
			}
		}
		return nil
	})
}

// OpenActorCritic goes on where Save stopped.
func OpenActorCritic(b model.Backend, dir string, c ActorConfig) (*ActorCritic, error) {
	if err := model.RecoverDir(dir); err != nil {
		return nil, fmt.Errorf("ppo: %w", err)
	}
	lm, err := model.Open(b, filepath.Join(dir, "policy"))
	if err != nil {
		return nil, fmt.Errorf("ppo: %w", err)
	}
	critic, err := model.OpenNet(b, filepath.Join(dir, "critic"))
	if err != nil {
		return nil, fmt.Errorf("ppo: %w", err)
	}
	a, err := NewActorCritic(lm, critic, c)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(a.actor.LoadState(filepath.Join(dir, "policy")), a.critic.LoadState(filepath.Join(dir, "critic"))); err != nil {
		return nil, fmt.Errorf("ppo: %w", err)
	}
	return a, nil
}

// Close frees the optimisers' moments. The networks stay.
func (a *ActorCritic) Close() {
	a.actor.Close()
	a.critic.Close()
}
