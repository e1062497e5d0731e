package model

import (
	"fmt"
	"sync"

	"github.com/gomlx/gomlx/core/graph"
)

// Compiling a graph takes seconds on XLA, and a pipeline makes many networks of one
// configuration: clones, critics, checkpoints read back. What is compiled depends on the
// backend, the configuration and the function alone, so networks share it; it stays for
// the life of the process, as its backend does.
var shared programs

// programs are compiled graphs by what they were made from. The zero value is empty.
type programs struct{ list sync.Map } // of programKey → *exec

type programKey struct{ backend, of, name any }

// get is a graph, made on first use. It has to be a function of the values of of alone;
// a name stands for one function of them.
func (p *programs) get(b Backend, of any, name string, build func(in []*graph.Node) []*graph.Node) *exec {
	return p.make(b, of, name, func() *exec { return newExec(b, name, build) })
}

// make is get of a graph that is set up by its maker.
func (p *programs) make(b Backend, of any, name string, newExec func() *exec) *exec {
	key := programKey{b, describe(of), name}
	if e, ok := p.list.Load(key); ok {
		return e.(*exec)
	}
	e, _ := p.list.LoadOrStore(key, newExec())
	return e.(*exec)
}

// describe is the values of a thing as text.
func describe(of any) string {
	if c, ok := of.(Config); ok && c.BOS != nil {
		bos := *c.BOS
		c.BOS = nil // text has the address of a pointer
		return fmt.Sprintf("%+v, BOS %d", c, bos)
	}
	return fmt.Sprintf("%+v", of)
}

// An Objective is a loss with the graphs that were compiled for it: learners of one
// objective on networks of one configuration share them.
type Objective struct {
	loss  Loss
	grads programs
}

// NewObjective makes an objective of a loss. A loss that depends on numbers should take
// them as inputs, or be one of [Objectives].
func NewObjective(loss Loss) *Objective { return &Objective{loss: loss} }

// Objectives are the objectives of a loss that depends on numbers, one each for the
// numbers that were asked for.
type Objectives[K comparable] struct {
	loss func(K) Loss
	list sync.Map // of K → *Objective
}

// NewObjectives makes objectives of a loss, which has to depend on its argument alone.
func NewObjectives[K comparable](loss func(K) Loss) *Objectives[K] {
	return &Objectives[K]{loss: loss}
}

// Of is the objective of these numbers, always the same one.
func (o *Objectives[K]) Of(numbers K) *Objective {
	if one, ok := o.list.Load(numbers); ok {
		return one.(*Objective)
	}
	one, _ := o.list.LoadOrStore(numbers, NewObjective(o.loss(numbers)))
	return one.(*Objective)
}
