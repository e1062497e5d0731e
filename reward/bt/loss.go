package bt

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/train"
)

// pair is an encoded pair: chosen, then rejected.
type pair [2][]int32

// pack makes the batch of the loss from pairs: of each row its last position and a 1, which
// padding lacks, and the number of pairs.
func pack(pairs []pair, full int) train.Batch {
	b := train.Batch{Together: 2, Full: full, Scalars: []float32{float32(len(pairs))}}
	for _, p := range pairs {
		for _, ids := range p {
			b.Rows = append(b.Rows, train.Row{IDs: ids, Numbers: []float32{float32(len(ids) - 1), 1}})
		}
	}
	return b
}

// inputs are those of a micro-batch of pairs, in the order in which pack has them.
type inputs struct {
	tokens *Node // [2·pairs, seq] int32: chosen rows, then rejected ones
	last   *Node // [2·pairs]: where each row ends
	real   *Node // [2·pairs], 0 for padding
	count  *Node // [], pairs of the batch
}

func unpack(in []*Node) inputs {
	x := inputs{in[0], in[1], in[2], in[3]}
	x.tokens.AssertRank(2)
	rows := x.tokens.Shape().Dim(0)
	x.last.AssertDims(rows)
	x.real.AssertDims(rows)
	x.count.AssertDims()
	return x
}

// A key is the key of a loss: its margin.
type key struct{ margin float64 }

// loss builds the loss of pairs. Its statistics are the accuracy and the margin: the mean of
// chosen less rejected.
func loss(margin float64) train.Loss {
	build := func(d decoder.Decoder, nodes []*Node) train.Terms {
		in := unpack(nodes)
		rows, seq := in.tokens.Shape().Dim(0), in.tokens.Shape().Dim(1)
		scores := d.Head(decoder.HeadScore, d.Hidden(in.tokens)) // [2·pairs, seq]
		last := ConvertDType(in.last, in.tokens.DType())
		row := Iota(in.tokens.Graph(), last.Shape(), 0)
		at := ExpandAxes(Add(MulScalar(row, seq), last), -1)                                  // [2·pairs, 1]
		ends := Gather(Reshape(scores, rows*seq), at)                                         // [2·pairs]
		chosen, rejected := Slice(ends, AxisRange(0, rows/2)), Slice(ends, AxisRange(rows/2)) // [pairs]
		real := Slice(in.real, AxisRange(0, rows/2))                                          // [pairs]
		total := Div(ReduceAllSum(Mul(Loss(chosen, rejected, margin), real)), in.count)
		right := Mul(ConvertDType(GreaterThan(chosen, rejected), real.DType()), real)
		gap := Mul(Sub(chosen, rejected), real)
		stats := Stack([]*Node{ReduceAllSum(right), ReduceAllSum(gap)}, 0) // [2]
		return train.Terms{Loss: total, Stats: Div(stats, Reshape(in.count, 1))}
	}
	return train.Loss{Build: build, Key: key{margin}}
}

// Loss is the Bradley-Terry loss of each pair: −log σ(chosen − rejected − margin), as
// softplus, which does not overflow.
//
//	chosen, rejected [pairs] → [pairs]
func Loss(chosen, rejected *Node, margin float64) *Node {
	chosen.AssertDims(rejected.Shape().Dimensions...)
	d := AddScalar(Sub(rejected, chosen), margin)
	return Add(MaxScalar(d, 0.0), Log1P(Exp(Neg(Abs(d)))))
}
