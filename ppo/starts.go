package ppo

import (
	"iter"
	"math/rand/v2"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model/sampler"
)

// Cycle yields fresh starts of the problems without end, each time through them in another
// order.
func Cycle(problems []coat.Problem, seed uint64) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		for round := uint64(0); len(problems) > 0; round++ {
			for _, i := range rand.New(rand.NewPCG(sampler.FoldIn(seed, round), 0x656e646c)).Perm(len(problems)) { // "endl"
				if !yield(coat.Start{Problem: problems[i]}) {
					return
				}
			}
		}
	}
}

// Skip passes over the first n starts of a stream: those that were taken before. An
// iteration takes RolloutBatch/NumGenerations of them.
func Skip(starts iter.Seq[coat.Start], n int) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		skipped := 0
		for s := range starts {
			if skipped < n {
				skipped++
				continue
			}
			if !yield(s) {
				return
			}
		}
	}
}
