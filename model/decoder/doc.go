// Package decoder builds the computation graph of a causal transformer: the families of Llama,
// Mistral, Qwen2 and Qwen3, from one block.
//
//   - a [Config] says what shape a decoder has; [Config.Specs] lists its tensors;
//   - a [Decoder] is the tensors of a config in one graph: [Decoder.Hidden] runs the layers over
//     whole rows, and every head starts from what it returns;
//   - [Decoder.LogProbs] turns hidden states into log-probabilities of tokens;
//   - a KV cache lets [Decoder.Step] run one token a row, [Decoder.Prefill] the first part of
//     prompts and [Decoder.Extend] the parts behind it.
//
// The layers are the same in training, in prefill and in decoding. What differs is how a token
// reads those before it: see sequence.
//
// The package knows no files, no tokens' text, no loss and no sampling. All its functions run
// while a graph is built, and panic where shapes do not fit, as gomlx's do.
//
// Shapes are lower-case axes in brackets. In the caches batch·kv is one axis: the key and value
// heads of row 0, then those of row 1, and so on. Per-token results describe the token at their
// place: entry t of a log-probability is that of token t given those before it, and entry 0 is
// 0. Hidden states and scores of heads describe what follows their token; [Decoder.LogProbs] and
// [ShiftTokensRight] move them to the token that they predict.
package decoder
