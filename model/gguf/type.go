package gguf

import "fmt"

// A Type says how the numbers of a tensor are stored. The values are those of ggml.
type Type uint32

// The types that [Open] and [File.Floats] can read.
const (
	F32  Type = 0
	F16  Type = 1
	Q4_0 Type = 2  // blocks of 32: a scale and 4 bits each
	Q4_1 Type = 3  // blocks of 32: a scale, a minimum and 4 bits each
	Q8_0 Type = 8  // blocks of 32: a scale and 8 bits each
	Q4_K Type = 12 // blocks of 256, in 8 groups with a scale and a minimum each: 4 bits each
	Q6_K Type = 14 // blocks of 256, in 16 groups with a scale each: 6 bits each
	BF16 Type = 30
)

// names of all types, so that one that is not supported is refused by name.
var names = map[Type]string{
	F32: "F32", F16: "F16", Q4_0: "Q4_0", Q4_1: "Q4_1", 6: "Q5_0", 7: "Q5_1", Q8_0: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
	Q4_K: "Q4_K", 13: "Q5_K", Q6_K: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL",
	21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", BF16: "BF16",
	34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}

// String returns the name of the type in ggml, such as "Q8_0".
func (t Type) String() string {
	if name, ok := names[t]; ok {
		return name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// block returns how many numbers are stored together and in how many bytes. Both are 0 for a
// type that is not supported.
func (t Type) block() (numbers, bytes int) {
	switch t {
	case F32:
		return 1, 4
	case F16, BF16:
		return 1, 2
	case Q4_0:
		return 32, 2 + 16
	case Q4_1:
		return 32, 2 + 2 + 16
	case Q8_0:
		return 32, 2 + 32
	case Q4_K:
		return 256, 2 + 2 + 12 + 128
	case Q6_K:
		return 256, 128 + 64 + 16 + 2
	}
	return 0, 0
}
