// Package retry asks servers with bounded concurrency, a deadline for each attempt, and
// patience: what may go better the next time is tried again, after a wait that doubles or
// is the server's own Retry-After, a minute at most. It needs the standard library alone.
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

// longestWait is the most that is waited before another attempt.
const longestWait = time.Minute

// A Policy says how patient to be.
type Policy struct {
	MaxConcurrent int           // requests at once; 0 means 8
	Timeout       time.Duration // of one attempt; 0 means 5 minutes
	Attempts      int           // at one request; 0 means 20, a quarter of an hour of waiting
	Wait          time.Duration // before the second attempt, then doubled up to a minute; 0 means a second
}

// A Gate is a Policy made ready. It is safe for concurrent use.
type Gate struct {
	policy Policy
	room   chan struct{} // a place for each request in flight
}

// New checks a Policy.
func New(p Policy) (*Gate, error) {
	if p.MaxConcurrent < 0 || p.Timeout < 0 || p.Attempts < 0 || p.Wait < 0 {
		return nil, errors.New("MaxConcurrent, Timeout, Attempts and Wait cannot be negative")
	}
	p.MaxConcurrent = cmp.Or(p.MaxConcurrent, 8)
	p.Timeout = cmp.Or(p.Timeout, 5*time.Minute)
	p.Attempts = cmp.Or(p.Attempts, 20)
	p.Wait = cmp.Or(p.Wait, time.Second)
	return &Gate{policy: p, room: make(chan struct{}, p.MaxConcurrent)}, nil
}

// A Refused is an answer that is no success.
type Refused struct {
	Status int         // of HTTP
	Header http.Header // for Retry-After; may be nil
	Final  bool        // it will not go better, whatever the status
	Err    error       // what the server said
}

func (r *Refused) Error() string { return r.Err.Error() }
func (r *Refused) Unwrap() error { return r.Err }

// passes tells whether it may go better the next time. Refused requests (4xx) stay
// refused, but for 408, 409, 425 and 429.
func (r *Refused) passes() bool {
	switch r.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return !r.Final
	}
	return r.Status >= 500 && !r.Final
}

// Do makes attempts until one succeeds, or is [Refused] for good, or there were enough of
// them, and tells how many were made before the last. Any other error, such as that of a
// cut connection or of half a body, may be a proxy's and pass. A cancelled context is the
// error as it is.
func (g *Gate) Do(ctx context.Context, attempt func(ctx context.Context) error) (retries int, err error) {
	select {
	case g.room <- struct{}{}:
		defer func() { <-g.room }()
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

// patience tells whether it may go better the next time, and when that is.
func (g *Gate) patience(err error, attempt int) (wait time.Duration, again bool) {
	wait = min(g.policy.Wait<<min(attempt-1, 16), longestWait)
	wait = wait/2 + rand.N(wait/2+1) // so that not all come back at once
	var refused *Refused
	if !errors.As(err, &refused) {
		return wait, true
	}
	if asked, ok := retryAfter(refused.Header.Get("Retry-After")); ok {
		wait = min(asked, longestWait)
	}
	return wait, refused.passes()
}

// retryAfter reads the header: seconds, or a date.
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
