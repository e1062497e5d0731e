package train

import (
	"sync"

	"github.com/satori-go/satori/model/internal/device"
)

// An Objective is a loss with the graphs that were compiled for it: learners of one
// objective on networks of one configuration share them.
type Objective struct {
	loss  Loss
	grads device.Cache
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
