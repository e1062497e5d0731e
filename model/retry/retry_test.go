package retry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func Example() {
	gate, err := New(Policy{Attempts: 3, Wait: time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	n := 0
	retries, err := gate.Do(context.Background(), func(context.Context) error {
		if n++; n < 3 {
			return &Refused{Status: http.StatusTooManyRequests, Err: errors.New("slow down")}
		}
		return nil
	})
	fmt.Println(retries, err)
	// Output: 2 <nil>
}

func TestPatience(t *testing.T) {
	gate, err := New(Policy{Attempts: 3, Wait: time.Microsecond, Timeout: time.Minute})
	require.NoError(t, err)
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("connection reset"), 3},
		{&Refused{Status: 400, Err: errors.New("no")}, 1},
		{&Refused{Status: 404, Err: errors.New("no")}, 1},
		{&Refused{Status: 408, Err: errors.New("no")}, 3},
		{&Refused{Status: 429, Err: errors.New("no")}, 3},
		{&Refused{Status: 429, Final: true, Err: errors.New("no")}, 1},
		{&Refused{Status: 500, Err: errors.New("no")}, 3},
		{&Refused{Status: 503, Header: http.Header{"Retry-After": {"0"}}, Err: errors.New("no")}, 3},
	} {
		n := 0
		retries, err := gate.Do(t.Context(), func(context.Context) error { n++; return c.err })
		if n != c.want || retries != n-1 || !errors.Is(err, c.err) || !strings.Contains(err.Error(), fmt.Sprintf("attempt %d of 3", n)) {
			t.Errorf("%v: %d attempts, %d retries, %v", c.err, n, retries, err)
		}
	}
	for header, want := range map[string]time.Duration{"2": 2 * time.Second, " 0.5 ": 500 * time.Millisecond, "Mon, 02 Jan 2006 15:04:05 GMT": 0} {
		if got, ok := retryAfter(header); !ok || got != want {
			t.Errorf("%q: %v, %t", header, got, ok)
		}
	}
	if wait, again := gate.patience(&Refused{Status: 503, Header: http.Header{"Retry-After": {"7200"}}, Err: errors.New("no")}, 1); wait != longestWait || !again {
		t.Errorf("two hours: %v, %t", wait, again)
	}
	if _, err := New(Policy{Attempts: -1}); err == nil {
		t.Error("negative: no error")
	}
}

func TestDeadlineAndContext(t *testing.T) {
	gate, err := New(Policy{Attempts: 2, Wait: time.Microsecond, Timeout: time.Millisecond})
	require.NoError(t, err)
	forever := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	if retries, err := gate.Do(t.Context(), forever); retries != 1 || err == nil || !strings.Contains(err.Error(), "no answer within 1ms") {
		t.Errorf("%d retries, %v", retries, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := gate.Do(ctx, func(context.Context) error { cancel(); return errors.New("cut") }); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := gate.Do(ctx, forever); err != context.Canceled {
		t.Errorf("cancelled before: %v", err)
	}
}

// No more than MaxConcurrent attempts are under way at once.
func TestMaxConcurrent(t *testing.T) {
	gate, err := New(Policy{MaxConcurrent: 2})
	require.NoError(t, err)
	var lock sync.Mutex
	now, most := 0, 0
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			_, err := gate.Do(t.Context(), func(context.Context) error {
				lock.Lock()
				now++
				most = max(most, now)
				lock.Unlock()
				time.Sleep(time.Millisecond)
				lock.Lock()
				now--
				lock.Unlock()
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if most > 2 {
		t.Errorf("%d at once", most)
	}
}
