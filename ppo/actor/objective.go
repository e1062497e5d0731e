package actor

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

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

// unpack takes a graph's inputs apart. With a shared trunk the critic's columns follow the
// policy's; the last scalar scales the critic's gradient into the trunk, [].
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

// A reader hands out inputs one after the other, and checks their shapes.
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

// A divergence estimates the KL divergence of each token, see [KLEstimator].
type divergence func(logp, ref *Node) *Node

// loss makes the loss of the policy network, with the critic's for a shared trunk. A custom
// divergence has no key: a function cannot be compared.
func (n actorNumbers) loss(custom divergence) train.Loss {
	if custom != nil {
		return train.Loss{Build: func(d decoder.Decoder, in []*Node) train.Terms { return n.build(d, in, custom) }}
	}
	return train.Loss{Build: func(d decoder.Decoder, in []*Node) train.Terms { return n.build(d, in, k3plus) }, Key: n}
}

// build builds the loss. For a shared trunk the statistics are policy loss, value loss, those of
// the policy and those of the critic; of a row they are those of the policy, then of the critic.
func (n actorNumbers) build(d decoder.Decoder, in []*Node, kl divergence) train.Terms {
	p, v, reach := n.unpack(in)
	hidden := d.Hidden(p.tokens) // [batch, seq, dim]
	policy := n.policyNumbers.loss(d, hidden, p, kl)
	if !n.shared {
		return policy
	}
	constant := StopGradient(hidden) // the same numbers; reach·gradient flows through the rest
	scores := d.Head(ValueHead, Add(constant, Mul(Sub(hidden, constant), reach)))
	value := n.value.loss(scores, v)
	return train.Terms{
		Loss:  Add(policy.Loss, value.Loss),
		Stats: Concatenate([]*Node{StopGradient(Stack([]*Node{policy.Loss, value.Loss}, 0)), policy.Stats, value.Stats}, 0), // [2+policyStats+valueStats]
		Rows:  Concatenate([]*Node{policy.Rows, value.Rows}, 1),                                                             // [batch, 2]
	}
}

// critic makes the loss of a separate critic.
func (n valueNumbers) critic() train.Loss {
	return train.Loss{Key: n, Build: func(d decoder.Decoder, in []*Node) train.Terms {
		tokens, x := unpackValue(in)
		return n.loss(d.Head(decoder.HeadScore, d.Hidden(tokens)), x)
	}}
}

// How many statistics the losses have.
const policyStats, valueStats = 4, 1

// apart takes the statistics of a loss over a shared trunk apart.
func apart(stat train.Stat) (policy, value train.Stat) {
	policy = train.Stat{Loss: stat.Stats[0], GradNorm: stat.GradNorm, Stats: stat.Stats[2 : 2+policyStats], Rows: make([][]float64, len(stat.Rows))}
	value = train.Stat{Loss: stat.Stats[1], GradNorm: stat.HeadGradNorm, Stats: stat.Stats[2+policyStats:], Rows: make([][]float64, len(stat.Rows))}
	for i, row := range stat.Rows {
		policy.Rows[i], value.Rows[i] = row[:1], row[1:]
	}
	return policy, value
}

// loss builds the policy's loss of hidden states [batch, seq, dim].
func (n policyNumbers) loss(d decoder.Decoder, hidden *Node, in policyInputs, kl divergence) train.Terms {
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
		loss = Add(loss, Mul(in.beta, weightedMean(kl(logp, ref), in.weight, in.count)))
	}
	off := Abs(AddScalar(ratio, -1.0))
	k3 := AddScalar(Sub(ratio, Log(ratio)), -1.0)
	return terms(loss, in.mask, in.count, off, entropy, k3, clipFracMask(ratio, in.advantage, n.low, n.high))
}

// loss builds the critic's loss of scores [batch, seq].
func (n valueNumbers) loss(scores *Node, in valueInputs) train.Terms {
	values := DivScalar(AddScalar(decoder.ShiftTokensRight(scores), -n.mean), n.std)
	loss := weightedMean(ValueLoss(values, in.old, in.ret, n.clip), in.mask, in.count)
	return terms(loss, in.mask, in.count, Abs(Sub(values, in.old)))
}

// terms adds statistics to a loss: the means over the mask of off and of others, and of each row
// the largest off.
//
//	mask, off, others [batch, seq], count [] → statistics [1+others], rows [batch, 1]
func terms(loss, mask, count, off *Node, others ...*Node) train.Terms {
	var list []*Node
	for _, x := range append([]*Node{off}, others...) {
		list = append(list, weightedMean(StopGradient(x), mask, count))
	}
	rows := ReduceMax(Mul(StopGradient(off), mask), -1) // [batch]
	return train.Terms{Loss: loss, Stats: Stack(list, 0), Rows: ExpandAxes(rows, -1)}
}
