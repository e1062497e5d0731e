package coat

// A Judged is an attempt that was checked. Package reward makes it once, with its function
// Judge; restart buffers, pairs, demonstrations and figures are all made from it.
type Judged struct {
	Attempt
	Outcome Outcome `json:"outcome,omitempty"`
	Score   float64 `json:"score,omitempty"`  // a reward, for those who compute one; else 0
	Tokens  int     `json:"tokens,omitempty"` // of the response, for those who know them; else 0
}

// Right reports whether the outcome is [Right].
func (j Judged) Right() bool { return j.Outcome == Right }
