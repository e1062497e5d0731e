// Package malloc sets how much freed memory the C library keeps, in a program that asks for it
// with package allocator. On systems other than Linux with glibc, and without cgo, it does
// nothing.
package malloc

import "sync"

// state is the setting of the process, as the allocator itself is one for the process.
var state struct {
	sync.Mutex
	tuned   bool // the program called Tune
	cpu     bool // XLA runs on the CPU of this process
	learner int  // large learners that are open
}

// Tune allows this package to change the allocator. Where the environment sets it, those
// values stay and nothing happens.
func Tune() {
	state.Lock()
	defer state.Unlock()
	if state.tuned || environment() {
		return
	}
	state.tuned = true
	apply()
}

// UseCPU says that XLA runs on the CPU from now on: freed memory of up to 1 GiB is kept.
func UseCPU() {
	state.Lock()
	defer state.Unlock()
	if !state.cpu {
		state.cpu = true
		apply()
	}
}

// Hold counts a large learner that opens (1) or closes (-1). While there is one, all freed
// memory is kept: its calls take more than 1 GiB each.
func Hold(learners int) {
	state.Lock()
	defer state.Unlock()
	before := state.learner
	state.learner += learners
	switch {
	case !state.tuned || !state.cpu:
	case before == 0 && state.learner > 0:
		keepAll()
	case before > 0 && state.learner == 0:
		giveBack()
	}
}

// Holders returns how many large learners are open.
func Holders() int {
	state.Lock()
	defer state.Unlock()
	return state.learner
}

// apply makes the settings for what is known now.
func apply() {
	if !state.tuned || !state.cpu {
		return
	}
	keepFreed()
	if state.learner > 0 {
		keepAll()
	}
}
