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
#else
static void keepMemory(void) {}
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
	C.keepMemory()
})
