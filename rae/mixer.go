package rae

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"

	"github.com/satori-go/satori/coat"
)

// A Mixer is a mixture, see [Buffer.Mix], that a program can write to a checkpoint and continue
// later, also if the buffer has changed in between.
type Mixer struct {
	buffer *Buffer
	shares Shares
	source *rand.PCG // of rng, if the Mixer can be written to a checkpoint
	rng    *rand.Rand
	cursor cursor
}

// A cursor says where a mixture is.
type cursor struct {
	Fresh    int          `json:"fresh"` // fresh starts taken
	Position int          `json:"given"` // starts yielded
	Round    []coat.Start `json:"round"` // what is left of the round
	Right    []int        `json:"right"` // what is left of the shuffled sides; see draw
	Wrong    []int        `json:"wrong"`
}

// NewMixer begins a mixture of a buffer.
func NewMixer(b *Buffer, shares Shares, seed uint64) *Mixer {
	source := rand.NewPCG(seed, 0x6d697865) // "mixe"
	return &Mixer{buffer: b, shares: shares.resolved(), source: source, rng: rand.New(source)}
}

// Position returns how many starts the Mixer has yielded.
func (m *Mixer) Position() int { return m.cursor.Position }

// Starts yields the mixture from the position of the Mixer on. Every start moves the
// position by one. fresh is read from its beginning: Starts skips those that the Mixer has
// yielded before. Between two starts the Mixer may be written to a checkpoint, and the
// buffer may be added to.
func (m *Mixer) Starts(fresh iter.Seq[coat.Start]) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		finish := func() bool { // the round
			for c := &m.cursor; len(c.Round) > 0; {
				s := c.Round[0]
				c.Round = c.Round[1:]
				c.Position++
				if !yield(s) {
					return false
				}
			}
			return true
		}
		if !finish() {
			return
		}
		if m.shares.Fresh == 0 {
			for m.begin(nil); len(m.cursor.Round) > 0; m.begin(nil) {
				if !finish() {
					return
				}
			}
			return
		}
		var starts []coat.Start
		skipped := 0
		for s := range fresh {
			if skipped < m.cursor.Fresh {
				skipped++
				continue
			}
			if starts = append(starts, s); len(starts) < int(m.shares.Fresh) {
				continue
			}
			skipped += len(starts)
			m.begin(starts)
			if starts = nil; !finish() {
				return
			}
		}
		if len(starts) > 0 {
			m.begin(starts)
			finish()
		}
	}
}

// begin makes the next round.
func (m *Mixer) begin(fresh []coat.Start) {
	m.cursor.Fresh += len(fresh)
	round := m.draw(fresh, &m.cursor.Right, m.shares.Right, m.buffer.Right, m.buffer.dropped[0])
	round = m.draw(round, &m.cursor.Wrong, m.shares.Wrong, m.buffer.Wrong, m.buffer.dropped[1])
	m.rng.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
	m.cursor.Round = round
}

// draw adds n states of a side to a round. order is what is left of the last shuffle of
// the side. A state is numbered by how many came to its side before it, and draw skips
// those that were dropped since. States that were added to the buffer come with the next
// shuffle.
func (m *Mixer) draw(round []coat.Start, order *[]int, n uint, states []coat.Start, dropped int) []coat.Start {
	for n > 0 && len(states) > 0 {
		if len(*order) == 0 {
			*order = m.rng.Perm(len(states))
			for i := range *order {
				(*order)[i] += dropped
			}
		}
		at := (*order)[0] - dropped
		*order = (*order)[1:]
		if at >= 0 {
			round = append(round, states[at])
			n--
		}
	}
	return round
}

// mixerJSON is a Mixer in a checkpoint.
type mixerJSON struct {
	Shares Shares  `json:"shares"`
	Random []byte  `json:"random"`
	Cursor cursor  `json:"place"`
	Buffer *Buffer `json:"buffer"`
}

// MarshalJSON writes the position of the mixture and its buffer, for a checkpoint.
func (m *Mixer) MarshalJSON() ([]byte, error) {
	random, err := m.source.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("rae: %w", err)
	}
	return json.Marshal(mixerJSON{m.shares, random, m.cursor, m.buffer})
}

// UnmarshalJSON goes back to what [Mixer.MarshalJSON] wrote. The buffer that the Mixer was
// made with becomes what it was then, except for its Config.Fits. Other shares are an error.
func (m *Mixer) UnmarshalJSON(data []byte) error {
	if m.buffer == nil {
		return errors.New("rae: a Mixer is read into one that NewMixer made")
	}
	j := mixerJSON{Buffer: m.buffer}
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("rae: reading a mixture: %w", err)
	}
	if j.Shares != m.shares {
		return fmt.Errorf("rae: the mixture had shares %+v, and has %+v now", j.Shares, m.shares)
	}
	if err := m.source.UnmarshalBinary(j.Random); err != nil {
		return fmt.Errorf("rae: reading a mixture: %w", err)
	}
	for _, side := range []struct {
		order []int
		most  int
	}{{j.Cursor.Right, m.buffer.dropped[0] + len(m.buffer.Right)}, {j.Cursor.Wrong, m.buffer.dropped[1] + len(m.buffer.Wrong)}} {
		for _, at := range side.order {
			if at >= side.most {
				return fmt.Errorf("rae: reading a mixture: state %d of a side that has had %d", at, side.most)
			}
		}
	}
	m.cursor = j.Cursor
	return nil
}
