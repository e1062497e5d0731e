// Package satori is documentation alone: the picture of the library that lies in the
// packages below it.
//
// The library trains autoregressive search models: language models that reason in
// steps, each opened by a meta-action token (<|continue|>, <|reflect|>, <|explore|>),
// and that learn by reinforcement learning when to check their own work and when to
// try another way. The method is Satori's (arXiv 2502.02508).
//
// # The picture
//
// Seven values, each made from the one before. Restart and Explore is an arrow between
// two of them, and PPO never hears of it.
//
//	Problem ─► Start ─► model.Rollout ─► ppo.Estimate ─► ppo.Sample ─► [batch, seq] ─► new weights
//	 JSONL,     ▲ rae     Sampling         Rubric.Score    Shape, GAE,   pack (pads)     used in place
//	 synth      │ .Mix    .Rollouts        Policy.Estimate Whiten        Policy.Update
//	            │
//	            └── rae.Build ◄── samples of the format-tuned policy, once, before training
//
// A restart state is a coat.Start; the reflection bonus is a reward.Func; the restart
// buffer is an adaptor of iter.Seq[coat.Start].
//
// # The packages
//
//	coat             actions, steps, traces, problems, demonstrations, starts, attempts
//	coat/rundir      a directory over several runs: a lock, checkpoints, logs
//	synth            demonstrations from a generator, a critic and a selector; distillation; pairs
//	reward           rewards as functions and weighted sums of them
//	reward/answer    extraction and equality of math answers
//	reward/bt        the Bradley-Terry outcome reward model
//	reward/eval      accuracy with intervals, pass@k, maj@n, RM@n, the self-correction table
//	rae              restart buffers D+ and D−, and mixing
//	ppo              proximal policy optimisation with a critic
//	model            backend, decoder, weights, sampling engine, optimiser
//	model/sft        imitation
//	model/tokenizer  tokenizer.json; model/tokenizer/sugarme is the same in the type of sugarme/tokenizer
//	model/chat       chat templates
//
// coat, reward, rae and synth need the standard library alone; no tensor library is
// linked by a program that uses only these.
//
// # Notation
//
// Shapes are lower-case axes in brackets, from one list: batch, seq, dim, vocab, heads,
// kv (key and value heads), head (channels of one), len (positions of a cache). Ragged
// Go slices have one entry a response token. Per-token arrays are aligned to the token
// that they describe.
//
// Configurations are structs whose fields say what zero means: off, or the paper's
// value with its source. Streams are iter.Seq2[T, error]; the loop is the caller's.
// Graph builders panic; everything else returns errors. Randomness is a seed in sight:
// the same seed gives the same bytes.
package satori
