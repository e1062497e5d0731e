package rae

import (
	"encoding/json"
	"fmt"

	"github.com/satori-go/satori/coat"
)

// Age makes every state older by one, and drops those older than Config.MaxAge. A loop
// that adds to the buffer calls it once an iteration, after adding.
func (b *Buffer) Age() {
	if b.Config.MaxAge <= 0 {
		return
	}
	if len(b.marks) == b.Config.MaxAge {
		b.drop(0, b.marks[0][0]-b.dropped[0])
		b.drop(1, b.marks[0][1]-b.dropped[1])
		b.marks = b.marks[1:]
	}
	b.marks = append(b.marks, [2]int{b.dropped[0] + len(b.Right), b.dropped[1] + len(b.Wrong)})
}

// drop removes the oldest n states of a side, 0 for D+ and 1 for D−.
func (b *Buffer) drop(side, n int) {
	if n <= 0 {
		return
	}
	states := [...]*[]coat.Start{&b.Right, &b.Wrong}[side]
	clear((*states)[:n])
	*states = (*states)[n:]
	b.dropped[side] += n
	b.Counts.Dropped += n
}

// bufferJSON is a buffer in a checkpoint.
type bufferJSON struct {
	MaxBack  int          `json:"max_back"` // 0: nil; noneBack: 0
	Action   coat.Action  `json:"action,omitempty"`
	Seed     uint64       `json:"seed"`
	Capacity int          `json:"capacity"`
	MaxAge   int          `json:"max_age"`
	Right    []coat.Start `json:"right"`
	Wrong    []coat.Start `json:"wrong"`
	Counts   Counts       `json:"counts"`
	Dropped  [2]int       `json:"gone"`
	Marks    [][2]int     `json:"marks,omitempty"`
}

// noneBack is a MaxBack of 0 in a checkpoint, where 0 has always meant the default.
const noneBack = -1

// MarshalJSON writes all of a buffer but Config.Fits, for a checkpoint. A file of its
// states alone is made by [coat.WriteLines] of Right and Wrong.
func (b *Buffer) MarshalJSON() ([]byte, error) {
	back := 0
	switch n := b.Config.MaxBack; {
	case n != nil && *n == 0:
		back = noneBack
	case n != nil:
		back = *n
	}
	c := b.Config
	return json.Marshal(bufferJSON{back, c.Action, c.Seed, c.Capacity, c.MaxAge, b.Right, b.Wrong, b.Counts, b.dropped, b.marks})
}

// UnmarshalJSON reads what [Buffer.MarshalJSON] writes. Config.Fits stays as it is.
func (b *Buffer) UnmarshalJSON(data []byte) error {
	var j bufferJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("rae: reading a buffer: %w", err)
	}
	var back *int
	switch j.MaxBack {
	case 0:
	case noneBack:
		back = new(0)
	default:
		back = &j.MaxBack
	}
	c := Config{MaxBack: back, Action: j.Action, Seed: j.Seed, Capacity: j.Capacity, MaxAge: j.MaxAge, Fits: b.Config.Fits}
	*b = Buffer{Config: c, Right: j.Right, Wrong: j.Wrong, Counts: j.Counts, dropped: j.Dropped, marks: j.Marks}
	return nil
}
