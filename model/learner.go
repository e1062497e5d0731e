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
// network has an adapter that alone. The scalar heads of [Config.Scalars] are a part with
// a clip, a number of steps and, in [Learner.PrepareHeads], a rate of its own. On a backend
// of several devices it shards its micro-batches over all of them; see [OpenBackend].
type Learner struct {
	Net     *Net
	adam    AdamW
	learns  []int // which of the network's tensors learn; moments are of these alone
	heads   bool  // some of them are scalar heads
	measure *exec
	grad    *exec
	add     *exec
	apply   *exec
	m, v    []*Tensor // first and second moments
	masters []*Tensor // f32, of weights that are stored as bfloat16; nil of the others
	mesh    *mesh     // nil: one device
	steps   [2]int    // updates applied: to the network, and to its scalar heads
	skipped int       // updates left out
}

// A trainable is a tensor that learns.
type trainable struct {
	spec
	half bool // stored as bfloat16
	part int  // 1: a scalar head; 0: all else
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
		trained[k] = trainable{specs[i], l.masters[k] != nil, specs[i].part()}
		l.heads = l.heads || specs[i].scalar()
	}
	losses := func(in []*Node) (Weights, []*Node) {
		w, rest := config.bind(in)
		total, stats := o.loss(config, w, rest)
		total.AssertDims()
		stats.AssertRank(1)
		return w, []*Node{total, stats}
	}
	gradient := func(in []*Node) []*Node {
		w, out := losses(in)
		var nodes []*Node
		for _, i := range learns {
			nodes = append(nodes, w[specs[i].name])
		}
		return append(out, Gradient(out[0], nodes...)...)
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
	l.measure = o.grads.get(b, config, "loss", func(in []*Node) []*Node {
		_, out := losses(in)
		return out
	})
	l.grad = o.grads.get(b, config, "gradient", gradient)
	l.add = shared.get(b, len(trained), "accumulate", addPairs)
	l.apply = shared.get(b, of, "AdamW", update)
	return l
}

// Steps counts the updates applied, those of the run before [Learner.LoadState] included.
func (l *Learner) Steps() int { return l.steps[0] }

// Skipped counts the updates left out because the gradient was not finite, likewise.
func (l *Learner) Skipped() int { return l.skipped }

// A Stat is what one step reports.
type Stat struct {
	Loss     float64
	Norm     float64     // of the gradient, before clipping, but for that of scalar heads
	HeadNorm float64     // of the gradient of scalar heads
	Stats    []float64   // the sum of the loss's statistics over the micro-batches
	Each     [][]float64 // the statistics of each micro-batch
	Diverged bool        // the gradient was not finite and the step was left out
}

// Measure is [Learner.Step] without the update: it changes nothing, and as on one device no
// gradient is computed, its norm stays 0.
func (l *Learner) Measure(batches [][]*Tensor) (Stat, error) {
	defer free(batches...)
	if l.mesh != nil {
		stat, sums, err := l.meshGradients(batches)
		free(sums...)
		return stat, err
	}
	stat, _, err := l.run(l.measure, batches)
	return stat, err
}

// gradients runs the loss and its gradient on micro-batches.
func (l *Learner) gradients(batches [][]*Tensor) (stat Stat, sums [][]*Tensor, err error) {
	return l.run(l.grad, batches)
}

