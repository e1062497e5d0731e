package ball

// A budget counts the steps of a computation. A step takes about a hundred nanoseconds.
// A computation that is over its limit does no more of what is asked of it.
type Budget struct {
	Limit int // of steps
	Steps int // counted so far, at most the limit
	Over  bool
}

// step counts n steps, and at least one.
func (b *Budget) Step(n int) {
	if b.Steps += max(n, 1); b.Steps > b.Limit {
		b.Over, b.Steps = true, b.Limit
	}
}
