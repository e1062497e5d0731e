// Package model holds the language model: a small Llama-style decoder over gomlx,
// its weights in the Hugging Face layout, sampling, scoring and the optimiser.
//
//   - a [Backend] runs computations: pure Go, or XLA where a plugin is installed;
//   - a [Config] is the shape of a decoder; its methods build the graph;
//   - a [Net] is a decoder with weights on a backend, with a language-model head or
//     the scalar head of a reward model or critic;
//   - an [LM] is a Net with a tokenizer: it samples, and [Sampling.Rollouts] turns starts
//     into attempts;
//   - a [Learner] improves the weights of a Net against a loss, with AdamW.
//
// # Notation
//
// Shapes are lower-case axes in brackets: [batch, seq], [batch, seq, dim],
// [batch, seq, vocab]. Rows are padded on the right, so a causal mask is all the
// masking that attention needs. Per-token arrays are aligned to the token they
// describe: entry t of a log-probability is that of token t given those before it,
// and entry 0 is 0. [LogProbs] and [Entropies] shift logits to the tokens that they predict,
// [Before] the scores of a critic; nothing else shifts.
//
// # Errors
//
// Functions that build graphs panic, as gomlx's do. Everything that runs, reads or
// waits returns an error. A call that fails leaves the weights of its network as they were.
//
// # Determinism
//
// On one backend the same seeds give the same bytes, whatever the number of cores.
// Noise is drawn on the host, a stream for each request, so a sample does not depend
// on what shares its batch but for the last bit of rounding (a cache of another length);
// tokens agree between backends likewise.
package model
