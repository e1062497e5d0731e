package actor

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/train"
)

// What the graphs of the losses are functions of.
type (
	policyNumbers struct {
		low, high, dual, entropy float64
		weighted, reference      bool
	}
	valueNumbers struct{ clip, mean, std float64 }
	actorNumbers struct {
		policyNumbers
		value  valueNumbers
		shared bool // the policy is its own critic
	}
)

var (
	actorObjectives = train.NewObjectives(func(n actorNumbers) model.Loss { return n.loss(k3plus) })
	valueObjectives = train.NewObjectives(func(n valueNumbers) model.Loss {
		return func(d decoder.Decoder, in []*Node) (*Node, *Node) {
			tokens, x := unpackValue(in)
			return n.loss(d.Scores(d.Hidden(tokens)), x)
		}
	})
)

// The inputs of the losses, in the order in which pack has them.
type (
	policyInputs struct {
		tokens         *Node // [batch, seq] int32
		mask           *Node // [batch, seq], 1 on sampled tokens
		old, advantage *Node // [batch, seq]
		weight         *Node // [batch, seq]; the mask without Aggregate
		ref            *Node // [batch, seq]; nil without Reference
		count          *Node // [], sampled tokens of the mini-batch
		beta           *Node // []
		temperature    *Node // []
	}
	valueInputs struct {
		mask, old, ret *Node // [batch, seq]
		count          *Node // []
	}
)

// unpack takes a graph's inputs apart. Of a shared trunk the critic's stand behind the
// policy's columns, and last how much of its gradient reaches the trunk, [].
func (n actorNumbers) unpack(in []*Node) (p policyInputs, v valueInputs, reach *Node) {
	r := reader{in, in[0].Shape().Dimensions}
	p = policyInputs{tokens: r.grid(), mask: r.grid(), old: r.grid(), advantage: r.grid()}
	p.weight = p.mask
	if n.weighted {
		p.weight = r.grid()
	}
	if n.reference {
		p.ref = r.grid()
	}
	if n.shared {
		v.mask, v.old, v.ret = p.mask, r.grid(), r.grid()
	}
	p.count, p.beta, p.temperature = r.scalar(), r.scalar(), r.scalar()
	if n.shared {
		v.count, reach = p.count, r.scalar()
	}
	r.end()
	return p, v, reach
}

// unpackValue is unpack for a critic of its own.
func unpackValue(in []*Node) (tokens *Node, v valueInputs) {
	r := reader{in, in[0].Shape().Dimensions}
	tokens = r.grid()
	v = valueInputs{mask: r.grid(), old: r.grid(), ret: r.grid(), count: r.scalar()}
	r.end()
	return tokens, v
}

// A reader hands out inputs one after the other, and holds them to their shapes.
type reader struct {
	rest []*Node
	dims []int // batch, seq
}

func (r *reader) grid() *Node   { return r.next(r.dims...) }
func (r *reader) scalar() *Node { return r.next() }

func (r *reader) next(dims ...int) *Node {
	x := r.rest[0]
	x.AssertDims(dims...)
	r.rest = r.rest[1:]
	return x
}

func (r *reader) end() {
	if n := len(r.rest); n > 0 {
		panic(fmt.Errorf("ppo: %d inputs of a loss are left over", n))
	}
}

// The policy network's. Of a shared trunk the statistics are policy loss, value loss, those
// of the policy and those of the critic.
func (n actorNumbers) loss(divergence func(logp, ref *Node) *Node) model.Loss {
	return func(d decoder.Decoder, in []*Node) (*Node, *Node) {
		p, v, reach := n.unpack(in)
		hidden := d.Hidden(p.tokens) // [batch, seq, dim]
		policy, policyStats := n.policyNumbers.loss(d, hidden, p, divergence)
		if !n.shared {
			return policy, policyStats
		}
		still := StopGradient(hidden) // the same figures, of which reach·gradient goes on
		scores := d.Scalar(ValueHead, Add(still, Mul(Sub(hidden, still), reach)))
		value, valueStats := n.value.loss(scores, v)
		return Add(policy, value), Concatenate([]*Node{StopGradient(Stack([]*Node{policy, value}, 0)), policyStats, valueStats}, 0)
	}
}

// apart are the statistics of each half of a loss over a shared trunk.
func apart(stat model.Stat) (policy, value model.Stat) {
	cut := func(from, to int) (s model.Stat) {
		for _, each := range stat.Each {
			s.Each = append(s.Each, each[from:to])
		}
		s.Stats = stat.Stats[from:to]
		return s
	}
	n := len(stat.Stats)
	rows := (n - 2 - policyStats - valueStats) / 2
	policy, value = cut(2, 2+policyStats+rows), cut(2+policyStats+rows, n)
	policy.Loss, value.Loss = stat.Stats[0], stat.Stats[1]
	policy.Norm, value.Norm = stat.Norm, stat.HeadNorm
	return policy, value
}

// How many statistics the losses have before those of rows.
const policyStats, valueStats = 4, 1

// The policy's, of hidden states [batch, seq, dim].
func (n policyNumbers) loss(d decoder.Decoder, hidden *Node, in policyInputs, divergence func(logp, ref *Node) *Node) (*Node, *Node) {
	logp, entropy := d.LogProbs(hidden, in.tokens, in.temperature) // [batch, seq] both
	sampled := GreaterThan(in.mask, ZerosLike(in.mask))
	// Off the mask old and advantage are 0 and logp is not: 1 keeps what is left out finite.
	ratio := Where(sampled, probabilityRatio(logp, in.old), OnesLike(in.mask))
	surrogate := PolicyLoss(ratio, in.advantage, n.low, n.high)
	if n.dual != 0 {
		surrogate = dualClip(surrogate, in.advantage, n.dual)
	}
	loss := weightedMean(surrogate, in.weight, in.count)
	if n.entropy != 0 {
		loss = Sub(loss, MulScalar(weightedMean(entropy, in.weight, in.count), n.entropy))
	}
	if n.reference {
		ref := Where(sampled, in.ref, StopGradient(logp))
		loss = Add(loss, Mul(in.beta, weightedMean(divergence(logp, ref), in.weight, in.count)))
	}
	off := Abs(AddScalar(ratio, -1.0))
	k3 := AddScalar(Sub(ratio, Log(ratio)), -1.0)
	return loss, stats(in.mask, in.count, off, entropy, k3, clipFracMask(ratio, in.advantage, n.low, n.high))
}

// The critic's, of scores [batch, seq].
func (n valueNumbers) loss(scores *Node, in valueInputs) (*Node, *Node) {
	values := DivScalar(AddScalar(decoder.ShiftTokensRight(scores), -n.mean), n.std)
	loss := weightedMean(ValueLoss(values, in.old, in.ret, n.clip), in.mask, in.count)
	return loss, stats(in.mask, in.count, Abs(Sub(values, in.old)))
}

// stats are the mean over the mask of off and of others, and the largest off of each row.
//
//	mask, off, others [batch, seq], count [] → [1+others+batch]
func stats(mask, count, off *Node, others ...*Node) *Node {
	var list []*Node
	for _, x := range append([]*Node{off}, others...) {
		list = append(list, weightedMean(StopGradient(x), mask, count))
	}
	rows := ReduceMax(Mul(StopGradient(off), mask), -1) // [batch]
	return Concatenate([]*Node{Stack(list, 0), rows}, 0)
}
