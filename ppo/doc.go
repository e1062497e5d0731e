// Package ppo improves a policy by proximal policy optimisation (Schulman et al.,
// arXiv:1707.06347) as Satori does (arXiv 2502.02508, sections 4.2 and D.3): with one reward
// for a whole response, on its last token, a critic, and starts that may be restarts. To
// this package a restart is a start like every other: its prefix is a part of the prompt,
// and is never trained.
//
// [Trainer.Train] makes iterations of these steps:
//
//	starts ─► Rollouts ─► Rubric.Score ─► Estimate ─► TokenRewards, GAE, Whiten ─► Samples ─► Update
//
// [GRPO], [DrGRPO] and [RLOO] take the place of GAE where there is no critic. The trainer
// checks every iteration, see [Checks]; a failed check is an error.
//
// The loss of the policy is a mean over the sampled tokens of a mini-batch:
//
//	L = −E min(ρₜ·Âₜ, clip(ρₜ, 1−ε, 1+ε)·Âₜ),  ρₜ = π(yₜ)/π_old(yₜ)
//
// and that of the critic:
//
//	L = ½ E max((V−R)², (clip(V, V_old±ε)−R)²)
//
// Package ppo/actor has the policy over gomlx with these losses. Package ppo/run keeps
// training in a directory, so that it survives whatever ends the program.
//
// # Differences from the paper and its code
//
//   - A truncated response gets no EOS that its policy did not write: nothing is trained that
//     was not sampled. actor.Config.ForceEOS does as the paper's code.
//   - λ is 1 by default, not 0.95. The critics of small models explain at most a fifth of the
//     variance of returns (testdata/details.md), and with a λ under 1 the reward at the end of
//     a long response hardly reaches its beginning.
//   - The losses are means over the tokens of a mini-batch. The paper's code takes means over
//     micro-batches of one or four rows, and then the mean of these.
//   - A separate critic makes four steps on a mini-batch, each on a quarter of it, not one:
//     see actor.Config.CriticSteps.
//   - The warm-up of the policy's learning rate begins with its first update, after the
//     iterations in which the critic is trained alone.
//   - Advantages are whitened with Bessel's correction, as in TRL. The paper's code divides
//     by n.
//
// # Notation
//
// Slices have one entry a response token. In graphs, per-token arrays are [batch, seq] over
// prompt and response, aligned to the token that they describe, with a mask that is 1 on
// sampled tokens.
package ppo
