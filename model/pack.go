package model

import "slices"

// PadRows lays ragged rows out as [rows, width], filled on the right with zeros. It is the
// one place that pads.
func PadRows[T float32 | int32](rows [][]T, width int) []T {
	out := make([]T, len(rows)*width)
	for i, row := range rows {
		copy(out[i*width:(i+1)*width], row)
	}
	return out
}

// Width is the padded length of rows of up to n tokens. There are few widths, so that
// few graphs are compiled, which takes seconds each on XLA: 32, 64, 96, 128, and then
// half as many again and twice as many by turns (192, 256, 384, 512, ...).
func Width(n int) int {
	if n <= 96 {
		return max(1, (n+31)/32) * 32
	}
	width := 128
	for width < n {
		if width += width / 2; width < n {
			width += width / 3
		}
	}
	return width
}

// Groups sorts row numbers by length and cuts them into groups of at most size rows:
// rows of one group are about equally long, so little of a padded batch is padding.
func Groups(lengths []int, size int) [][]int {
	order := make([]int, len(lengths))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return lengths[a] - lengths[b] })
	return slices.Collect(slices.Chunk(order, size))
}

// Micro is how many rows of a batch one call of a graph takes: half of a small batch, as
// two calls run side by side, and no more than 8. Fewer waste the backends' fast kernels,
// and more did not pay: of the examples' decoder (rows of 96 tokens, two calls side by
// side) a token of training took 1.2 times as long at 4 rows on both backends; at 16 an
// earlier revision was slower, too.
func Micro(batch int) int { return max(1, min(8, (batch+1)/2)) }
