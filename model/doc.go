// Package model opens, samples, scores and saves language models of the families Llama, Mistral,
// Qwen2 and Qwen3. It is the face of the packages below it.
//
//   - [OpenBackend] opens what computes: pure Go, or XLA where a plugin is installed.
//   - [Open] reads an [LM], a network with a tokenizer, from a Hugging Face directory or a GGUF
//     file. [LM.Save] and [LM.SaveGGUF] write one.
//   - [LM.Sample] completes a [Request], and [LM.SampleAll] many together. [LM.Generate] continues
//     a text. [SamplingParams.Rollouts] makes attempts of starts.
//   - A [Remote] samples from a server. Both are a [Sampler].
//   - A [Config] is the shape of a decoder, and a [Net] such a decoder with weights on a backend.
//     [NewNet] makes one, and [NewLM] joins it to a tokenizer.
//   - A [Learner] improves the weights of a Net against a loss, or those of a [LoRA] adapter.
//
// # The packages below
//
//	decoder          the graph: a Config, its block, heads, log-probabilities
//	network          a Net: weights on a device, clones, heads, adapters, forward passes
//	train            a Learner: gradients, AdamW, schedules, several devices
//	hf               Hugging Face directories and adapters of PEFT
//	gguf, gguf/convert  GGUF files, and language models in them
//	sampler, remote  requests and completions, and servers that answer them
//	chat, tokenizer  chat templates; tokenizers
//	backend          backends; backend/allocator keeps XLA's memory on a CPU
//
// # Alignment
//
// Arrays with one entry a token are aligned to the token that they describe. The log-probability
// of a token is that given the tokens before it.
//
// # Training large models
//
// [network.Net.ToBF16] halves the memory of the weights. [LM.WithLoRA] has optimiser state for a small
// adapter alone. [decoder.Config].GradientCheckpointing keeps less of the forward pass, and micro-batches
// bound it. On several devices ([OpenBackend]) each device has all weights and a part of the rows.
// [LM.WithHeads] puts a value head on the policy's own layers.
//
// # Errors
//
// What runs, reads or waits returns an error, also where a device has no memory left. The
// exceptions are two methods without an error in their signature ([network.Net.Clone] and
// [network.Net.ToBF16]), which panic then. Functions that build graphs panic. A call that fails
// leaves the weights of its network as they were.
//
// # Determinism
//
// On one backend the same seeds give the same bytes, whatever the number of cores. Random numbers
// are drawn on the host, from a stream for each request. So the requests that share a batch change
// a sample only by the last bit of rounding, because the length of the cache differs. The same
// holds between backends for the tokens.
package model
