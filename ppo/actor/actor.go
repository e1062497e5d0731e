package actor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/train"
	"github.com/satori-go/satori/ppo"
)

// A Config says how a [Policy] samples and learns. In JSON some fields have the names of
// earlier versions.
type Config struct {
	Template      coat.Template `json:"-"` // writes the prompts
	MaxTokens     int           // new tokens a response; required. A prompt and MaxTokens have to fit into the model's positions
	MaxConcurrent int           `json:"InFlight"` // rollouts sampled at a time, which changes none of them; 0: all of an iteration
	Temperature   float64       // of sampling, and of all log-probabilities; 0: 0.6, the paper's
	PolicyRate    float64       // peak learning rate, required; the paper's 2e-7 is for 7B parameters. LoRA at 135M: 1e-4 (examples/grpo)
	CriticRate    float64       // peak learning rate, required with a critic; the paper's 5e-6 is for 7B parameters
	// CriticSteps is the number of steps that a separate critic makes on a mini-batch, each
	// on a part of it. 0: 4, with which every critic explained more than with 1, that of the
	// paper's code (ppo/testdata/details.md). A critic on the policy's trunk steps with the policy.
	CriticSteps int
	Clip        float64 // ε of the policy; 0: 0.2
	ClipHigh    float64 // ε above 1; 0: that of Clip. DAPO has 0.28
	// ClipRatioC bounds the loss of a token with a negative advantage at −c·Â (dual clip,
	// arXiv:1912.09729). It has to be over 1. 0: no bound.
	ClipRatioC float64 `json:"DualClip"`
	ValueClip  float64 // ε of the critic; 0: 0.2, as in the paper's code. +Inf: no clip
	Entropy    float64 // coefficient of a bonus for entropy; 0: none
	LossAgg    LossAgg `json:"-" setting:"Aggregate" default:"token-mean"` // of the policy's loss; its zero value is [TokenMean]
	// KLLoss estimates the divergence from the reference in the policy's loss, where
	// ppo.Config.KLUse is UseKLLoss: [K1], [K2], [K3]. Its zero value is [K3Plus].
	KLLoss KLEstimator `json:"-" default:"k3+"`
	// ValueMean and ValueStd turn the critic's score into a value, (score − mean)/std, as
	// the paper's scripts do with a critic that starts from a reward model. 0: 0 and 1.
	ValueMean, ValueStd float64
	// ValueCoef is the coefficient of the value loss in the gradient of a trunk that policy
	// and critic share. 0: the value loss does not train the trunk. It does not scale the
	// gradient of the value head.
	ValueCoef float64
	// ForceEOS ends a response that the token limit cuts off with an EOS that the policy did
	// not sample, trains that EOS, and counts the attempt as whole: the behaviour of the
	// paper's code, which is off-policy. A response that leaves no position for it stays
	// truncated. Without ForceEOS only sampled tokens are trained.
	ForceEOS  bool
	Reference *model.LM   `json:"-"` // for a divergence, see ppo.Config.KL; of a policy with an adapter, the model that it was put on. nil: none, as in the paper
	AdamW     model.AdamW // of policy and critic; its zero value is that of the paper's scripts

	// Sampler makes the rollouts in place of the policy's own engine, such as a
	// [model.Remote]. It is given the token ids of prompts, so it has to serve the model of
	// the policy with its tokenizer. Losses take the log-probabilities of the policy's own
	// graph; what the sampler reports is compared with these, see
	// ppo.Diagnostics.SamplerError. nil: the policy's own engine.
	//
	// Before the first rollouts, and after the updates of each iteration, the weights are
	// saved and given to the sampler by its method Publish(ctx, dir) error. A sampler without
	// that method is an error, unless SamplerFollows is set.
	Sampler model.Sampler `json:"-"`
	// SamplerFollows says that the sampler takes the policy's weights without Publish.
	SamplerFollows bool `json:"-"`
	// PublishDir is the directory under which the weights are saved for Publish, each time
	// under another name. The server has to find it at the same path. "": that of
	// [os.MkdirTemp].
	PublishDir string `json:"-"`
}

