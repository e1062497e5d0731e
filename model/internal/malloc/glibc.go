//go:build cgo && linux

package malloc

/*
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>

static void keepFreed(void) {
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
static void keepFreed(void) {}
static void keepAll(void) {}
static void giveBack(void) {}
#endif
*/
import "C"

import "os"

// environment tells whether the user has set the allocator in the environment.
func environment() bool {
	for _, name := range []string{"GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_",
		"MALLOC_TRIM_THRESHOLD_"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

// keepFreed has the allocator keep up to 1 GiB of what is freed. Given back to the system, its
// pages would be cleared and mapped again at each call: that was a third of the time of
// training small decoders.
func keepFreed() { C.keepFreed() }

// keepAll has the allocator keep all that is freed: a fifth of the time of training at 135
// million parameters.
func keepAll() { C.keepAll() }

// giveBack ends keepAll and gives the system what is above 1 GiB.
func giveBack() { C.giveBack() }
