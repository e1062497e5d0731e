package train

import (
	"cmp"
	"errors"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/buckets"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/malloc"
	"github.com/satori-go/satori/model/network"
)

// workers is the number of micro-batches that are computed side by side.
const workers = 2

// A Group is a part of a network's parameters with a learning rate, a clip and a count of steps
// of its own.
type Group int

// The groups.
const (
	Network Group = iota // all parameters but those of scalar heads; of an adapter's network the adapter
	Heads                // the scalar heads beside a language-model head
)

// Rates has the learning rate of each group of parameters. A group that it lacks is left as it
// is, its moments included.
type Rates map[Group]float64

// A Learner trains the weights of a network against one loss: all of them, or where the network
// has an adapter the adapter alone (its scalar heads do not learn then). On a backend of several
// devices it divides the rows of each micro-batch among them.
type Learner struct {
	Net     *network.Net
	loss    Loss
	adam    AdamW
	learns  []int // which of the network's tensors learn; moments are of these alone
	groups  int   // 2 where scalar heads learn, else 1
	measure *device.Exec
	grad    *device.Exec
	add     *device.Exec
	apply   *device.Exec
	m, v    []*backend.Tensor // first and second moments
	masters []*backend.Tensor // the float32 master weights of those stored as bfloat16; nil of the others
	mesh    *mesh             // nil: one device
	large   bool              // it is counted among those that hold memory
	steps   [2]int            // updates applied, by group
	skipped int               // updates left out
}

// NewLearner prepares a learner. It compiles nothing before the first step.
func NewLearner(n *network.Net, loss Loss, a AdamW) *Learner {
	a.Beta1, a.Beta2 = cmp.Or(a.Beta1, 0.9), cmp.Or(a.Beta2, 0.95)
	a.Eps, a.MaxNorm = cmp.Or(a.Eps, 1e-8), cmp.Or(a.MaxNorm, 1)
	l := &Learner{Net: n, loss: loss, adam: a, groups: 1}
	var trained []trainable
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
		trained = append(trained, trainable{s, master != nil, groupOf(s)})
		l.groups = max(l.groups, 1+int(groupOf(s)))
	}
	if l.large = buckets.Large(n.Parameters()); l.large {
		malloc.Hold(1)
	}
	l.compile(trained)
	return l
}

// compile prepares the learner's graphs. What is compiled must not hold on to the network, so it
// refers to none.
func (l *Learner) compile(trained []trainable) {
	config, specs, learns, loss := l.Net.Config, l.Net.Specs(), l.learns, l.loss
	losses := func(in []*Node) []*Node { return loss.nodes(config.Bind(in)) }
	gradient := func(in []*Node) []*Node {
		d, in := config.Bind(in)
		out := loss.nodes(d, in)
		var nodes []*Node
		for _, i := range learns {
			nodes = append(nodes, d.Weights[specs[i].Name])
		}
		return append(out, Gradient(out[0], nodes...)...)
	}
	adam := l.adam
	update := func(in []*Node) []*Node { return adam.update(trained, in) }
	b, of, cache := l.Net.Backend(), []any{adam, trained}, loss.cache()
	if l.mesh = newMesh(b); l.mesh != nil {
		m := l.mesh
		m.gradient = func(sharded string) *device.Exec {
			return cache.GetFunc(b, config, "gradient on a mesh, "+sharded, func() *device.Exec {
				return m.exec("gradient", len(specs), sharded, gradient)
			})
		}
		m.add = device.Shared.GetFunc(b, len(trained), "accumulate on a mesh", func() *device.Exec {
			return m.exec("accumulate", 1, "", addPairs)
		})
		m.apply = device.Shared.GetFunc(b, of, "AdamW on a mesh", func() *device.Exec { return m.exec("AdamW", 1, "", update) })
		return
	}
	l.measure = cache.Get(b, config, "loss", losses)
	l.grad = cache.Get(b, config, "gradient", gradient)
	l.add = device.Shared.Get(b, len(trained), "accumulate", addPairs)
	l.apply = device.Shared.Get(b, of, "AdamW", update)
}

// Steps counts the updates applied, those of the run before [Learner.SetState] included.
func (l *Learner) Steps() int { return l.steps[Network] }