// ValueHead is the name of the scalar head that makes a policy its own critic.
const ValueHead = "value"

// A Policy is a language model and its critic: two networks that are trained side by side,
// or two heads on one trunk that are trained together. It is a [ppo.Policy].
//
// A shared trunk belongs to the policy: it moves at PolicyRate, along the gradient of
// policy loss + ValueCoef·value loss, and stays where the policy stays, so that
// ppo.Config.CriticWarmup trains the head alone. The gradients of trunk and head are clipped
// apart; their norms are GradNorm and CriticGradNorm of [ppo.Stats]. ppo/testdata/details.md has
// what critics of both kinds explain.
type Policy struct {
	LM     *model.LM
	Critic *model.Net // nil: the policy's [ValueHead], or no critic where it has none
	config Config
	actor  *model.Learner
	critic *model.Learner
	shared bool // the policy is its own critic

	stale     bool   // the sampler lacks the weights
	published string // directory that the sampler read last
}

// New prepares training. Both networks change in place.
//
// The critic can start from the policy's trunk ([network.Net.WithHeads]), which explained
// most where it was measured, or from a reward model (bt.Model.Net.Clone), as the paper's
// does. Without one (nil) the policy is its own critic where it has a head for that, of
// lm.WithHeads(seed, decoder.HeadLM, ValueHead). Without a head there is no critic, which is for
// ppo.Config.Advantage.
//
// The critic of a policy with an adapter starts from the network below the adapter,
// lm.Base(), since the adapter alone would learn. [Policy.Close] frees the optimisers; the
// caller closes lm, its base and the critic.
func New(lm *model.LM, critic *model.Net, c Config) (*Policy, error) {
	shared := critic == nil && lm.Config.HasHead(ValueHead)
	c, err := c.resolve(lm, critic, shared)
	if err != nil {
		return nil, err
	}
	a := &Policy{LM: lm, Critic: critic, config: c, shared: shared, stale: c.publisher() != nil}
	policy := policyNumbers{c.Clip, c.ClipHigh, c.ClipRatioC, c.Entropy, c.LossAgg.Weight != nil, c.Reference != nil}
	value := valueNumbers{c.ValueClip, c.ValueMean, c.ValueStd}
	numbers := actorNumbers{policy, valueNumbers{}, shared}
	if shared {
		numbers.value = value
	}
	a.actor = train.NewLearner(lm.Net, numbers.loss(c.KLLoss.Func), c.AdamW)
	if critic != nil {
		a.critic = train.NewLearner(critic, value.critic(), c.AdamW)
	}
	return a, nil
}

