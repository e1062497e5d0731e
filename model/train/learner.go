package train

import (
	"cmp"
	"errors"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/malloc"
	"github.com/satori-go/satori/model/network"
)

// workers is how many micro-batches are computed side by side.
const workers = 2

// A Loss builds the loss of one micro-batch.
//
// It must be a sum over what the micro-batch holds, divided by a count of the whole
// batch that the caller passes in, so that micro-batches add up to the batch. Beside
// the loss it returns a vector of statistics, which are added up in the same way.
//
//	in: what the caller of [Learner.Step] gives for a micro-batch → loss [], stats [k]
type Loss func(d decoder.Decoder, in []*Node) (loss, stats *Node)

// A Learner improves the weights of a network against one loss: all of them, or where the
// network has an adapter that alone, so that no scalar head learns then. The scalar heads of
// [Config.Scalars] are a part with a clip, a number of steps and, in [Learner.PrepareHeads],
// a rate of its own. On a backend of several devices it shards its micro-batches over all of
// them; see [OpenBackend].
type Learner struct {
	Net     *network.Net
	adam    AdamW
	learns  []int // which of the network's tensors learn; moments are of these alone
	heads   bool  // some of them are scalar heads
	measure *device.Exec
	grad    *device.Exec
	add     *device.Exec
	apply   *device.Exec
	m, v    []*backend.Tensor // first and second moments
	masters []*backend.Tensor // f32, of weights that are stored as bfloat16; nil of the others
	mesh    *mesh             // nil: one device
	large   bool              // it is counted among those that hold memory
	steps   [2]int            // updates applied: to the network, and to its scalar heads
	skipped int               // updates left out
}

// NewLearner prepares a learner of a loss of its own; nothing is compiled before the
// first step.
func NewLearner(n *network.Net, loss Loss, a AdamW) *Learner { return NewObjective(loss).Learner(n, a) }

