package answer

// A budget counts the steps of a computation. A step takes about a hundred nanoseconds.
// A computation that is over its limit does no more of what is asked of it.
type budget struct {
	limit int // of steps
	steps int // counted so far, at most the limit
	over  bool
}

// step counts n steps, and at least one.
func (b *budget) step(n int) {
	if b.steps += max(n, 1); b.steps > b.limit {
		b.over, b.steps = true, b.limit
	}
}
