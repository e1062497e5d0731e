package bt

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/train"
)

// pair is an encoded pair: chosen, then rejected.
type pair [2][]int32

// pack makes pairs into the inputs of loss, pairs of about the same length together:
// chosen rows, then rejected ones.
func pack(batch []pair, micro int, width func(int) int) (inputs [][]*model.Tensor, tokens int) {
	lengths := make([]int, len(batch))
	for i, p := range batch {
		lengths[i] = max(len(p[0]), len(p[1]))
	}
	for _, part := range network.LengthBuckets(lengths, micro) {
		ids, last, real := make([][]int32, 2*micro), make([]int32, 2*micro), make([]float32, micro)
		longest := 0
		for i, at := range part {
			real[i] = 1
			for k, row := range batch[at] {
				ids[i+k*micro] = row
				last[i+k*micro] = int32(len(row) - 1)
				longest = max(longest, len(row))
				tokens += len(row)
			}
		}
		seq := width(longest)
		inputs = append(inputs, []*model.Tensor{
			backend.Ints(network.PadRows(ids, seq), 2*micro, seq),
			backend.Ints(last, 2*micro), backend.Floats(real, micro), backend.Floats([]float32{float32(len(batch))}),
		})
	}
	return inputs, tokens
}

// objectives are losses by margin.
var objectives = train.NewObjectives(loss)

// inputs are those of a micro-batch of pairs, in the order in which pack has them.
type inputs struct {
	tokens *Node // [2·pairs, seq] int32: chosen rows, then rejected ones
	last   *Node // [2·pairs] int32: where each row ends
	real   *Node // [pairs], 0 for padding
	count  *Node // [], pairs of the batch
}

func unpack(in []*Node) inputs {
	x := inputs{in[0], in[1], in[2], in[3]}
	x.tokens.AssertRank(2)
	rows := x.tokens.Shape().Dim(0)
	x.last.AssertDims(rows)
	x.real.AssertDims(rows / 2)
	x.count.AssertDims()
	return x
}

// loss builds the loss of a micro-batch of pairs. Its statistics are the accuracy and the
// margin: the mean of chosen less rejected.
func loss(margin float64) model.Loss {
	return func(d decoder.Decoder, nodes []*Node) (*Node, *Node) {
		in := unpack(nodes)
		rows, seq := in.tokens.Shape().Dim(0), in.tokens.Shape().Dim(1)
		scores := d.Scores(d.Hidden(in.tokens)) // [2·pairs, seq]
		row := Iota(in.tokens.Graph(), in.last.Shape(), 0)
		at := ExpandAxes(Add(MulScalar(row, seq), in.last), -1)
		ends := Gather(Reshape(scores, rows*seq), at) // [2·pairs]
		chosen, rejected := Slice(ends, AxisRange(0, rows/2)), Slice(ends, AxisRange(rows/2))
		total := Div(ReduceAllSum(Mul(Loss(chosen, rejected, margin), in.real)), in.count)
		right := Mul(ConvertDType(GreaterThan(chosen, rejected), in.real.DType()), in.real)
		gap := Mul(Sub(chosen, rejected), in.real)
		stats := Stack([]*Node{ReduceAllSum(right), ReduceAllSum(gap)}, 0) // [2]
		return total, Div(stats, Reshape(in.count, 1))
	}
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
