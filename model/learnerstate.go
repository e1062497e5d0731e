package model

import (
	"fmt"
	"path/filepath"
)

const optimizerFile = "optimizer.safetensors"

// SaveState writes into a directory what [Learner.LoadState] goes on from: the moments, the
// counts of steps, the masters of bfloat16 weights, and an adapter, which [Net.Save] merges
// in.
func (l *Learner) SaveState(dir string) error {
	list, of := l.state()
	return writeSafetensors(filepath.Join(dir, optimizerFile), list, inF32, func(i int) []float32 {
		switch {
		case i < len(of):
			return values(*of[i])
		case i == len(of):
			return []float32{float32(l.steps)}
		}
		return []float32{float32(l.skipped)}
	})
}

// state lists the tensors of the optimiser's file, and where the learner has them: m, v and
// w, and then the numbers of steps and of skipped ones.
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
	return append(list, spec{"steps", []int{1}}, spec{"skipped", []int{1}}), of
}

// LoadState goes on where [Learner.SaveState] stopped. The network is the one that was saved
// with it, or of an adapter the same base under an adapter of the same shape.
func (l *Learner) LoadState(dir string) error {
	want, of := l.state()
	list, err := readSafetensors(filepath.Join(dir, optimizerFile), want)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	for i, t := range of {
		free([]*Tensor{*t})
		*t = Floats(list[i].data, list[i].dims...)
		(*t).MustMaterializeOnDevice(l.Net.backend, true, 0)
	}
	l.steps, l.skipped = int(list[len(of)].data[0]), int(list[len(of)+1].data[0])
	if l.mesh != nil {
		l.mesh.close()
	}
	return nil
}
