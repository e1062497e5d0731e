package model

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path/filepath"
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

// A Learner improves the weights of a network against one loss.
type Learner struct {
	Net   *Net
	adam  AdamW
	grad  *exec
	apply *exec
	m, v  []*Tensor // first and second moments
	steps int       // updates applied
}

// NewLearner prepares a learner of a loss of its own; nothing is compiled before the
// first step.
func NewLearner(n *Net, loss Loss, a AdamW) *Learner { return NewObjective(loss).Learner(n, a) }

// Learner prepares a learner; nothing is compiled before the first step.
func (o *Objective) Learner(n *Net, a AdamW) *Learner {
	a.Beta1, a.Beta2 = cmp.Or(a.Beta1, 0.9), cmp.Or(a.Beta2, 0.95)
	a.Eps, a.MaxNorm = cmp.Or(a.Eps, 1e-8), cmp.Or(a.MaxNorm, 1)
	l := &Learner{Net: n, adam: a}
	for _, s := range n.specs {
		l.m = append(l.m, Floats(make([]float32, s.size()), s.dims...))
		l.v = append(l.v, Floats(make([]float32, s.size()), s.dims...))
	}
	config, specs := n.Config, n.specs
	l.grad = o.grads.get(n.backend, config, "gradient", func(in []*Node) []*Node {
		w, rest := config.bind(in)
		total, stats := o.loss(config, w, rest)
		total.AssertDims()
		stats.AssertRank(1)
		var nodes []*Node
		for _, s := range config.specs() {
			nodes = append(nodes, w[s.name])
		}
		return append([]*Node{total, stats}, Gradient(total, nodes...)...)
	})
	l.apply = shared.get(n.backend, []any{a, specs}, "AdamW", func(in []*Node) []*Node { return a.update(specs, in) })
	return l
}

// Steps counts the updates applied.
func (l *Learner) Steps() int { return l.steps }

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
	stat, outs, err := l.gradients(batches)
	free(outs...)
	return stat, err
}

// gradients runs the loss on micro-batches, two at a time. The outputs are the caller's
// to free, after an error too.
func (l *Learner) gradients(batches [][]*Tensor) (Stat, [][]*Tensor, error) {
	outs := make([][]*Tensor, len(batches))
	errs := make([]error, len(batches))
	var group sync.WaitGroup
	for k := range lanes {
		group.Go(func() {
			for i := k; i < len(batches); i += lanes {
				outs[i], errs[i] = l.grad.call(l.Net.weights, batches[i])
			}
		})
	}
	group.Wait()
	var stat Stat
	if err := errors.Join(errs...); err != nil {
		return stat, outs, err
	}
	for _, out := range outs {
		stat.Loss += float64(values(out[0])[0])
		stats := values(out[1])
		if stat.Stats == nil {
			stat.Stats = make([]float64, len(stats))
		}
		each := make([]float64, len(stats))
		for k, x := range stats {
			each[k] = float64(x)
			stat.Stats[k] += each[k]
		}
		stat.Each = append(stat.Each, each)
	}
	return stat, outs, nil
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
	l   *Learner
	out []*Tensor // weights, m, v; nil: the step diverged, there is nothing to make
}

// Prepare is [Learner.Step] up to the point where the learner would change.
func (l *Learner) Prepare(batches [][]*Tensor, lr float64) (*Pending, Stat, error) {
	defer free(batches...)
	stat, outs, err := l.gradients(batches)
	defer func() { free(outs...) }()
	if err != nil {
		return nil, stat, err
	}
	var grads []*Tensor
	for _, out := range outs {
		grads = append(grads, out[2:]...)
	}
	t := float64(l.steps + 1)
	scalars := Floats([]float32{float32(lr), float32(1 - math.Pow(l.adam.Beta1, t)), float32(1 - math.Pow(l.adam.Beta2, t))}, 3)
	defer free([]*Tensor{scalars})
	out, err := l.apply.call([]*Tensor{scalars}, l.Net.weights, l.m, l.v, grads)
	if err != nil {
		return nil, Stat{}, err
	}
	stat.Norm = float64(flat[float32](out[0])[0])
	if math.IsNaN(stat.Norm) || math.IsInf(stat.Norm, 0) {
		free(out[1:])
		stat.Diverged = true
		return &Pending{l: l}, stat, nil
	}
	return &Pending{l, out[1:]}, stat, nil
}

