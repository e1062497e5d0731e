package train

import (
	"math"
	"slices"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

// Step makes one update from a batch, with one learning rate for all parameters. It adds up the
// gradients of the micro-batches in order, so the result does not depend on the number of cores.
func (l *Learner) Step(b Batch, lr float64) (Stat, error) {
	u, stat, err := l.Prepare(b, Rates{Network: lr, Heads: lr})
	if err == nil {
		u.Apply()
	}
	return stat, err
}

// An Update is an update that is computed and not yet applied. It is for several learners that
// change together or not at all. Call Apply or Discard before the learner's next Prepare.
type Update struct {
	l     *Learner
	rates Rates
	outs  [][]*backend.Tensor // what AdamW computed, by device; nil: there is nothing to apply
}

// Prepare computes what [Learner.Step] applies, with a learning rate for each group of
// parameters. With no rates at all it measures, as [Learner.Measure] does.
func (l *Learner) Prepare(b Batch, rates Rates) (u *Update, stat Stat, err error) {
	if len(rates) == 0 {
		stat, err := l.Measure(b)
		return &Update{}, stat, err
	}
	compute := l.prepare
	if l.mesh != nil {
		compute = l.meshPrepare
	}
	err = l.packed(b, func(p packed) (err error) {
		u, stat, err = compute(p, rates)
		return err
	})
	stat.Tokens = b.tokens()
	return u, stat, err
}

// tokens counts the tokens of a batch.
func (b Batch) tokens() (n int) {
	for _, r := range b.Rows {
		n += len(r.IDs)
	}
	return n
}

// prepare computes [Learner.Prepare] on one device.
func (l *Learner) prepare(p packed, rates Rates) (*Update, Stat, error) {
	stat, sums, err := l.gradients(p)
	defer func() { device.Free(sums...) }()
	if err != nil {
		return nil, stat, err
	}
	scalars := l.scalars(rates)
	defer device.Free([]*backend.Tensor{scalars})
	r := l.replica()
	out, err := l.apply.Call([]*backend.Tensor{scalars}, r.params(l.learns), r.m, r.v, slices.Concat(sums...))
	if err != nil {
		return nil, Stat{}, err
	}
	if !l.accept(&stat, out[0], rates) {
		device.Free(out[1:])
		return &Update{}, stat, nil
	}
	return &Update{l, rates, [][]*backend.Tensor{out[1:]}}, stat, nil
}

// Apply makes the update. It cannot fail. After a step that diverged there is nothing to apply.
func (u *Update) Apply() {
	if u.outs == nil {
		return
	}
	l := u.l
	moves := func(i int) bool {
		_, ok := u.rates[groupOf(l.Net.Specs()[i])]
		return ok
	}
	for d, out := range u.outs {
		if d > 0 {
			l.mesh.others[d-1].replace(l.learns, out, moves)
			continue
		}
		r := l.replica()
		r.replace(l.learns, out, moves)
		l.take(r)
	}
	for group := range u.rates {
		l.steps[group]++
	}
	if l.mesh != nil {
		l.mesh.seen = slices.Clone(l.Net.Weights())
	}
	u.outs = nil
}

// Discard leaves the learner as it is.
func (u *Update) Discard() {
	device.Free(u.outs...)
	u.outs = nil
}

// accept reads the norms, and counts a step that is left out.
func (l *Learner) accept(stat *Stat, norms *backend.Tensor, rates Rates) bool {
	into := [2]*float64{&stat.GradNorm, &stat.HeadGradNorm}
	for group, norm := range device.Take[float32](norms) {
		if _, ok := rates[Group(group)]; ok {
			*into[group] = float64(norm)
		}
	}
	stat.Diverged = !finite(stat.GradNorm) || !finite(stat.HeadGradNorm)
	if stat.Diverged {
		l.skipped++
		return false
	}
	return true
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// scalars makes the scalars of [AdamW.update]: for each group the learning rate and the two bias
// corrections of the next step.
func (l *Learner) scalars(rates Rates) *backend.Tensor {
	var list []float32
	for group := range l.groups {
		t := float64(l.steps[group] + 1)
		list = append(list, float32(rates[Group(group)]), float32(1-math.Pow(l.adam.Beta1, t)), float32(1-math.Pow(l.adam.Beta2, t)))
	}
	return backend.Floats(list, len(list))
}

// A replica is what a learner holds on one device.
type replica struct{ weights, m, v, masters []*backend.Tensor }

func (l *Learner) replica() replica { return replica{l.Net.Weights(), l.m, l.v, l.masters} }

func (l *Learner) take(r replica) {
	l.Net.SetWeights(r.weights)
	l.m, l.v, l.masters = r.m, r.v, r.masters
}

// params lists the float32 weights that learn: the network's, or their master weights.
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

// replace takes what AdamW computed of the tensors that move (weights, m, v, and bfloat16 copies
// of weights stored so), and frees what it replaces.
func (r *replica) replace(learns []int, out []*backend.Tensor, moves func(i int) bool) {
	n := len(learns)
	stored := out[3*n:]
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
			next.masters[k], next.weights[i] = swap(r.masters[k], out[k], move), swap(r.weights[i], stored[0], move)
			stored = stored[1:]
		} else {
			next.weights[i] = swap(r.weights[i], out[k], move)
		}
	}
	*r = next
}
