//go:build cgo && linux

package allocator

/*
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>

__attribute__((constructor)) static void oneArena(void) {
	if (!getenv("MALLOC_ARENA_MAX") && !getenv("GLIBC_TUNABLES"))
		mallopt(M_ARENA_MAX, 1);
}
#endif
*/
import "C"
