// Package gguf reads and writes GGUF files, the format of llama.cpp and Ollama, with the
// standard library alone.
//
// A [File] holds metadata, which is a map of names to values, and a list of tensors. [Open]
// reads the metadata at once. [File.Floats] reads a tensor and converts it to float32.
// [Write] makes such a file from a map and from tensors in float32, which it can quantise.
//
// The package knows the container and not the model in it: which key holds the number of
// layers, and in which order weights stand. Package model/gguf/convert knows that.
//
// # Limits
//
// The package reads versions 2 and 3 of the format, little-endian. It reads tensors of the
// types F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K and Q6_K, and writes F32, F16 and Q8_0. Another
// type is an error that names it.
//
// Files may be hostile. Each length is checked against the size of the file before memory is
// allocated for it, so reading takes a small multiple of that size: a quantised tensor takes
// up to 7.1 times its bytes as float32.
//
// The format is described in docs/gguf.md of the ggml project, and the types of tensors in its
// ggml-common.h.
package gguf
