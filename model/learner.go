package model

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"
)

// AdamW is decoupled weight decay (arXiv:1711.05101) with clipping by the global norm,
// step by step as torch.optim.AdamW and clip_grad_norm_ do it.
type AdamW struct {
	Beta1, Beta2 float64 // 0: 0.9 and 0.95 (OpenRLHF's)
	Eps          float64 // 0: 1e-8
	WeightDecay  float64 // of matrices; 0: none, as in the paper's scripts
	MaxNorm      float64 // 0: 1
}

// A Loss builds the loss of one micro-batch.
//
// It must be a sum over what the micro-batch holds, divided by a count of the whole
// batch that the caller passes in, so that micro-batches add up to the batch. Beside
// the loss it returns a vector of statistics, which are added up in the same way.
type Loss func(c Config, w Weights, in []*Node) (loss, stats *Node)

// A Learner improves the weights of a network against one loss: all of them, or where the
// network has an adapter that alone. On a backend of several devices it shards its
// micro-batches over all of them; see [OpenBackend].
type Learner struct {
	Net     *Net
	adam    AdamW
	learns  []int // which of the network's tensors learn; moments are of these alone
	grad    *exec
	add     *exec
	apply   *exec
	m, v    []*Tensor // first and second moments
	masters []*Tensor // f32, of weights that are stored as bfloat16; nil of the others
	mesh    *mesh     // nil: one device
	steps   int       // updates applied
	skipped int       // updates left out
}

// A trainable is a tensor that learns.
type trainable struct {
	spec
	half bool // stored as bfloat16
}

// NewLearner prepares a learner of a loss of its own; nothing is compiled before the
// first step.
func NewLearner(n *Net, loss Loss, a AdamW) *Learner { return NewObjective(loss).Learner(n, a) }

// Learner prepares a learner; nothing is compiled before the first step.
func (o *Objective) Learner(n *Net, a AdamW) *Learner {
	a.Beta1, a.Beta2 = cmp.Or(a.Beta1, 0.9), cmp.Or(a.Beta2, 0.95)
	a.Eps, a.MaxNorm = cmp.Or(a.Eps, 1e-8), cmp.Or(a.MaxNorm, 1)
	l := &Learner{Net: n, adam: a}
	for i, s := range n.specs {
		if n.Config.LoRA.on() && !s.adapter() {
			continue
		}
		l.learns = append(l.learns, i)
		l.m = append(l.m, Floats(make([]float32, s.size()), s.dims...))
		l.v = append(l.v, Floats(make([]float32, s.size()), s.dims...))
		var master *Tensor
		if n.Config.half(s) {
			master = Floats(values(n.weights[i]), s.dims...)
		}
		l.masters = append(l.masters, master)
	}
	// What is compiled must not hold on to the network, so it refers to none.
	config, specs, learns := n.Config, n.specs, l.learns
	trained := make([]trainable, len(learns))
	for k, i := range learns {
		trained[k] = trainable{specs[i], l.masters[k] != nil}
	}
	gradient := func(in []*Node) []*Node {
		w, rest := config.bind(in)
		total, stats := o.loss(config, w, rest)
		total.AssertDims()
		stats.AssertRank(1)
		var nodes []*Node
		for _, i := range learns {
			nodes = append(nodes, w[specs[i].name])
		}
		return append([]*Node{total, stats}, Gradient(total, nodes...)...)
	}
	update := func(in []*Node) []*Node { return a.update(trained, in) }
	b, of := n.backend, []any{a, trained}
	if l.mesh = newMesh(b); l.mesh != nil {
		m := l.mesh
		m.gradient = func(kinds string) *exec {
			return o.grads.make(b, config, "gradient on a mesh, "+kinds, func() *exec { return m.exec("gradient", len(specs), kinds, gradient) })
		}
		m.add = shared.make(b, len(trained), "accumulate on a mesh", func() *exec { return m.exec("accumulate", 1, "", addPairs) })
		m.apply = shared.make(b, of, "AdamW on a mesh", func() *exec { return m.exec("AdamW", 1, "", update) })
		return l
	}
	l.grad = o.grads.get(b, config, "gradient", gradient)
	l.add = shared.get(b, len(trained), "accumulate", addPairs)
	l.apply = shared.get(b, of, "AdamW", update)
	return l
}

// Steps counts the updates applied, those of the run before [Learner.LoadState] included.
func (l *Learner) Steps() int { return l.steps }

// Skipped counts the updates left out because the gradient was not finite, likewise.
func (l *Learner) Skipped() int { return l.skipped }

// A Stat is what one step reports.
type Stat struct {
	Loss     float64
	Norm     float64     // of the gradient, before clipping
	Stats    []float64   // the sum of the loss's statistics over the micro-batches
	Each     [][]float64 // the statistics of each micro-batch
	Diverged bool        // the gradient was not finite and the step was left out
}

