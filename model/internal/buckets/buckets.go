// Package buckets decides which shapes the graphs of the model packages are compiled for: to which
// length rows are padded, which rows are computed together, and how many a call takes. Few shapes
// mean few compilations, and more padding.
package buckets

import (
	"slices"

	"github.com/gomlx/compute"

	"github.com/satori-go/satori/model/internal/device"
)

// large is the number of weights from which a padded row costs more than one more compiled graph:
// seconds, as compiling does.
const large = 20_000_000

// Large reports whether a padded row of a network with so many weights costs more than one more
// compiled graph.
func Large(weights int) bool { return weights >= large }

// Rows returns how many rows a call takes that has count to fill: most, so that there is one
// graph, or for a large network the next power of two.
func Rows(weights, count, most int) int {
	if !Large(weights) {
		return most
	}
	rows := 1
	for rows < count {
		rows *= 2
	}
	return min(rows, most)
}

// Length returns the length to which rows of up to so many tokens are padded. On XLA, where each
// length costs a graph that takes seconds to compile, the lengths are 16, 32, 64, 96, 128, and
// then by turns half as many again and a third as many again (192, 256, 384, 512, ...). On the
// Go backend a graph costs next to nothing, and the lengths are the multiples of 8.
func Length(b compute.Backend, tokens int) int {
	if !device.IsXLA(b) {
		return max(1, (tokens+7)/8) * 8
	}
	if tokens <= 16 {
		return 16
	}
	if tokens <= 96 {
		return (tokens + 31) / 32 * 32
	}
	length := 128
	for length < tokens {
		if length += length / 2; length < tokens {
			length += length / 3
		}
	}
	return length
}

// ByLength sorts the numbers of rows by their lengths and cuts them into groups of at most size
// rows. The rows of a group are about equally long, so that little of it is padding.
func ByLength(lengths []int, size int) [][]int {
	order := make([]int, len(lengths))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return lengths[a] - lengths[b] })
	return slices.Collect(slices.Chunk(order, size))
}

// Pad lays rows out as [len(rows), length], with zeros behind each.
func Pad(rows [][]int32, length int) []int32 {
	out := make([]int32, len(rows)*length)
	for i, row := range rows {
		copy(out[i*length:(i+1)*length], row)
	}
	return out
}
