package network

import (
	"slices"

	"github.com/satori-go/satori/model/internal/device"
)

// PadRows lays ragged rows out as [rows, width], filled on the right with zeros. It is the
// one place that pads.
func PadRows[T float32 | int32](rows [][]T, width int) []T {
	out := make([]T, len(rows)*width)
	for i, row := range rows {
		copy(out[i*width:(i+1)*width], row)
	}
	return out
}

// Width is the padded length of rows of up to so many tokens. On XLA, where each one costs
// a graph that takes seconds to compile, there are few: 16, 32, 64, 96, 128, and then half as
// many again and twice as many by turns (192, 256, 384, 512, ...). On the Go backend a
// graph costs next to nothing, and they are the multiples of 8.
func (n *Net) Width(tokens int) int {
	if !device.IsXLA(n.backend) {
		return max(1, (tokens+7)/8) * 8
	}
	if tokens <= 16 {
		return 16
	}
	if tokens <= 96 {
		return (tokens + 31) / 32 * 32
	}
	width := 128
	for width < tokens {
		if width += width / 2; width < tokens {
			width += width / 3
		}
	}
	return width
}

// LengthBuckets sorts row numbers by length and cuts them into groups of at most size rows:
// rows of one group are about equally long, so little of a padded batch is padding.
func LengthBuckets(lengths []int, size int) [][]int {
	order := make([]int, len(lengths))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return lengths[a] - lengths[b] })
	return slices.Collect(slices.Chunk(order, size))
}
