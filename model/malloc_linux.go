//go:build cgo && linux && (amd64 || arm64)

package model

/*
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>

// How many arenas there are is settled by the first thread that needs a second one, so it
// has to be said before there are threads.
__attribute__((constructor)) static void oneArena(void) {
	if (!getenv("MALLOC_ARENA_MAX") && !getenv("GLIBC_TUNABLES"))
		mallopt(M_ARENA_MAX, 1);
}

static void keepMemory(void) {
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_TOP_PAD, 64 << 20);
}
static void keepAll(void) { mallopt(M_TRIM_THRESHOLD, -1); }
static void giveBack(void) {
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	malloc_trim(0);
}
#else
static void keepMemory(void) {}
static void keepAll(void) {}
static void giveBack(void) {}
#endif
*/
import "C"

import (
	"os"
	"sync"
)

// keepMemory has the C library hold on to up to a gigabyte of what is freed. XLA's CPU
// plugin asks for the working memory of a call anew each time; given back to the system in
// between, its pages are cleared and mapped again, which was a third of the time of
// training small decoders. Settings of the user's own in the environment stand.
var keepMemory = sync.OnceFunc(func() {
	for _, name := range []string{"GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"} {
		if os.Getenv(name) != "" {
			return
		}
	}
	kept.Lock()
	defer kept.Unlock()
	C.keepMemory()
	kept.on = true
	if kept.large > 0 {
		C.keepAll()
	}
})

func init() { holdMemory = hold }

// kept says whether keepMemory has been at work, and how many large learners there are.
var kept struct {
	sync.Mutex
	on    bool
	large int
}

// hold has the C library keep all that is freed while there are large learners, whose calls
// take more than a gigabyte each (a fifth of the time at 135 million parameters), and give
// it back when the last one is closed.
func hold(large int) {
	kept.Lock()
	defer kept.Unlock()
	before := kept.large
	kept.large += large
	switch {
	case !kept.on:
	case before == 0 && kept.large > 0:
		C.keepAll()
	case before > 0 && kept.large == 0:
		C.giveBack()
	}
}
