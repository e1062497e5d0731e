package train

import (
	"fmt"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

// StateSpecs lists the tensors that a learner needs to continue after a restart, beside the weights
// of its network: the moments, the master weights of weights stored as bfloat16, an adapter (a
// saved network has it merged in), and the counts of steps.
func (l *Learner) StateSpecs() []decoder.Spec {
	list, _ := l.state()
	return list
}

// StateTensor returns the i-th tensor of [Learner.StateSpecs].
func (l *Learner) StateTensor(i int) []float32 {
	_, of := l.state()
	if i < len(of) {
		return device.Values(*of[i])
	}
	return []float32{float32(*l.counts()[i-len(of)])}
}

// SetState sets the tensors of [Learner.StateSpecs], in their order. The network has to be the one
// that was saved with them, or the same base under an adapter of the same shape.
func (l *Learner) SetState(values [][]float32) error {
	want, of := l.state()
	if len(values) != len(want) {
		return fmt.Errorf("the state has %d tensors, want %d", len(values), len(want))
	}
	err := device.Guard(func() error {
		for i, t := range of {
			device.Free([]*backend.Tensor{*t})
			*t = backend.Floats(values[i], want[i].Dims...)
			(*t).MustMaterializeOnDevice(l.Net.Backend(), true, 0)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, n := range l.counts() {
		*n = int(values[len(of)+i][0])
	}
	if l.mesh != nil {
		l.mesh.close()
	}
	return nil
}

// state lists the tensors of the state, and where the learner has them: m, v and w. The last
// tensors are [Learner.counts].
func (l *Learner) state() (list []decoder.Spec, of []**backend.Tensor) {
	add := func(prefix string, k int, t **backend.Tensor) {
		s := l.Net.Specs()[l.learns[k]]
		list, of = append(list, decoder.Spec{Name: prefix + s.Name, Dims: s.Dims}), append(of, t)
	}
	for k := range l.learns {
		add("m.", k, &l.m[k])
	}
	for k := range l.learns {
		add("v.", k, &l.v[k])
	}
	for k, i := range l.learns {
		switch {
		case l.masters[k] != nil:
			add("w.", k, &l.masters[k])
		case l.Net.Specs()[i].Adapter():
			add("w.", k, &l.Net.Weights()[i])
		}
	}
	for _, name := range []string{"steps", "skipped", "steps.heads"}[:len(l.counts())] {
		list = append(list, decoder.Spec{Name: name, Dims: []int{1}})
	}
	return list, of
}

// counts lists the counts of steps, of skipped ones, and where scalar heads learn of their steps.
func (l *Learner) counts() []*int {
	return []*int{&l.steps[0], &l.skipped, &l.steps[1]}[:1+l.groups]
}
