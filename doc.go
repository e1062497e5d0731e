// Package satori contains documentation only: the data flow of the library, its
// packages, and the conventions that all of them follow.
//
// The library trains language models that reason in steps. Each step opens with a
// meta-action token (<|continue|>, <|reflect|>, <|explore|>), and the model learns by
// reinforcement learning when to check its own work and when to try another way. The
// method is Satori's (arXiv 2502.02508).
//
// # The data flow
//
// Each value is made from the one before it:
//
//	Problem ─► Start ─► model.Rollout ─► ppo.Estimates ─► ppo.Sample ─► [batch, seq] ─► new weights
//	 JSONL,     ▲ rae     SamplingParams   Rubric.Score     TokenRewards, pack (pads)     used in place,
//	 synth      │ .Mix    .Rollouts        Policy.Estimate  GAE, Whiten   Policy.Update   or published to
//	            │                                                                         a server
//	            └── rae.Build ◄── samples of the format-tuned policy, once, before training
//
// A restart is a coat.Start with a prefix. The reflection bonus is a reward.Func. The
// restart buffer maps one iter.Seq[coat.Start] to another. So package ppo has no code
// for restarts.
//
// # The packages
//
// The values, the data and the rewards need no tensor library:
//
//	coat             problems, steps, traces, starts, attempts, demonstrations; JSON Lines
//	coat/rundir      directories of resumable runs: a lock, checkpoints, logs
//	synth            demonstrations from a generator, a critic and a selector; distillation; pairs
//	synth/agent      generator, critic and judge from chat models, with prompts and a budget
//	synth/openai     a model behind OpenAI's chat completions
//	synth/run        a directory for a resumable synthesis
//	synth/clean      near duplicates, and overlap with test sets
//	synth/dataset    problems from public data sets; rows for other trainers
//	reward           rewards as functions, and weighted sums of them
//	reward/answer    extracts and compares mathematical answers
//	reward/eval      accuracy with intervals, pass@k, maj@n, best-of-n, self-correction
//	rae              restart buffers D+ and D−, and their mixture with fresh starts
//
// Language models, from files down to graphs:
//
//	model            a language model: open, save, sample, log-probabilities
//	model/sampler    requests, completions and the Sampler interface; model/samplertest tests one
//	model/remote     a Sampler that asks a server; model/retry sends requests
//	model/tokenizer  tokenizer.json; model/tokenizer/sugarme has the type of sugarme/tokenizer
//	model/chat       chat templates
//	model/hf         Hugging Face directories and PEFT adapters
//	model/gguf       GGUF files; model/gguf/convert makes decoders and tokenizers of them
//	model/sft        imitation: format tuning, distillation
//	model/train      learners, AdamW
//	model/network    a decoder with weights on a device
//	model/decoder    the computation graph of a decoder
//	model/backend    the backends, pure Go and XLA; model/backend/allocator keeps XLA's memory on a CPU
//
// Reinforcement learning, on top of both:
//
//	ppo              the trainer, advantages, checks of each iteration; ppo/ppotest tests a Policy
//	ppo/actor        the policy and its critic, losses, rollouts from a server
//	ppo/run          runs in a directory: checkpoints, continuing, rollout logs, replay
//	reward/bt        the Bradley-Terry outcome reward model
//
// The examples share examples/pipeline (stages that run once and resume), examples/tasks
// (path-star and countdown), examples/report and examples/progress.
//
// # Shapes
//
// The axes of a tensor stand in brackets, in lower case: [batch, seq, dim]. A dot joins
// axes that are one in memory: [batch·kv, len, head]. All names of axes:
//
//	batch        sequences of a call
//	seq          positions of a sequence
//	dim          channels of the hidden state
//	intermediate channels inside of the MLP
//	vocab        token ids
//	heads        query heads
//	kv           key and value heads
//	group        query heads that share one key and value head
//	head         channels of one head
//	rotary       channels of one head that rotate with the position
//	len          positions of a KV cache
//	prompts, parts  prompts that enter a KV cache together, or later parts of prompts
//	part         positions whose logits are computed together
//	window       tokens that a graph samples in one call
//	pairs        pairs of attempts of a reward model
//	out, in      rows and columns of a weight matrix
//	rank         inner axis of a LoRA adapter
//
// Ragged Go slices have one entry a response token. An entry of a per-token array
// describes the token at the same index: the log-probability at t is that of token t
// given the tokens before it.
//
// # Notation
//
//	x, z, y    a question, a start (question and prefix), a response
//	π, π_old   the policy, and the policy that sampled
//	r, V, R    reward, value, return
//	Â, δ       advantage and temporal difference: Âₜ = δₜ + γλ·Âₜ₊₁
//	ρ          the ratio π/π_old of a token
//	γ, λ       discount, and decay of GAE
//	ε, β       clip range; coefficient of KL (ppo) and size of the reflection bonus (reward)
//	σ          the logistic function
//	D+, D−     restarts that were cut from right and from wrong attempts
//
// # Conventions
//
// Zero values: options are fields of a struct such as ppo.Config. Each field says what
// zero means: off, or a default with its source.
//
// Errors: everything that reads, runs or waits returns an error. Functions that build
// graphs panic, and so do functions whose arguments break their documentation, such as
// slices of different lengths. A reward that fails stops training; it never becomes 0.
//
// Streams: a stream is an iter.Seq2[T, error], or an iter.Seq[T] if it cannot fail. The
// caller writes the loop; logging, evaluation and stopping are in its body. No goroutine
// outlives the loop.
//
// Randomness: each seed is an argument or a field. On one backend the same seed gives the
// same bytes. A sample does not depend on the other requests of its batch, except for the
// last bit of rounding.
package satori