// run runs a graph on micro-batches, two at a time, and adds up the gradients of each lane,
// so that memory does not grow with their number. The sums, one or two, are the caller's to
// free, after an error too.
func (l *Learner) run(graph *exec, batches [][]*Tensor) (stat Stat, sums [][]*Tensor, err error) {
	outs := make([][]*Tensor, len(batches)) // loss and statistics
	defer func() { free(outs...) }()
	sums = make([][]*Tensor, min(lanes, len(batches)))
	errs := make([]error, len(sums))
	var group sync.WaitGroup
	for k := range sums {
		group.Go(func() {
			for i := k; i < len(batches) && errs[k] == nil; i += lanes {
				out, err := graph.call(l.Net.weights, batches[i])
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
	if len(sum) == 0 {
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
	at   pace
	outs [][]*Tensor // what update made, a device each; nil: the step diverged, there is nothing to make
}

// A pace is the learning rates of a step, and which parts stand still: those of the
// network, and of its scalar heads.
type pace struct {
	lr    [2]float64
	still [2]bool
}

// Prepare is [Learner.Step] up to the point where the learner would change.
func (l *Learner) Prepare(batches [][]*Tensor, lr float64) (*Pending, Stat, error) {
	return l.prepare(batches, pace{lr: [2]float64{lr, lr}})
}

// PrepareHeads is [Learner.Prepare] with a rate of their own for the scalar heads of
// [Config.Scalars]. A part whose rate is 0 is left alone, its moments included, and the norm
// of its gradient is not reported.
func (l *Learner) PrepareHeads(batches [][]*Tensor, lr, heads float64) (*Pending, Stat, error) {
	if lr == 0 && heads == 0 { // the first step of a warm-up: not worth a graph that computes no gradient
		defer free(batches...)
		stat, sums, err := l.gradients(batches)
		free(sums...)
		return &Pending{l: l}, stat, err
	}
	return l.prepare(batches, pace{[2]float64{lr, heads}, [2]bool{lr == 0, heads == 0}})
}

func (l *Learner) prepare(batches [][]*Tensor, at pace) (*Pending, Stat, error) {
	defer free(batches...)
	if l.mesh != nil {
		return l.meshPrepare(batches, at)
	}
	stat, sums, err := l.gradients(batches)
	defer func() { free(sums...) }()
	if err != nil {
		return nil, stat, err
	}
	scalars := l.scalars(at)
	defer free([]*Tensor{scalars})
	r := l.replica()
	out, err := l.apply.call([]*Tensor{scalars}, r.params(l.learns), r.m, r.v, slices.Concat(sums...))
	if err != nil {
		return nil, Stat{}, err
	}
	if !l.accept(&stat, out[0], at) {
		free(out[1:])
		return &Pending{l: l}, stat, nil
	}
	return &Pending{l, at, [][]*Tensor{out[1:]}}, stat, nil
}

// Commit makes the update. It cannot fail.
func (p *Pending) Commit() {
	if p.outs == nil {
		return
	}
	l := p.l
	moves := func(i int) bool { return !p.at.still[l.Net.specs[i].part()] }
	for d, out := range p.outs {
		if d > 0 {
			l.mesh.others[d-1].replace(l.learns, out, moves)
			continue
		}
		r := l.replica()
		r.replace(l.learns, out, moves)
		l.take(r)
	}
	for part, still := range p.at.still {
		if !still {
			l.steps[part]++
		}
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

// accept reads the norms, and counts a step that is left out.
func (l *Learner) accept(stat *Stat, norms *Tensor, at pace) bool {
	into := [2]*float64{&stat.Norm, &stat.HeadNorm}
	for part, norm := range flat[float32](norms) {
		if !at.still[part] {
			*into[part] = float64(norm)
		}
	}
	stat.Diverged = !finite(stat.Norm) || !finite(stat.HeadNorm)
	if stat.Diverged {
		l.skipped++
		return false
	}
	return true
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// scalars are, for each part, the learning rate and the two bias corrections of the next
// step.
func (l *Learner) scalars(at pace) *Tensor {
	var list []float32
	for part, lr := range at.lr[:l.parts()] {
		t := float64(l.steps[part] + 1)
		list = append(list, float32(lr), float32(1-math.Pow(l.adam.Beta1, t)), float32(1-math.Pow(l.adam.Beta2, t)))
	}
	return Floats(list, len(list))
}

// parts is 2 where scalar heads learn, else 1.
func (l *Learner) parts() int {
	if l.heads {
		return 2
	}
	return 1
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

// replace takes over what update made of the tensors that move, but for the norms, and
// frees what was there.
func (r *replica) replace(learns []int, out []*Tensor, moves func(i int) bool) {
	n := len(learns)
	half := out[3*n:]
	next := replica{slices.Clone(r.weights), slices.Clone(r.m), slices.Clone(r.v), slices.Clone(r.masters)}
	swap := func(at, with *Tensor, move bool) *Tensor {
		if move {
			at, with = with, at
		}
		free([]*Tensor{with})
		return at
	}
	for k, i := range learns {
		move := moves(i)
		next.m[k], next.v[k] = swap(r.m[k], out[n+k], move), swap(r.v[k], out[2*n+k], move)
		if r.masters[k] != nil {
			next.masters[k], next.weights[i] = swap(r.masters[k], out[k], move), swap(r.weights[i], half[0], move)
			half = half[1:]
		} else {
			next.weights[i] = swap(r.weights[i], out[k], move)
		}
	}
	*r = next
}

// update is the graph of one AdamW step: scalars [3·parts] (learning rate and the two bias
// corrections of each), weights, m, v and any number of gradients a weight → the norms of
// the summed gradients [parts], weights, m, v, and those weights as bfloat16 that are stored
// so. Each part is clipped by itself:
//
//	g ← Σ gradients · min(1, MaxNorm/(‖g‖+1e-6))
//	w ← w − lr·λ·w;  m ← β₁m+(1−β₁)g;  v ← β₂v+(1−β₂)g²;  w ← w − lr·m̂/(√v̂+ε)
func (a AdamW) update(trained []trainable, in []*Node) []*Node {
	n, parts := len(trained), in[0].Shape().Dim(0)/3
	scalar := func(i int) *Node { return Reshape(Slice(in[0], AxisRange(i, i+1))) }
	w, m, v, sums := in[1:1+n], in[1+n:1+2*n], in[1+2*n:1+3*n], in[1+3*n:]
	grads := make([]*Node, n)
	squares := make([]*Node, parts)
	for i, s := range trained {
		g := sums[i]
		for k := i + n; k < len(sums); k += n {
			g = Add(g, sums[k])
		}
		grads[i] = g
		square := ReduceAllSum(Square(g))
		if squares[s.part] == nil {
			squares[s.part] = square
		} else {
			squares[s.part] = Add(squares[s.part], square)
		}
	}
	var norms, scales, rates, roots []*Node
	for part, x := range squares {
		norm := Sqrt(x)
		norms = append(norms, norm)
		scales = append(scales, MinScalar(Div(Scalar(norm.Graph(), float32Type, a.MaxNorm), AddScalar(norm, 1e-6)), 1.0))
		rates = append(rates, Div(scalar(3*part), scalar(3*part+1)))
		roots = append(roots, Sqrt(scalar(3*part+2)))
	}
	// One vector scale a weight instead of three: lr·m̂/(√v̂+ε) = m·(lr/fix1)/(√v/√fix2+ε).
	var newW, newM, newV, half []*Node
	for i, s := range trained {
		lr, rate, root := scalar(3*s.part), rates[s.part], roots[s.part]
		g := Mul(grads[i], scales[s.part])
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
	return slices.Concat([]*Node{Stack(norms, 0)}, newW, newM, newV, half)
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
