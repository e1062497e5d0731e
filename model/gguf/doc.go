// Package gguf reads and writes GGUF files, the format of llama.cpp and Ollama, with
// the standard library alone.
//
// A [File] is metadata, a map of names to values, and a list of tensors. Metadata is
// read at once, a tensor when [File.Floats] asks for it, dequantised to float32. [Write]
// makes such a file from a map and tensors in float32, which it may quantise.
//
// The package knows the container, not what is in it: which key holds the number of
// layers, and how weights are laid out, is the business of package model.
//
// # Limits
//
// Versions 2 and 3, little-endian. Tensors are F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K or
// Q6_K to read, and F32, F16 or Q8_0 to write; another type is an error that names it.
// Files may come from strangers: everything is held against the size of the file before
// it is allocated, so reading takes a small multiple of that size (a quantised tensor
// has 7.1 times its bytes as float32).
//
// The format is described in docs/gguf.md of the ggml project, the types of tensors in
// its ggml-common.h.
package gguf
