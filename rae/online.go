package rae

import (
	"encoding/json"
	"fmt"

	"github.com/satori-go/satori/coat"
)

// Tick makes every state older by one, and drops those older than Config.MaxAge. A loop
// that adds to the buffer calls it once an iteration, after adding.
func (b *Buffer) Tick() {
	if b.Config.MaxAge <= 0 {
		return
	}
	if len(b.marks) == b.Config.MaxAge {
		b.drop(0, b.marks[0][0]-b.gone[0])
		b.drop(1, b.marks[0][1]-b.gone[1])
		b.marks = b.marks[1:]
	}
	b.marks = append(b.marks, [2]int{b.gone[0] + len(b.Right), b.gone[1] + len(b.Wrong)})
}

// drop takes the oldest n states of a side away, 0 for D+ and 1 for D−.
func (b *Buffer) drop(side, n int) {
	if n <= 0 {
		return
	}
	states := [...]*[]coat.Start{&b.Right, &b.Wrong}[side]
	clear((*states)[:n])
	*states = (*states)[n:]
	b.gone[side] += n
	b.Counts.Dropped += n
}

// bufferJSON is a buffer in a checkpoint.
type bufferJSON struct {
	MaxBack  int          `json:"max_back"`
	Seed     uint64       `json:"seed"`
	Capacity int          `json:"capacity"`
	MaxAge   int          `json:"max_age"`
	Right    []coat.Start `json:"right"`
	Wrong    []coat.Start `json:"wrong"`
	Counts   Counts       `json:"counts"`
	Gone     [2]int       `json:"gone"`
	Marks    [][2]int     `json:"marks,omitempty"`
}

// MarshalJSON writes all of a buffer but Config.Fits, for a checkpoint. See
// [Buffer.Write] for a file of its states alone.
func (b *Buffer) MarshalJSON() ([]byte, error) {
	return json.Marshal(bufferJSON{b.Config.MaxBack, b.Config.Seed, b.Config.Capacity, b.Config.MaxAge, b.Right, b.Wrong, b.Counts, b.gone, b.marks})
}

// UnmarshalJSON reads what MarshalJSON wrote. Config.Fits stays as it is.
func (b *Buffer) UnmarshalJSON(data []byte) error {
	var j bufferJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("rae: reading a buffer: %w", err)
	}
	c := Config{MaxBack: j.MaxBack, Seed: j.Seed, Capacity: j.Capacity, MaxAge: j.MaxAge, Fits: b.Config.Fits}
	*b = Buffer{Config: c, Right: j.Right, Wrong: j.Wrong, Counts: j.Counts, gone: j.Gone, marks: j.Marks}
	return nil
}
