package ppo

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model"
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
	actorObjectives = model.NewObjectives(func(n actorNumbers) model.Loss { return n.loss(StraightThrough) })
	valueObjectives = model.NewObjectives(func(n valueNumbers) model.Loss {
		return func(c model.Config, w model.Weights, in []*Node) (*Node, *Node) {
			return n.loss(c.Scores(w, c.Hidden(w, in[0])), in)
		}
	})
)

// The policy network's: the inputs of the policy's loss; of a shared trunk before count those of
// the critic's, old and ret [batch, seq], and last how much of its gradient reaches the trunk, []. There the statistics are policy loss, value loss, those of the policy and
// those of the critic.
func (n actorNumbers) loss(divergence func(logp, ref *Node) *Node) model.Loss {
	return func(c model.Config, w model.Weights, in []*Node) (*Node, *Node) {
		hidden := c.Hidden(w, in[0]) // [batch, seq, dim]
		if !n.shared {
			return n.policyNumbers.loss(c, w, hidden, in, divergence)
		}
		at, last := len(in)-6, len(in)-1
		old, ret, count, reach := in[at], in[at+1], in[at+2], in[last]
		policy, policyStats := n.policyNumbers.loss(c, w, hidden, slices.Concat(in[:at], in[at+2:last]), divergence)
		still := StopGradient(hidden) // the same figures, of which reach·gradient goes on
		scores := c.Scalar(w, ValueHead, Add(still, Mul(Sub(hidden, still), reach)))
		value, valueStats := n.value.loss(scores, []*Node{in[0], in[1], old, ret, count})
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

// The policy's, of hidden states [batch, seq, dim]: tokens [batch, seq] int32, mask, old,
// advantage [batch, seq], then weights with Aggregate and ref with Reference [batch, seq],
// count, beta, temperature [].
func (n policyNumbers) loss(c model.Config, w model.Weights, hidden *Node, in []*Node, divergence func(logp, ref *Node) *Node) (*Node, *Node) {
	tokens, mask, old, advantage, weight := in[0], in[1], in[2], in[3], in[1]
	scalars := in[len(in)-3:]
	count, beta, temperature := scalars[0], scalars[1], scalars[2]
	if n.weighted {
		weight = in[4]
	}
	logp, entropy := c.LogProbsAndEntropies(w, hidden, tokens, temperature)
	sampled := GreaterThan(mask, ZerosLike(mask))
	// Off the mask old and advantage are 0 and logp is not: 1 keeps what is left out finite.
	ratio := Where(sampled, Ratio(logp, old), OnesLike(mask))
	surrogate := PolicyLoss(ratio, advantage, n.low, n.high)
	if n.dual != 0 {
		surrogate = DualClip(surrogate, advantage, n.dual)
	}
	loss := Mean(surrogate, weight, count)
	if n.entropy != 0 {
		loss = Sub(loss, MulScalar(Mean(entropy, weight, count), n.entropy))
	}
	if n.reference {
		ref := Where(sampled, in[len(in)-4], StopGradient(logp))
		loss = Add(loss, Mul(beta, Mean(divergence(logp, ref), weight, count)))
	}
	off := Abs(AddScalar(ratio, -1.0))
	k3 := AddScalar(Sub(ratio, Log(ratio)), -1.0)
	return loss, stats(mask, count, off, entropy, k3, Clipped(ratio, advantage, n.low, n.high))
}

// The critic's, of scores [batch, seq]: tokens [batch, seq] int32, mask, old, ret
// [batch, seq], count [].
func (n valueNumbers) loss(scores *Node, in []*Node) (*Node, *Node) {
	mask, old, ret, count := in[1], in[2], in[3], in[4]
	values := DivScalar(AddScalar(model.Before(scores), -n.mean), n.std)
	loss := Mean(ValueLoss(values, old, ret, n.clip), mask, count)
	return loss, stats(mask, count, Abs(Sub(values, old)))
}

// stats are the mean over the mask of off and of others, and the largest off of each row.
//
//	mask, off, others [batch, seq], count [] → [1+others+batch]
func stats(mask, count, off *Node, others ...*Node) *Node {
	var list []*Node
	for _, x := range append([]*Node{off}, others...) {
		list = append(list, Mean(StopGradient(x), mask, count))
	}
	rows := ReduceMax(Mul(StopGradient(off), mask), -1) // [batch]
	return Concatenate([]*Node{Stack(list, 0), rows}, 0)
}
