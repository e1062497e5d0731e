// Command arenas links package model and says how many arenas malloc has after many threads
// have allocated at once.
package main

/*
#include <stdlib.h>
#include <string.h>
#if defined(__GLIBC__)
#include <malloc.h>
#include <stdio.h>
// arenas counts the heaps that malloc_info lists.
static int arenas(void) {
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	if (!f || malloc_info(0, f))
		return -1;
	fclose(f);
	int n = 0;
	for (char *at = text; (at = strstr(at, "<heap nr=")); at++)
		n++;
	free(text);
	return n;
}
#else
static int arenas(void) { return 0; }
#endif
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/satori-go/satori/model"
)

var _ model.Backend // links the package

func main() {
	var ready, done sync.WaitGroup
	leave := make(chan bool)
	for range 8 {
		ready.Add(1)
		done.Go(func() {
			runtime.LockOSThread() // a thread each, which ends with the goroutine
			C.free(C.malloc(100))
			ready.Done()
			<-leave
		})
	}
	ready.Wait()
	n := C.arenas()
	close(leave)
	done.Wait()
	switch n {
	case 0:
		fmt.Println("no glibc")
	case 1:
		fmt.Println("one arena")
	default:
		fmt.Println("several arenas")
	}
}