// Commit makes the update. It cannot fail.
func (p *Pending) Commit() {
	if p.out == nil {
		return
	}
	l, n := p.l, len(p.l.Net.specs)
	free(l.Net.weights, l.m, l.v)
	l.Net.weights, l.m, l.v = p.out[:n], p.out[n:2*n], p.out[2*n:]
	l.steps++
	p.out = nil
}

// Discard leaves the learner as it is.
func (p *Pending) Discard() {
	free(p.out)
	p.out = nil
}

// update is the graph of one AdamW step: scalars [3] (learning rate and the two bias
// corrections), weights, m, v and any number of gradients a weight → the norm of the
// summed gradient, weights, m, v.
//
//	g ← Σ gradients · min(1, MaxNorm/(‖g‖+1e-6))
//	w ← w − lr·λ·w;  m ← β₁m+(1−β₁)g;  v ← β₂v+(1−β₂)g²;  w ← w − lr·m̂/(√v̂+ε)
func (a AdamW) update(specs []spec, in []*Node) []*Node {
	n := len(specs)
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
	var newW, newM, newV []*Node
	for i, s := range specs {
		g := Mul(grads[i], scale)
		mi := Add(MulScalar(m[i], a.Beta1), MulScalar(g, 1-a.Beta1))
		vi := Add(MulScalar(v[i], a.Beta2), MulScalar(Square(g), 1-a.Beta2))
		wi := w[i]
		if a.WeightDecay != 0 && s.decays() {
			wi = Mul(wi, OneMinus(MulScalar(lr, a.WeightDecay)))
		}
		wi = Sub(wi, Div(Mul(mi, rate), AddScalar(Div(Sqrt(vi), root), a.Eps)))
		newW, newM, newV = append(newW, wi), append(newM, mi), append(newV, vi)
	}
	out := append([]*Node{norm}, newW...)
	return append(append(out, newM...), newV...)
}

// Close frees the moments. The network stays.
func (l *Learner) Close() {
	free(l.m, l.v)
	l.m, l.v = nil, nil
}

const optimizerFile = "optimizer.safetensors"

// SaveState writes the moments and the step count into a directory, for [Learner.LoadState].
func (l *Learner) SaveState(dir string) error {
	list := l.state()
	return writeSafetensors(filepath.Join(dir, optimizerFile), list, func(i int) []float32 {
		switch n := len(l.m); i / n {
		case 0:
			return values(l.m[i])
		case 1:
			return values(l.v[i-n])
		}
		return []float32{float32(l.steps)}
	})
}

// state lists the tensors of the optimiser's file: m, v, and the number of steps.
func (l *Learner) state() []spec {
	var list []spec
	for _, prefix := range []string{"m.", "v."} {
		for _, s := range l.Net.specs {
			list = append(list, spec{prefix + s.name, s.dims})
		}
	}
	return append(list, spec{"steps", []int{1}})
}

// LoadState goes on where [Learner.SaveState] stopped.
func (l *Learner) LoadState(dir string) error {
	list, err := readSafetensors(filepath.Join(dir, optimizerFile), l.state())
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	free(l.m, l.v)
	n := len(l.Net.specs)
	for i := range n {
		l.m[i], l.v[i] = Floats(list[i].data, list[i].dims...), Floats(list[n+i].data, list[n+i].dims...)
	}
	l.steps = int(list[2*n].data[0])
	return nil
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
