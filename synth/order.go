package synth

import (
	"context"
	"iter"
	"sync"
)

// inOrder works on n values of in at once and yields the results in the order of
// in, up to the first error. It reads in from the goroutine that ranges. Its own
// goroutines have ended when the range statement ends.
func inOrder[In, Out any](ctx context.Context, in iter.Seq[In], n int, work func(context.Context, In) (Out, error)) iter.Seq2[Out, error] {
	type result struct {
		out Out
		err error
	}
	return func(yield func(Out, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()

		var queue []chan result // oldest first
		oldest := func() bool {
			r := <-queue[0]
			queue = queue[1:]
			return yield(r.out, r.err) && r.err == nil
		}
		for v := range in {
			if len(queue) == n && !oldest() {
				return
			}
			done := make(chan result, 1)
			queue = append(queue, done)
			running.Go(func() {
				out, err := work(ctx, v)
				done <- result{out, err}
			})
		}
		for len(queue) > 0 {
			if !oldest() {
				return
			}
		}
	}
}
