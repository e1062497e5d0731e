// Package actor has the policy that package ppo trains: a language model and a critic over
// gomlx, with their losses. [New] makes a [Policy] of networks; a ppo.Trainer improves it:
//
//	critic, err := lm.Net.WithHeads(1, decoder.HeadScore)
//	policy, err := actor.New(lm, critic, actor.Config{Template: coat.Bare, ...})
//	trainer := ppo.Trainer{Policy: policy, Rubric: rubric, Config: config}
//	for step, err := range trainer.Train(ctx, starts) {
//
// The model can have an adapter (model.LM.WithLoRA), rollouts can come from a server
// (Config.Sampler), and a policy without a critic learns by ppo.GRPO and its kin.
package actor