// resolve fills in defaults and reports all faults at once.
func (c Config) resolve(lm *model.LM, critic *model.Net, shared bool) (Config, error) {
	c.Temperature, c.Clip, c.ValueClip = cmp.Or(c.Temperature, 0.6), cmp.Or(c.Clip, 0.2), cmp.Or(c.ValueClip, 0.2)
	c.ClipHigh, c.ValueStd = cmp.Or(c.ClipHigh, c.Clip), cmp.Or(c.ValueStd, 1)
	steps := 4
	if shared {
		steps = 1
	}
	c.CriticSteps = cmp.Or(c.CriticSteps, steps)
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("actor: Config."+format, args...))
		}
	}
	fits := func(ok bool, message string) { // of lm and critic
		if !ok {
			faults = append(faults, errors.New("actor: "+message))
		}
	}
	need(c.Template != nil, "Template is nil")
	need(c.MaxTokens > 0, "MaxTokens is %d, want it positive", c.MaxTokens)
	need(c.MaxConcurrent >= 0, "MaxConcurrent is %d, want it 0 or more", c.MaxConcurrent)
	need(c.Temperature > 0, "Temperature is %g; a greedy policy cannot be trained", c.Temperature)
	need(c.PolicyRate > 0, "PolicyRate is %g, want it positive", c.PolicyRate)
	need(c.Clip > 0 && c.ClipHigh > 0 && c.ValueClip > 0, "Clip is %g, ClipHigh %g, ValueClip %g, want them positive",
		c.Clip, c.ClipHigh, c.ValueClip)
	need(c.ClipRatioC == 0 || c.ClipRatioC > 1, "ClipRatioC is %g, want it over 1", c.ClipRatioC)
	need(c.Entropy >= 0, "Entropy is %g, want it 0 or more", c.Entropy)
	need((c.LossAgg.Name == "") == (c.LossAgg.Weight == nil), "LossAgg has the name %q; want a name and a Weight, or neither", c.LossAgg.Name)
	need((c.KLLoss.Name == "") == (c.KLLoss.Func == nil), "KLLoss has the name %q; want a name and a Func, or neither", c.KLLoss.Name)
	need(c.ValueStd > 0, "ValueStd is %g, want it positive", c.ValueStd)
	need(c.ValueCoef >= 0, "ValueCoef is %g, want it 0 or more", c.ValueCoef)
	need(critic == nil && !shared || c.CriticRate > 0, "CriticRate is %g, want it positive", c.CriticRate)
	fits(critic == nil || critic.Config.HasHead(decoder.HeadScore), `the critic has no head "score"; see network.Net.WithHeads`)
	need(c.CriticSteps > 0, "CriticSteps is %d, want it positive", c.CriticSteps)
	need(!shared || c.CriticSteps == 1, "CriticSteps is %d, and a critic on the policy's trunk steps with it", c.CriticSteps)
	fits(critic == nil || critic.Config.LoRA.Rank == 0,
		"the critic has an adapter, beside which its head does not learn; take lm.Base() for its trunk, or Merge it")
	fits(!shared || lm.Config.LoRA.Rank == 0, "lm has an adapter, which learns alone; give it a separate critic")
	need(c.Sampler == nil || c.SamplerFollows || c.publisher() != nil,
		"Sampler is a %T, which has no method Publish(ctx, dir) error to take new weights; if it takes them without, set SamplerFollows",
		c.Sampler)
	return c, errors.Join(faults...)
}

// Estimate computes values, where there is a critic, log-probabilities under the reference,
// where there is one, and those of the policy's own graph, where another engine samples.
func (a *Policy) Estimate(ctx context.Context, rollouts []ppo.Rollout) ([]ppo.Estimates, error) {
	rows := make([][]int32, len(rollouts))
	for i, r := range rollouts {
		rows[i] = slices.Concat(r.Prompt, r.Tokens)
	}
	var scores, ref, own [][]float32
	var err error
	switch {
	case a.shared:
		scores, err = a.LM.Scores(ctx, ValueHead, rows)
	case a.Critic != nil:
		scores, err = a.Critic.Scores(ctx, decoder.HeadScore, rows)
	}
	if err == nil && a.config.Reference != nil {
		ref, err = a.config.Reference.TokenLogProbs(ctx, rows, a.config.Temperature)
	}
	if err == nil && a.config.Sampler != nil {
		own, err = a.LM.TokenLogProbs(ctx, rows, a.config.Temperature)
	}
	if err != nil {
		return nil, err
	}
	estimates := make([]ppo.Estimates, len(rollouts))
	for i, r := range rollouts {
		n := len(r.Prompt)
		if scores != nil {
			// The value of the state in which token t was chosen is read at the token before.
			values := float64s(scores[i][n-1:])
			for t := range values {
				values[t] = (values[t] - a.config.ValueMean) / a.config.ValueStd
			}
			last := len(values) - 1
			estimates[i].Values, estimates[i].BootstrapValue = values[:last:last], values[last]
		}
		if ref != nil {
			estimates[i].RefLogProbs = float64s(ref[i][n:])
		}
		if own != nil {
			estimates[i].LogProbs = own[i][n:]
		}
	}
	return estimates, nil
}

// Close frees the moments of the optimisers, and removes the weights that were saved for
// the sampler. The networks stay.
func (a *Policy) Close() {
	if a.actor != nil {
		a.actor.Close()
	}
	if a.critic != nil {
		a.critic.Close()
	}
	a.unpublish()
}
