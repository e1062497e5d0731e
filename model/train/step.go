package train

import (
	"math"
	"slices"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

// Step makes one update from micro-batches, each the inputs of one call of the loss.
// Their gradients are added up in order, so the result does not depend on the number of
// cores. It frees the inputs.
func (l *Learner) Step(batches [][]*backend.Tensor, lr float64) (Stat, error) {
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
	outs [][]*backend.Tensor // what update made, a device each; nil: the step diverged, there is nothing to make
}

// A pace is the learning rates of a step, and which parts stand still: those of the
// network, and of its scalar heads.
type pace struct {
	lr    [2]float64
	still [2]bool
}

// Prepare is [Learner.Step] up to the point where the learner would change.
func (l *Learner) Prepare(batches [][]*backend.Tensor, lr float64) (*Pending, Stat, error) {
	return l.prepare(batches, pace{lr: [2]float64{lr, lr}})
}

// PrepareHeads is [Learner.Prepare] with a rate of their own for the scalar heads of
// [Config.Scalars]. A part whose rate is 0 is left alone, its moments included, and the norm
// of its gradient is not reported.
func (l *Learner) PrepareHeads(batches [][]*backend.Tensor, lr, heads float64) (*Pending, Stat, error) {
	if lr == 0 && heads == 0 {
		stat, err := l.Measure(batches)
		return &Pending{l: l}, stat, err
	}
	return l.prepare(batches, pace{[2]float64{lr, heads}, [2]bool{lr == 0, heads == 0}})
}

func (l *Learner) prepare(batches [][]*backend.Tensor, at pace) (p *Pending, stat Stat, err error) {
	defer device.Free(batches...)
	compute := l.onePrepare
	if l.mesh != nil {
		compute = l.meshPrepare
	}
	err = device.Guard(func() (err error) {
		p, stat, err = compute(batches, at)
		return err
	})
	return p, stat, err
}

// onePrepare is prepare on one device.
func (l *Learner) onePrepare(batches [][]*backend.Tensor, at pace) (*Pending, Stat, error) {
	stat, sums, err := l.gradients(batches)
	defer func() { device.Free(sums...) }()
	if err != nil {
		return nil, stat, err
	}
	scalars := l.scalars(at)
	defer device.Free([]*backend.Tensor{scalars})
	r := l.replica()
	out, err := l.apply.Call([]*backend.Tensor{scalars}, r.params(l.learns), r.m, r.v, slices.Concat(sums...))
	if err != nil {
		return nil, Stat{}, err
	}
	if !l.accept(&stat, out[0], at) {
		device.Free(out[1:])
		return &Pending{l: l}, stat, nil
	}
	return &Pending{l, at, [][]*backend.Tensor{out[1:]}}, stat, nil
}

// Commit makes the update. It cannot fail.
func (p *Pending) Commit() {
	if p.outs == nil {
		return
	}
	l := p.l
	moves := func(i int) bool { return !p.at.still[part(l.Net.Specs()[i])] }
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
		l.mesh.seen = slices.Clone(l.Net.Weights())
	}
	p.outs = nil
}

// Discard leaves the learner as it is.
func (p *Pending) Discard() {
	device.Free(p.outs...)
	p.outs = nil
}

// accept reads the norms, and counts a step that is left out.
func (l *Learner) accept(stat *Stat, norms *backend.Tensor, at pace) bool {
	into := [2]*float64{&stat.Norm, &stat.HeadNorm}
	for part, norm := range device.Take[float32](norms) {
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
func (l *Learner) scalars(at pace) *backend.Tensor {
	var list []float32
	for part, lr := range at.lr[:l.parts()] {
		t := float64(l.steps[part] + 1)
		list = append(list, float32(lr), float32(1-math.Pow(l.adam.Beta1, t)), float32(1-math.Pow(l.adam.Beta2, t)))
	}
	return backend.Floats(list, len(list))
}

// parts is 2 where scalar heads learn, else 1.
func (l *Learner) parts() int {
	if l.heads {
		return 2
	}
	return 1
}

// A replica is what a learner holds on one device.
type replica struct{ weights, m, v, masters []*backend.Tensor }

func (l *Learner) replica() replica { return replica{l.Net.Weights(), l.m, l.v, l.masters} }

func (l *Learner) take(r replica) {
	l.Net.SetWeights(r.weights)
	l.m, l.v, l.masters = r.m, r.v, r.masters
}

// params are the f32 weights that learn: the network's, or their masters.
func (r replica) params(learns []int) (list []*backend.Tensor) {
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
func (r *replica) replace(learns []int, out []*backend.Tensor, moves func(i int) bool) {
	n := len(learns)
	half := out[3*n:]
	next := replica{slices.Clone(r.weights), slices.Clone(r.m), slices.Clone(r.v), slices.Clone(r.masters)}
	swap := func(at, with *backend.Tensor, move bool) *backend.Tensor {
		if move {
			at, with = with, at
		}
		device.Free([]*backend.Tensor{with})
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
