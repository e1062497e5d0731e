package run

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/satori-go/satori/synth/agent"
)

// A call is a line of calls.jsonl.
type call struct {
	Key  string `json:"key"`
	Role string `json:"role"`
	Seed uint64 `json:"seed"`
	agent.Reply
}

// A key is a hash of a request and of the role that asks it.
type key [16]byte

func keyOf(role string, r agent.Request) (key, error) {
	data, err := json.Marshal(struct {
		Role string
		agent.Request
	}{role, r})
	sum := sha256.Sum256(data)
	return key(sum[:16]), err
}

// readCalls finds where the replies of earlier sessions are, and counts them by the meter.
// It is not needed for those of the session itself, which asks for nothing twice.
func (r *Run) readCalls() error {
	in := bufio.NewReaderSize(r.calls.Reader(), 256<<10)
	r.known = map[key]int64{}
	for at, n := int64(0), 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		var c call
		var k key
		if err == nil {
			err = json.Unmarshal(line, &c)
		}
		if err == nil {
			_, err = hex.Decode(k[:], []byte(c.Key))
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", r.path(callsFile), n, err)
		}
		r.known[k] = at
		at += int64(len(line))
		r.config.Meter.Add(c.Role, c.Reply)
	}
}

// answered returns the reply that an earlier session got.
func (r *Run) answered(k key) (reply agent.Reply, ok bool, err error) {
	at, ok := r.known[k]
	if !ok {
		return reply, false, nil
	}
	calls := r.calls.Reader()
	line, err := bufio.NewReader(io.NewSectionReader(calls, at, calls.Size()-at)).ReadBytes('\n')
	if err != nil {
		return reply, false, err
	}
	var c call
	if err := json.Unmarshal(line, &c); err != nil {
		return reply, false, err
	}
	return c.Reply, true, nil
}

// Agent returns m with its replies kept under a role, and counted by the run's meter. When
// ctx ends, a call in flight may still finish within Config.Grace, and its reply is
// written.
func (r *Run) Agent(role string, m agent.Model) agent.Model {
	m = r.config.Meter.Count(role, m)
	return func(ctx context.Context, q agent.Request) (agent.Reply, error) {
		k, err := keyOf(role, q)
		if err != nil {
			return agent.Reply{}, err
		}
		if reply, ok, err := r.answered(k); ok || err != nil {
			return reply, err
		}
		if err := ctx.Err(); err != nil {
			return agent.Reply{}, err
		}
		ctx, done := lingering(ctx, r.config.Grace)
		defer done()
		reply, err := m(ctx, q)
		if err != nil {
			return agent.Reply{}, err
		}
		return reply, r.calls.Append(call{Key: hex.EncodeToString(k[:]), Role: role, Seed: q.Seed, Reply: reply})
	}
}

// lingering makes a context that ends a while after ctx.
func lingering(ctx context.Context, by time.Duration) (context.Context, func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(by, cancel) })
	return longer, func() { stop(); cancel() }
}
