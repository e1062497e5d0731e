package model

import (
	"fmt"
	"path/filepath"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
)

const optimizerFile = "optimizer.safetensors"

// SaveState writes into a directory what [Learner.LoadState] goes on from: the moments, the
// counts of steps, the masters of bfloat16 weights, and an adapter, which [Net.Save] merges
// in.
func (l *Learner) SaveState(dir string) error {
	list, of := l.state()
	return writeSafetensors(filepath.Join(dir, optimizerFile), list, inF32, func(i int) []float32 {
		if i < len(of) {
			return device.Values(*of[i])
		}
		return []float32{float32(*l.counts()[i-len(of)])}
	})
}

// state lists the tensors of the optimiser's file, and where the learner has them: m, v and
// w, and then the [Learner.counts].
func (l *Learner) state() (list []spec, of []**Tensor) {
	add := func(prefix string, k int, t **Tensor) {
		s := l.Net.specs[l.learns[k]]
		list, of = append(list, spec{prefix + s.name, s.dims}), append(of, t)
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
		case l.Net.specs[i].adapter():
			add("w.", k, &l.Net.weights[i])
		}
	}
	for _, name := range []string{"steps", "skipped", "steps.heads"}[:len(l.counts())] {
		list = append(list, spec{name, []int{1}})
	}
	return list, of
}

// counts are the numbers of steps and of skipped ones, and where there are scalar heads of
// theirs.
func (l *Learner) counts() []*int {
	return []*int{&l.steps[0], &l.skipped, &l.steps[1]}[:1+l.parts()]
}

// LoadState goes on where [Learner.SaveState] stopped. The network is the one that was saved
// with it, or of an adapter the same base under an adapter of the same shape.
func (l *Learner) LoadState(dir string) error {
	want, of := l.state()
	list, err := readSafetensors(filepath.Join(dir, optimizerFile), want)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	err = device.Guard(func() error {
		for i, t := range of {
			device.Free([]*Tensor{*t})
			*t = backend.Floats(list[i].data, list[i].dims...)
			(*t).MustMaterializeOnDevice(l.Net.backend, true, 0)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("model: %s: %w", filepath.Join(dir, optimizerFile), err)
	}
	for i, n := range l.counts() {
		*n = int(list[len(of)+i].data[0])
	}
	if l.mesh != nil {
		l.mesh.close()
	}
	return nil
}