// Learner prepares a learner; nothing is compiled before the first step.
func (o *Objective) Learner(n *network.Net, a AdamW) *Learner {
	a.Beta1, a.Beta2 = cmp.Or(a.Beta1, 0.9), cmp.Or(a.Beta2, 0.95)
	a.Eps, a.MaxNorm = cmp.Or(a.Eps, 1e-8), cmp.Or(a.MaxNorm, 1)
	l := &Learner{Net: n, adam: a}
	for i, s := range n.Specs() {
		if n.Config.LoRA.On() && !s.Adapter() {
			continue
		}
		l.learns = append(l.learns, i)
		l.m = append(l.m, backend.Floats(make([]float32, s.Size()), s.Dims...))
		l.v = append(l.v, backend.Floats(make([]float32, s.Size()), s.Dims...))
		var master *backend.Tensor
		if n.Config.BF16Stored(s) {
			master = backend.Floats(device.Values(n.Weights()[i]), s.Dims...)
		}
		l.masters = append(l.masters, master)
	}
	// What is compiled must not hold on to the network, so it refers to none.
	config, specs, learns := n.Config, n.Specs(), l.learns
	trained := make([]trainable, len(learns))
	for k, i := range learns {
		trained[k] = trainable{specs[i], l.masters[k] != nil, part(specs[i])}
		l.heads = l.heads || specs[i].Scalar()
	}
	losses := func(in []*Node) (decoder.Decoder, []*Node) {
		d, rest := config.Bind(in)
		total, stats := o.loss(d, rest)
		total.AssertDims()
		stats.AssertRank(1)
		return d, []*Node{total, stats}
	}
	gradient := func(in []*Node) []*Node {
		d, out := losses(in)
		var nodes []*Node
		for _, i := range learns {
			nodes = append(nodes, d.Weights[specs[i].Name])
		}
		return append(out, Gradient(out[0], nodes...)...)
	}
	update := func(in []*Node) []*Node { return a.update(trained, in) }
	b, of := n.Backend(), []any{a, trained}
	if l.large = n.Large(); l.large {
		malloc.Hold(1)
	}
	if l.mesh = newMesh(b); l.mesh != nil {
		m := l.mesh
		m.gradient = func(kinds string) *device.Exec {
			return o.grads.GetFunc(b, config, "gradient on a mesh, "+kinds, func() *device.Exec { return m.exec("gradient", len(specs), kinds, gradient) })
		}
		m.add = device.Shared.GetFunc(b, len(trained), "accumulate on a mesh", func() *device.Exec { return m.exec("accumulate", 1, "", addPairs) })
		m.apply = device.Shared.GetFunc(b, of, "AdamW on a mesh", func() *device.Exec { return m.exec("AdamW", 1, "", update) })
		return l
	}
	l.measure = o.grads.Get(b, config, "loss", func(in []*Node) []*Node {
		_, out := losses(in)
		return out
	})
	l.grad = o.grads.Get(b, config, "gradient", gradient)
	l.add = device.Shared.Get(b, len(trained), "accumulate", addPairs)
	l.apply = device.Shared.Get(b, of, "AdamW", update)
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

// Measure is [Learner.Step] without the update: it changes nothing, and its norm stays 0. No
// gradient is computed, but where the graph of the gradient, which other steps want too, is
// cheaper than one more to compile: of a small network on XLA, and on several devices.
func (l *Learner) Measure(batches [][]*backend.Tensor) (stat Stat, err error) {
	defer device.Free(batches...)
	err = device.Guard(func() (err error) {
		var sums [][]*backend.Tensor
		if l.mesh == nil && (!device.IsXLA(l.Net.Backend()) || l.Net.Large()) {
			stat, sums, err = l.run(l.measure, batches)
		} else {
			stat, sums, err = l.gradients(batches)
		}
		device.Free(sums...)
		return err
	})
	return stat, err
}

// gradients runs the loss and its gradient on micro-batches. The sums are the caller's to free.
func (l *Learner) gradients(batches [][]*backend.Tensor) (stat Stat, sums [][]*backend.Tensor, err error) {
	if l.mesh != nil {
		return l.meshGradients(batches)
	}
	return l.run(l.grad, batches)
}

// run runs a graph on micro-batches, two at a time, and adds up the gradients of each lane,
// so that memory does not grow with their number. The sums, one or two, are the caller's to
// free, after an error too.
func (l *Learner) run(graph *device.Exec, batches [][]*backend.Tensor) (stat Stat, sums [][]*backend.Tensor, err error) {
	outs := make([][]*backend.Tensor, len(batches)) // loss and statistics
	defer func() { device.Free(outs...) }()
	sums = make([][]*backend.Tensor, min(workers, len(batches)))
	errs := make([]error, len(sums))
	var group sync.WaitGroup
	for k := range sums {
		group.Go(func() {
			errs[k] = device.Guard(func() error {
				for i := k; i < len(batches); i += workers {
					out, err := graph.Call(l.Net.Weights(), batches[i])
					if err != nil {
						return err
					}
					outs[i] = out[:2]
					if sums[k], err = l.accumulate(sums[k], out[2:]); err != nil {
						return err
					}
				}
				return nil
			})
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
func (s *Stat) read(out []*backend.Tensor) {
	s.Loss += float64(device.Values(out[0])[0])
	stats := device.Values(out[1])
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
func (l *Learner) accumulate(sum, more []*backend.Tensor) ([]*backend.Tensor, error) {
	if len(sum) == 0 {
		return more, nil
	}
	defer device.Free(sum, more)
	return l.add.Call(sum, more)
}

// addPairs is the graph of accumulate: x₁ … xₙ, y₁ … yₙ → x₁+y₁ … xₙ+yₙ.
func addPairs(in []*Node) (out []*Node) {
	n := len(in) / 2
	for i, x := range in[:n] {
		out = append(out, Add(x, in[n+i]))
	}
	return out
}

// Close frees the moments. The network stays.
func (l *Learner) Close() {
	if l.large {
		l.large = false
		defer malloc.Hold(-1)
	}
	device.Free(l.m, l.v, l.masters)
	l.m, l.v, l.masters = nil, nil, nil
	if l.mesh != nil {
		l.mesh.close()
	}
}
