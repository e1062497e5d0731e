// Package ppo improves a policy by proximal policy optimisation (Schulman et al.,
// arXiv:1707.06347) as Satori does (arXiv 2502.02508, sections 4.2 and D.3): one reward
// for a whole response, placed on its last token, a critic that starts from the reward
// model, and starts that may be restarts. To this package a restart is a start like
// any other: its prefix is part of the prompt and is never trained.
//
// One iteration ([Trainer.Train]):
//
//	starts ─► Rollout ─► Rubric.Score ─► Estimate ─► TokenRewards, GAE, Whiten ─► Sample ─► Update
//
// Advantages relative to a group ([GRPO], [DrGRPO], [RLOO]) are another function in the
// place of GAE, not another trainer. A [Checks] looks at every iteration, and what it
// finds is an error.
//
// The objective of the policy, a mean over the sampled tokens of a mini-batch:
//
//	L = −E min(ρₜ·Âₜ, clip(ρₜ, 1−ε, 1+ε)·Âₜ),  ρₜ = π(yₜ)/π_old(yₜ)
//
// and of the critic:
//
//	L = ½ E max((V−R)², (clip(V, V_old±ε)−R)²)
//
// # Where we differ from the paper and its code
//
//   - A truncated response is not given an EOS that its policy did not write; nothing
//     that was not sampled is trained. ActorConfig.ForceEOS does as the paper's code.
//   - λ is 1 by default, not 0.95: the critics of small models explain a fifth of the
//     variance of returns at best (testdata/details.md), and with less than 1 the terminal
//     reward of a long response is forgotten over its length.
//   - The losses are means over the tokens of a mini-batch; the paper's code takes them
//     over those of a micro-batch, one row or four, and then the mean of the micro-batches.
//   - A critic of its own makes four steps on a mini-batch, each on a quarter of it, not one:
//     see ActorConfig.CriticSteps.
//   - The warm-up of the policy's rate begins with its first update, after the
//     iterations in which the critic is trained alone.
//   - Advantages are whitened with Bessel's correction, as in TRL; the paper's code
//     divides by n.
//
// # Going on
//
// A [Run] is a directory in which training survives whatever ends the program: verified
// checkpoints of everything that decides the future, and a journal of every attempt,
// from which updates can be computed again ([Replay]).
//
// # Notation
//
// Slices have one entry a response token. In graphs, per-token arrays are [batch, seq]
// over prompt and response, aligned to the token they describe, with a mask that is 1
// on sampled tokens.
package ppo
