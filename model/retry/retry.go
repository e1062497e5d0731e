// Package retry sends requests to a server: a limited number at a time, with a deadline for
// each attempt, and again after a fault that may pass. Before another attempt it waits, for a
// time that doubles or that the server names in Retry-After, a minute at most. It needs the
// standard library alone.
package retry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// longestWait bounds the wait before another attempt.
const longestWait = time.Minute

// A Policy says how many requests run at once, and how often and how long one is tried.
type Policy struct {
	MaxConcurrent int           // requests at once; 0: 8
	Timeout       time.Duration // of one attempt; 0: 5 minutes
	Attempts      int           // at one request; 0: 20, a quarter of an hour of waiting
	Wait          time.Duration // before the second attempt, then doubled up to a minute; 0: a second
}

// A Gate runs requests by a [Policy]. It is safe for concurrent use.
type Gate struct {
	policy Policy
	slots  chan struct{} // one for each request that runs
}

// New makes a Gate of a policy, which it checks.
func New(p Policy) (*Gate, error) {
	if p.MaxConcurrent < 0 || p.Timeout < 0 || p.Attempts < 0 || p.Wait < 0 {
		return nil, errors.New("MaxConcurrent, Timeout, Attempts and Wait cannot be negative")
	}
	p.MaxConcurrent = cmp.Or(p.MaxConcurrent, 8)
	p.Timeout = cmp.Or(p.Timeout, 5*time.Minute)
	p.Attempts = cmp.Or(p.Attempts, 20)
	p.Wait = cmp.Or(p.Wait, time.Second)
	return &Gate{policy: p, slots: make(chan struct{}, p.MaxConcurrent)}, nil
}

// A Refused is the error of an attempt that the server answered with anything but success.
// [Gate.Do] decides by it whether another attempt makes sense.
type Refused struct {
	Status int         // of HTTP
	Header http.Header // for Retry-After; may be nil
	Final  bool        // another attempt would fail too, whatever the status
	Err    error       // what the server said
}

// Error returns the message of Err.
func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap returns Err.
func (r *Refused) Unwrap() error { return r.Err }

// passes tells whether another attempt may succeed: after a status of 500 and more, and after
// 408, 409, 425 and 429.
func (r *Refused) passes() bool {
	switch r.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return !r.Final
	}
	return r.Status >= 500 && !r.Final
}

// Do makes attempts until one succeeds, until one fails with a [Refused] that will not pass,
// or until the policy's number is reached. It returns the number of attempts before the last.
// Every error other than Refused counts as one that may pass: a cut connection or half a body
// may be the fault of a proxy. When the context ends, Do returns its error unchanged.
func (g *Gate) Do(ctx context.Context, attempt func(ctx context.Context) error) (retries int, err error) {
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for n := 1; ; n++ {
		err := g.once(ctx, attempt)
		if err == nil {
			return n - 1, nil
		}
		if ctx.Err() != nil {
			return n - 1, ctx.Err()
		}
		wait, again := g.patience(err, n)
		if !again || n >= g.policy.Attempts {
			return n - 1, fmt.Errorf("attempt %d of %d: %w", n, g.policy.Attempts, err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return n - 1, ctx.Err()
		}
	}
}

func (g *Gate) once(ctx context.Context, attempt func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, g.policy.Timeout)
	defer cancel()
	err := attempt(ctx)
	if err != nil && ctx.Err() == context.DeadlineExceeded {
		return fmt.Errorf("no answer within %v", g.policy.Timeout)
	}
	return err
}

// patience tells whether to make another attempt, and how long to wait before it.
func (g *Gate) patience(err error, attempt int) (wait time.Duration, again bool) {
	wait = min(g.policy.Wait<<min(attempt-1, 16), longestWait)
	wait = wait/2 + rand.N(wait/2+1) // so that not all requests come back at once
	var refused *Refused
	if !errors.As(err, &refused) {
		return wait, true
	}
	if asked, ok := retryAfter(refused.Header.Get("Retry-After")); ok {
		wait = min(asked, longestWait)
	}
	return wait, refused.passes()
}

// retryAfter reads the header of this name, which holds seconds or a date.
func retryAfter(header string) (time.Duration, bool) {
	if header = strings.TrimSpace(header); header == "" {
		return 0, false
	}
	if seconds, err := time.ParseDuration(header + "s"); err == nil && seconds >= 0 {
		return seconds, true
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, time.Until(at)), true
	}
	return 0, false
}