// Skipped counts the updates left out because the gradient was not finite, likewise.
func (l *Learner) Skipped() int { return l.skipped }

// A Stat holds what one step reports.
type Stat struct {
	Loss         float64
	GradNorm     float64     // of the gradient of [Network], before clipping
	HeadGradNorm float64     // of the gradient of [Heads], before clipping
	Stats        []float64   // the statistics of the loss, summed over the micro-batches
	Rows         [][]float64 // the statistics of each row, in the order of the batch
	Tokens       int         // of the batch, without padding
	Diverged     bool        // the gradient was not finite and the step was left out
}

// Measure computes the loss of a batch and its statistics, and changes nothing. The norms stay
// 0. It uses the graph of the loss alone, except on small XLA networks and on several devices,
// where it uses the graph of the gradient: steps need that too, and one compilation less is
// worth more.
func (l *Learner) Measure(b Batch) (stat Stat, err error) {
	err = l.packed(b, func(p packed) error {
		var sums [][]*backend.Tensor
		if l.mesh == nil && (!device.IsXLA(l.Net.Backend()) || buckets.Large(l.Net.Parameters())) {
			stat, sums, err = l.run(l.measure, p)
		} else {
			stat, sums, err = l.gradients(p)
		}
		device.Free(sums...)
		return err
	})
	stat.Tokens = b.tokens()
	return stat, err
}

// packed calls f with a batch on the device, and frees it.
func (l *Learner) packed(b Batch, f func(packed) error) error {
	return device.Guard(func() error {
		p, err := b.pack(l.Net)
		if err != nil {
			return err
		}
		defer device.Free(p.inputs...)
		return f(p)
	})
}

// gradients runs the loss and its gradient on micro-batches. The caller frees the sums.
func (l *Learner) gradients(p packed) (stat Stat, sums [][]*backend.Tensor, err error) {
	if l.mesh != nil {
		return l.meshGradients(p)
	}
	return l.run(l.grad, p)
}

// run runs a graph on micro-batches, two at a time, and adds up the gradients of each worker, so
// that memory does not grow with the number of micro-batches. The caller frees the sums, one or
// two, after an error too.
func (l *Learner) run(graph *device.Exec, p packed) (stat Stat, sums [][]*backend.Tensor, err error) {
	outs := make([][]*backend.Tensor, len(p.inputs)) // the results of the loss
	defer func() { device.Free(outs...) }()
	sums = make([][]*backend.Tensor, min(workers, len(p.inputs)))
	errs := make([]error, len(sums))
	var group sync.WaitGroup
	for k := range sums {
		group.Go(func() {
			errs[k] = device.Guard(func() error {
				for i := k; i < len(p.inputs); i += workers {
					out, err := graph.Call(l.Net.Weights(), p.inputs[i])
					if err != nil {
						return err
					}
					outs[i] = out[:terms]
					if sums[k], err = l.accumulate(sums[k], out[terms:]); err != nil {
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
	for i, out := range outs {
		stat.read(out, p.order[i])
	}
	return stat, sums, nil
}

// read adds the results of a loss on a micro-batch, whose rows are those of the batch with these
// numbers.
func (s *Stat) read(out []*backend.Tensor, order []int) {
	s.Loss += float64(device.Values(out[0])[0])
	stats, rows := device.Values(out[1]), device.Values(out[2])
	if s.Stats == nil {
		s.Stats = make([]float64, len(stats))
	}
	for k, x := range stats {
		s.Stats[k] += float64(x)
	}
	each := len(rows) / len(order)
	for at, i := range order {
		if i < 0 {
			continue
		}
		for len(s.Rows) <= i {
			s.Rows = append(s.Rows, nil)
		}
		s.Rows[i] = make([]float64, each)
		for k := range each {
			s.Rows[i][k] = float64(rows[at*each+k])
		}
	}
}

// accumulate adds gradients to a sum, and frees both.
func (l *Learner) accumulate(sum, more []*backend.Tensor) ([]*backend.Tensor, error) {
	if len(sum) == 0 {
		return more, nil
	}
	defer device.Free(sum, more)
	return l.add.Call(sum, more)
}

// addPairs builds the graph of accumulate: x₁ … xₙ, y₁ … yₙ → x₁+y₁ … xₙ+yₙ.
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
