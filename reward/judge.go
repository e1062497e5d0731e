package reward

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/satori-go/satori/coat"
)

// Judge runs a check on every attempt and returns the attempts with their outcomes, in
// order. It runs at most parallel checks at a time (0: one a processor). Score and Tokens
// of the results are 0; a caller who knows them sets them.
//
// A check that fails, panics or gives neither 0 nor 1 ends the judging with a
// [*ScoreError]. The error names the first attempt in order that failed, whichever
// failed first in time. A check that returns because its context ended did not fail.
func Judge(ctx context.Context, check Func, attempts []coat.Attempt, parallel int) ([]coat.Judged, error) {
	if check == nil {
		return nil, errors.New("reward: Judge got no check")
	}
	if parallel < 0 {
		return nil, fmt.Errorf("reward: parallel is %d, want 0 or more", parallel)
	}
	judged := make([]coat.Judged, len(attempts))
	at, err := each(ctx, len(attempts), parallel, func(ctx context.Context, i int) error {
		outcome, err := check.Verdict(ctx, attempts[i])
		judged[i] = coat.Judged{Attempt: attempts[i], Outcome: outcome}
		return err
	})
	switch {
	case err == nil:
		return judged, nil
	case at < 0:
		return nil, fmt.Errorf("reward: judging %d attempts: %w", len(attempts), err)
	}
	return nil, &ScoreError{Attempt: at, Problem: attempts[at].Start.Problem.ID, Err: err}
}

// errGoexit is work that runtime.Goexit ended, as testing.T.FailNow does.
var errGoexit = errors.New("ended its goroutine")

// each runs work for 0 to n−1, at most parallel of them at a time (0: one a processor),
// and waits for all that it began. It begins nothing more after the first failure, and
// ends the context of what runs. A panic is a failure.
//
// It returns the lowest index that failed and its error. Work that returns
// context.Canceled after another failed did not fail itself. Where the context of the
// caller ended and nothing else failed the index is −1.
func each(ctx context.Context, n, parallel int, work func(ctx context.Context, i int) error) (at int, err error) {
	if parallel == 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var next, first atomic.Int64 // the next index to begin; the first one to fail, in time, counted from 1
	errs := make([]error, n)
	var workers sync.WaitGroup
	for range min(parallel, n) {
		workers.Go(func() {
			for inner.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				errs[i] = errGoexit
				if errs[i] = guarded(inner, i, work); errs[i] != nil {
					first.CompareAndSwap(0, int64(i)+1)
					cancel()
				}
			}
		})
	}
	workers.Wait()

	began := min(int(next.Load()), n)
	for i, err := range errs[:began] {
		stopped := errors.Is(err, context.Canceled) || ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded)
		if err != nil && (!stopped || ctx.Err() == nil && int(first.Load()) == i+1) {
			return i, err
		}
	}
	if began < n || ctx.Err() != nil && errors.Join(errs...) != nil {
		return -1, context.Cause(ctx)
	}
	return -1, nil
}

// guarded runs work with its panic as an error.
func guarded(ctx context.Context, i int, work func(ctx context.Context, i int) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return work(ctx, i)
}