// Measure is [Learner.Step] without the update: it changes nothing, and the norm of the
// gradient stays 0.
func (l *Learner) Measure(batches [][]*Tensor) (Stat, error) {
	defer free(batches...)
	if l.mesh != nil {
		stat, sums, err := l.meshGradients(batches)
		free(sums...)
		return stat, err
	}
	stat, sums, err := l.gradients(batches)
	free(sums...)
	return stat, err
}

// gradients runs the loss on micro-batches, two at a time, and adds up the gradients of
// each lane, so that memory does not grow with their number. The sums, one or two, are the
// caller's to free, after an error too.
func (l *Learner) gradients(batches [][]*Tensor) (stat Stat, sums [][]*Tensor, err error) {
	outs := make([][]*Tensor, len(batches)) // loss and statistics
	defer func() { free(outs...) }()
	sums = make([][]*Tensor, min(lanes, len(batches)))
	errs := make([]error, len(sums))
	var group sync.WaitGroup
	for k := range sums {
		group.Go(func() {
			for i := k; i < len(batches) && errs[k] == nil; i += lanes {
				out, err := l.grad.call(l.Net.weights, batches[i])
				if err != nil {
					errs[k] = err
					return
				}
				outs[i] = out[:2]
				sums[k], errs[k] = l.accumulate(sums[k], out[2:])
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return stat, sums, err
	}
	for _, out := range outs {
		stat.read(out)
	}
	return stat, sums, nil
}

// read adds a micro-batch's loss and statistics.
func (s *Stat) read(out []*Tensor) {
	s.Loss += float64(values(out[0])[0])
	stats := values(out[1])
	if s.Stats == nil {
		s.Stats = make([]float64, len(stats))
	}
	each := make([]float64, len(stats))
	for k, x := range stats {
		each[k] = float64(x)
		s.Stats[k] += each[k]
	}
	s.Each = append(s.Each, each)
}

// accumulate adds gradients to a sum, and frees both.
func (l *Learner) accumulate(sum, more []*Tensor) ([]*Tensor, error) {
	if sum == nil {
		return more, nil
	}
	defer free(sum, more)
	return l.add.call(sum, more)
}

// addPairs is the graph of accumulate: x₁ … xₙ, y₁ … yₙ → x₁+y₁ … xₙ+yₙ.
func addPairs(in []*Node) (out []*Node) {
	n := len(in) / 2
	for i, x := range in[:n] {
		out = append(out, Add(x, in[n+i]))
	}
	return out
}

// Step makes one update from micro-batches, each the inputs of one call of the loss.
// Their gradients are added up in order, so the result does not depend on the number of
// cores. It frees the inputs.
func (l *Learner) Step(batches [][]*Tensor, lr float64) (Stat, error) {
	p, stat, err := l.Prepare(batches, lr)
	if err == nil {
		p.Commit()
	}
	return stat, err
}

// A Pending is an update that is computed and not yet made. It is for several learners
// that are to go on together or not at all. Either Commit or Discard ends it, and its
// learner prepares no other before.
type Pending struct {
	l    *Learner
	outs [][]*Tensor // what update made, a device each; nil: the step diverged, there is nothing to make
}

// Prepare is [Learner.Step] up to the point where the learner would change.
func (l *Learner) Prepare(batches [][]*Tensor, lr float64) (*Pending, Stat, error) {
	defer free(batches...)
	if l.mesh != nil {
		return l.meshPrepare(batches, lr)
	}
	stat, sums, err := l.gradients(batches)
	defer func() { free(sums...) }()
	if err != nil {
		return nil, stat, err
	}
	scalars := l.scalars(lr)
	defer free([]*Tensor{scalars})
	r := l.replica()
	out, err := l.apply.call([]*Tensor{scalars}, r.params(l.learns), r.m, r.v, slices.Concat(sums...))
	if err != nil {
		return nil, Stat{}, err
	}
	if !l.accept(&stat, out[0]) {
		free(out[1:])
		return &Pending{l: l}, stat, nil
	}
	return &Pending{l, [][]*Tensor{out[1:]}}, stat, nil
}

// Commit makes the update. It cannot fail.
func (p *Pending) Commit() {
	if p.outs == nil {
		return
	}
	l := p.l
	for d, out := range p.outs {
		if d > 0 {
			l.mesh.others[d-1].replace(l.learns, out)
			continue
		}
		r := l.replica()
		r.replace(l.learns, out)
		l.take(r)
		l.steps++
	}
	if l.mesh != nil {
		l.mesh.seen = slices.Clone(l.Net.weights)
	}
	p.outs = nil
}

// Discard leaves the learner as it is.
func (p *Pending) Discard() {
	free(p.outs...)
	p.outs = nil
}

// accept reads the norm, and counts a step that is left out.
func (l *Learner) accept(stat *Stat, norm *Tensor) bool {
	stat.Norm = float64(flat[float32](norm)[0])
	stat.Diverged = math.IsNaN(stat.Norm) || math.IsInf(stat.Norm, 0)
	if stat.Diverged {
		l.skipped++
		return false
	}
	return true
}

// scalars are the learning rate and the two bias corrections of the next step.
func (l *Learner) scalars(lr float64) *Tensor {
	t := float64(l.steps + 1)
	return Floats([]float32{float32(lr), float32(1 - math.Pow(l.adam.Beta1, t)), float32(1 - math.Pow(l.adam.Beta2, t))}, 3)
}

// A replica is what a learner holds on one device.
type replica struct{ weights, m, v, masters []*Tensor }

func (l *Learner) replica() replica { return replica{l.Net.weights, l.m, l.v, l.masters} }

func (l *Learner) take(r replica) {
	l.Net.weights, l.m, l.v, l.masters = r.weights, r.m, r.v, r.masters
}

// params are the f32 weights that learn: the network's, or their masters.
func (r replica) params(learns []int) (list []*Tensor) {
	for k, i := range learns {
		if r.masters[k] != nil {
			list = append(list, r.masters[k])
		} else {
			list = append(list, r.weights[i])
		}
	}
	return list
}

// replace takes over what update made, but for the norm, and frees what was there.
func (r *replica) replace(learns []int, out []*Tensor) {
	n := len(learns)
	half := out[3*n:]
	weights, masters := slices.Clone(r.weights), slices.Clone(r.masters)
	for k, i := range learns {
		free(weights[i:i+1], masters[k:k+1])
		if masters[k] != nil {
			masters[k], weights[i], half = out[k], half[0], half[1:]
		} else {
			weights[i] = out[k]
		}
	}
	free(r.m, r.v)
	*r = replica{weights, out[n : 2*n], out[2*n : 3*n], masters}
}

// update is the graph of one AdamW step: scalars [3] (learning rate and the two bias
// corrections), weights, m, v and any number of gradients a weight → the norm of the
// summed gradient, weights, m, v, and those weights as bfloat16 that are stored so.
//
//	g ← Σ gradients · min(1, MaxNorm/(‖g‖+1e-6))
//	w ← w − lr·λ·w;  m ← β₁m+(1−β₁)g;  v ← β₂v+(1−β₂)g²;  w ← w − lr·m̂/(√v̂+ε)
func (a AdamW) update(trained []trainable, in []*Node) []*Node {
	n := len(trained)
	scalar := func(i int) *Node { return Reshape(Slice(in[0], AxisRange(i, i+1))) }
	lr, fix1, fix2 := scalar(0), scalar(1), scalar(2)
	w, m, v, parts := in[1:1+n], in[1+n:1+2*n], in[1+2*n:1+3*n], in[1+3*n:]
	grads := make([]*Node, n)
	var squares *Node
	for i := range n {
		g := parts[i]
		for k := i + n; k < len(parts); k += n {
			g = Add(g, parts[k])
		}
		grads[i] = g
		square := ReduceAllSum(Square(g))
		if squares == nil {
			squares = square
		} else {
			squares = Add(squares, square)
		}
	}
	norm := Sqrt(squares)
	scale := MinScalar(Div(Scalar(norm.Graph(), float32Type, a.MaxNorm), AddScalar(norm, 1e-6)), 1.0)
	// One vector scale a weight instead of three: lr·m̂/(√v̂+ε) = m·(lr/fix1)/(√v/√fix2+ε).
	rate, root := Div(lr, fix1), Sqrt(fix2)
	var newW, newM, newV, half []*Node
	for i, s := range trained {
		g := Mul(grads[i], scale)
		mi := Add(MulScalar(m[i], a.Beta1), MulScalar(g, 1-a.Beta1))
		vi := Add(MulScalar(v[i], a.Beta2), MulScalar(Square(g), 1-a.Beta2))
		wi := w[i]
		if a.WeightDecay != 0 && s.decays() {
			wi = Mul(wi, OneMinus(MulScalar(lr, a.WeightDecay)))
		}
		wi = Sub(wi, Div(Mul(mi, rate), AddScalar(Div(Sqrt(vi), root), a.Eps)))
		newW, newM, newV = append(newW, wi), append(newM, mi), append(newV, vi)
		if s.half {
			half = append(half, ConvertDType(wi, bf16Type))
		}
	}
	return slices.Concat([]*Node{norm}, newW, newM, newV, half)
}

// Close frees the moments. The network stays.
func (l *Learner) Close() {
	free(l.m, l.v, l.masters)
	l.m, l.v, l.masters = nil, nil, nil
	if l.mesh != nil {
		l.mesh.close()
	}
}

// Cosine is the learning rate of update step (counted from 0) of total: a linear
// warm-up from 0, then half a cosine down to floor·peak, as transformers'
// get_cosine_with_min_lr_schedule_with_warmup. The paper's scripts use floor 0.1 and a
// warm-up of 3 % of the steps.
func Cosine(peak float64, step, warmup, total int, floor float64) float64 {
	if step < warmup {
		return peak * float64(step) / float64(warmup)
	}
	progress := min(1, float64(step-warmup)/float64(max(1, total-warmup)))
	return peak * (floor + (1-floor)*(1+math.Cos(math.Pi*progress))/2)
}
