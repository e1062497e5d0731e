// Package allocator lets a program keep the memory that XLA frees on a CPU, so that the next
// call finds it. A program that trains there calls [Tune] first in main. No other package of
// this library imports this one, since it changes malloc for the whole process.
//
// XLA's CPU plugin takes the working memory of each call from the C library's malloc. With
// glibc's defaults malloc gives that memory back to the system after the call, and the system
// clears and maps its pages again for the next one. At a million parameters a step of training
// takes 55,000 page faults with the defaults, and under 10,000 with the settings of this
// package. The time of these faults was a third of the time of training small models, and a
// fifth at 135 million parameters.
//
// # What it sets
//
//   - All threads share one arena, so that what one thread frees is there for the next call.
//   - From the moment on that XLA is opened on a CPU, malloc keeps up to 1 GiB of freed memory.
//   - While a learner of 20 million parameters or more is open, malloc keeps all of it.
//
// # What it costs
//
// Memory: the process stays as large as its largest call made it, or 1 GiB larger than it
// needs to be. Time: threads that allocate in C at once wait for each other.
//
// # Why a package
//
// The number of arenas has to be set before there are threads. When main begins, the Go
// runtime has started threads, and each has taken an arena that nothing takes away again:
// setting the number in main still left 37,000 page faults a step. So a program that links this
// package sets it before main, by a constructor in C. A program that does not has the defaults.
//
// Nothing is set where the environment sets the allocator (GLIBC_TUNABLES, MALLOC_ARENA_MAX and
// the like), on systems other than Linux with glibc, and without cgo.
package allocator

import "github.com/satori-go/satori/model/internal/malloc"

// Tune has malloc keep the memory that XLA frees, as the package says. It may be called before
// or after the backend is opened, and more than once.
func Tune() { malloc.Tune() }
