package train

import (
	"fmt"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/buckets"
	"github.com/satori-go/satori/model/network"
)

// A Row is one sequence of a batch, with the numbers that a loss reads beside its tokens.
type Row struct {
	IDs []int32
	// Columns have a number a token. A column may be shorter than IDs: its numbers then belong
	// to the last tokens, such as those of a response, and earlier tokens get 0.
	Columns [][]float32
	Numbers []float32 // of the row as a whole
}

// A Batch holds what one update learns from. The learner lays it out in micro-batches: groups of
// rows of about the same length, padded on the right. The inputs of a loss are then
//
//	tokens [batch, seq] int32, each column [batch, seq], each number [batch], each scalar []
//
// Padding is 0 everywhere, so a column or number that is 1 on what counts masks the rest. No id
// is taken for padding: a pad may be the EOS.
type Batch struct {
	Rows    []Row     // all with as many columns and numbers
	Scalars []float32 // of the batch, such as the count that a loss divides by
	// Together is how many rows stay in one micro-batch, such as the two of a pair. 0: 1. In a
	// micro-batch the first rows of all groups come first, then their second rows, and so on.
	Together int
	// Full is how many groups of rows a full batch has, where this one may be smaller: both then
	// have micro-batches of one size, and share a graph. 0: as many as this one has.
	Full int
	// MicroBatch is how many groups a call of the graph takes. 0: half of a full batch, since two
	// calls run side by side, and at most 8 rows. Fewer rows waste the backends' fast kernels,
	// and more did not pay: with the examples' decoder (rows of 96 tokens) a token of training
	// took 1.2 times as long at 4 rows, on both backends.
	MicroBatch int
}

// A packed is a batch on the host's side of the device.
type packed struct {
	inputs [][]*backend.Tensor // of each micro-batch
	order  [][]int             // the numbers of its rows in the batch; −1: padding
}

// pack lays a batch out for a network.
func (b Batch) pack(n *network.Net) (p packed, err error) {
	together := max(1, b.Together)
	if len(b.Rows) == 0 || len(b.Rows)%together != 0 {
		return p, fmt.Errorf("train: a batch of %d rows, want groups of %d", len(b.Rows), together)
	}
	columns, numbers := len(b.Rows[0].Columns), len(b.Rows[0].Numbers)
	lengths := make([]int, len(b.Rows)/together)
	for i, r := range b.Rows {
		if len(r.Columns) != columns || len(r.Numbers) != numbers {
			return p, fmt.Errorf("train: row %d has %d columns and %d numbers, row 0 has %d and %d",
				i, len(r.Columns), len(r.Numbers), columns, numbers)
		}
		for k, c := range r.Columns {
			if len(c) > len(r.IDs) {
				return p, fmt.Errorf("train: row %d has %d tokens and %d numbers in column %d", i, len(r.IDs), len(c), k)
			}
		}
		lengths[i/together] = max(lengths[i/together], len(r.IDs))
	}
	size := b.microBatch()
	for _, group := range buckets.ByLength(lengths, size) {
		order := make([]int, together*size)
		for i := range order {
			order[i] = -1
		}
		longest := 0
		for k, g := range group {
			longest = max(longest, lengths[g])
			for j := range together {
				order[j*size+k] = g*together + j
			}
		}
		p.order = append(p.order, order)
		p.inputs = append(p.inputs, b.tensors(order, buckets.Length(n.Backend(), longest)))
	}
	return p, nil
}

// microBatch returns how many groups a micro-batch has.
func (b Batch) microBatch() int {
	if b.MicroBatch > 0 {
		return b.MicroBatch
	}
	together, full := max(1, b.Together), b.Full
	if full == 0 {
		full = len(b.Rows) / together
	}
	return max(1, min(8, (together*full+1)/2)/together)
}

// tensors makes the inputs of a micro-batch: rows by number, −1 for padding, of seq tokens.
func (b Batch) tensors(order []int, seq int) (in []*backend.Tensor) {
	first, n := b.Rows[0], len(order)
	ids := make([]int32, n*seq)
	columns, numbers := make([][]float32, len(first.Columns)), make([][]float32, len(first.Numbers))
	for k := range columns {
		columns[k] = make([]float32, n*seq)
	}
	for k := range numbers {
		numbers[k] = make([]float32, n)
	}
	for at, i := range order {
		if i < 0 {
			continue
		}
		r := b.Rows[i]
		copy(ids[at*seq:], r.IDs)
		for k, c := range r.Columns {
			copy(columns[k][at*seq+len(r.IDs)-len(c):], c)
		}
		for k, x := range r.Numbers {
			numbers[k][at] = x
		}
	}
	in = append(in, backend.Ints(ids, n, seq))
	for _, c := range columns {
		in = append(in, backend.Floats(c, n, seq))
	}
	for _, x := range numbers {
		in = append(in, backend.Floats(x, n))
	}
	for _, x := range b.Scalars {
		in = append(in, backend.Floats([]float32{x}))
	}
	return in
}
