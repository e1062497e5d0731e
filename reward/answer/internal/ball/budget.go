package ball

// A Budget counts the steps of a computation. A step takes about 100 nanoseconds. A
// computation that sees Over stops and returns anything.
type Budget struct {
	Limit int // of steps
	Steps int // counted so far, at most the limit
	Over  bool
}

// Step counts n steps, and at least one.
func (b *Budget) Step(n int) {
	if b.Steps += max(n, 1); b.Steps > b.Limit {
		b.Over, b.Steps = true, b.Limit
	}
}
