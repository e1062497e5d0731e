package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
)

// ErrBudget says that a [Meter] begins no more calls.
var ErrBudget = errors.New("agent: the token budget is spent")

// A Usage counts calls, tokens and costs.
type Usage struct {
	Calls        int     `json:"calls"`
	Retries      int     `json:"retries"`
	PromptTokens int     `json:"prompt_tokens"`
	Tokens       int     `json:"tokens"`
	Cost         float64 `json:"cost,omitempty"` // in the currency of the prices
}

func (u Usage) add(v Usage) Usage {
	return Usage{u.Calls + v.Calls, u.Retries + v.Retries, u.PromptTokens + v.PromptTokens, u.Tokens + v.Tokens, u.Cost + v.Cost}
}

// A Price is the cost of a million tokens.
type Price struct{ Prompt, Reply float64 }

// A Meter counts by role, such as "generator" or "critic". The zero Meter counts and
// stops nothing. It is safe for concurrent use.
type Meter struct {
	// Budget ends a run: once so many tokens were used, of prompts and replies, no call
	// begins. Calls in flight finish, so a little more may be used. 0: no budget.
	Budget int
	Prices map[string]Price // by role; nil: costs are not counted

	mu    sync.Mutex
	usage map[string]Usage
	total int // tokens
}

// Count returns m with its calls counted under a role.
func (t *Meter) Count(role string, m Model) Model {
	return func(ctx context.Context, r Request) (Reply, error) {
		if t.spent() {
			return Reply{}, fmt.Errorf("%w: %d tokens", ErrBudget, t.Budget)
		}
		reply, err := m(ctx, r)
		if err == nil {
			t.Add(role, reply)
		}
		return reply, err
	}
}

// Add counts a reply that was got in another way, such as from a file.
func (t *Meter) Add(role string, r Reply) {
	price := t.Prices[role]
	u := Usage{Calls: 1, Retries: r.Retries, PromptTokens: r.PromptTokens, Tokens: r.Tokens}
	u.Cost = (price.Prompt*float64(r.PromptTokens) + price.Reply*float64(r.Tokens)) / 1e6
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.usage == nil {
		t.usage = map[string]Usage{}
	}
	t.usage[role] = t.usage[role].add(u)
	t.total += r.PromptTokens + r.Tokens
}

// Usage returns what was used so far, by role.
func (t *Meter) Usage() map[string]Usage {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.usage)
}

// Total returns the sum of [Meter.Usage].
func (t *Meter) Total() (sum Usage) {
	for _, u := range t.Usage() {
		sum = sum.add(u)
	}
	return sum
}

func (t *Meter) spent() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Budget > 0 && t.total >= t.Budget
}
