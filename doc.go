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
//	synth/agent      these roles out of chat models, with prompts and a budget
//	synth/openai     a model behind OpenAI's chat completions
//	synth/run        a directory in which a synthesis survives
//	synth/clean      near duplicates and overlap with test sets
//	synth/dataset    problems from public data sets; rows for other trainers
//	reward           rewards as functions and weighted sums of them
//	reward/answer    extraction and equality of math answers
//	reward/bt        the Bradley-Terry outcome reward model
//	reward/eval      accuracy with intervals, pass@k, maj@n, RM@n, the self-correction table
//	rae              restart buffers D+ and D−, and mixing
//	ppo              proximal policy optimisation with a critic, or relative to a group
//	ppo/ppotest      what every ppo.Policy has to pass
//	model            a language model: opened, saved, sampled from
//	model/backend    what computes: pure Go or XLA; model/backend/allocator keeps XLA's memory on a CPU
//	model/sampler    requests and completions
//	model/remote     models behind servers
//	model/sft        imitation
//	model/tokenizer  tokenizer.json; model/tokenizer/sugarme is the same in the type of sugarme/tokenizer
//	model/chat       chat templates
//	model/gguf       GGUF files
//	model/retry      requests to servers
//	model/samplertest  what every sampler.Sampler has to pass
//
// coat, reward, rae and synth need the standard library alone; no tensor library is
// linked by a program that uses only these.
//
// # Notation
//
// Shapes are lower-case axes in brackets, from one list: batch, seq, dim, vocab, heads,
// kv (key and value heads), group (heads that share one of these), head (channels of one),
// rotary (those of them that turn), len or length (positions of a cache), rows and width
// (prompts that enter a cache together, and their positions), part (positions of a row
// that are looked at together), window (tokens that a graph samples in one call), pairs,
// and of a matrix out, in and rank. Ragged Go slices have one entry a response token.
// Per-token arrays are aligned to the token that they describe.
//
// Configurations are structs whose fields say what zero means: off, or the paper's
// value with its source. Streams are iter.Seq2[T, error]; the loop is the caller's.
// What builds a graph panics, and so does what is given arguments that its documentation
// rules out, such as slices of unequal lengths; what reads, runs or waits returns errors.
// Randomness is a seed in sight: the same seed gives the same bytes.
package satori
