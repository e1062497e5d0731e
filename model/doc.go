// Package model holds the language model: one decoder over gomlx for the families of
// Llama, Mistral, Qwen2 and Qwen3, its weights in the Hugging Face layout or in GGUF,
// sampling, scoring and the optimiser.
//
//   - a [Backend] runs computations: pure Go, or XLA where a plugin is installed;
//   - a [Config] is the shape of a decoder; its methods build the graph;
//   - a [Net] is a decoder with weights on a backend, with a language-model head or
//     the scalar head of a reward model or critic;
//   - an [LM] is a Net with a tokenizer: it samples, and [SamplingParams.Rollouts] turns starts
//     into attempts;
//   - a [Remote] samples from a server; both are a [Sampler];
//   - a [Learner] improves the weights of a Net against a loss, with AdamW; all of them,
//     or a [LoRA] adapter over them.
//
// # Notation
//
// Shapes are lower-case axes in brackets: [batch, seq], [batch, seq, dim],
// [batch, seq, vocab]. Rows are padded on the right, so a causal mask is all the
// masking that attention needs. Per-token arrays are aligned to the token they
// describe: entry t of a log-probability is that of token t given those before it,
// and entry 0 is 0 ([Net.LogProbs] alone leaves it out). [LogProbs] and [Entropies] shift logits to the tokens that they predict,
// [Before] the scores of a critic; nothing else shifts.
//
// # Files
//
// [Open] reads a Hugging Face directory or a GGUF file, [LM.Save] and [LM.SaveGGUF] write
// them. The decoder is one; families differ in which tensors there are (biases of the
// projections, norms of queries and keys) and in the numbers of Config. What it cannot
// do is refused by the name of the field: a config.json's fields are all accounted for,
// and a sliding window is refused unless the context fits into it, where it makes no
// difference. Weights are f32 in memory, whatever the file has, unless [Net.ToBF16] makes
// them bfloat16.
//
// # Training large models
//
// [Net.ToBF16] halves the weights, [Net.WithLoRA] has moments of a small adapter alone,
// [Config.GradientCheckpointing] keeps less of the forward pass, micro-batches ([Learner.Step])
// bound it, and [Config.LogProbs] never holds all logits of a large vocabulary. Several
// devices share the rows of a micro-batch ([OpenBackend]); each has all weights.
// [Net.WithScalar] puts a critic on the policy's trunk.
//
// # Errors
//
// Functions that build graphs panic, as gomlx's do. Everything that runs, reads or
// waits returns an error, that of a device that has no memory left, too; but copies that
// return none ([Net.Clone], [Net.WithScore], [Net.ToBF16], [LM.WithoutScalars]) panic then. A
// call that fails leaves the weights of its network as they were.
//
// # Determinism
//
// On one backend the same seeds give the same bytes, whatever the number of cores.
// Noise is drawn on the host, a stream for each request, so a sample does not depend
// on what shares its batch but for the last bit of rounding (a cache of another length);
// tokens agree between backends likewise.
package model
