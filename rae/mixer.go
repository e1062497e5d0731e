package rae

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"

	"github.com/satori-go/satori/coat"
)

// A Mixer is a mixture, see [Buffer.Mix], whose place can be kept in a checkpoint and
// gone on from, whatever the buffer has become in between.
type Mixer struct {
	buffer *Buffer
	shares Shares
	source *rand.PCG // of rng, where the place is kept
	rng    *rand.Rand
	place  place
}

// A place is where a mixture stands.
type place struct {
	Fresh int          `json:"fresh"` // fresh starts taken
	Given int          `json:"given"` // starts given out
	Round []coat.Start `json:"round"` // what is left of the round
	Right []int        `json:"right"` // what is left of the decks
	Wrong []int        `json:"wrong"`
}

// NewMixer begins a mixture of a buffer. A negative share panics.
func NewMixer(b *Buffer, shares Shares, seed uint64) *Mixer {
	source := rand.NewPCG(seed, 0x6d697865) // "mixe"
	return &Mixer{buffer: b, shares: shares.resolve(), source: source, rng: rand.New(source)}
}

// Given is how many starts it has given out.
func (m *Mixer) Given() int { return m.place.Given }

// Starts is the mixture from where the Mixer stands, which moves on with every start.
// fresh is taken from its beginning: those that the Mixer has had are passed over.
// Between two starts the Mixer may be written to a checkpoint, and the buffer added to.
func (m *Mixer) Starts(fresh iter.Seq[coat.Start]) iter.Seq[coat.Start] {
	return func(yield func(coat.Start) bool) {
		give := func() bool {
			for p := &m.place; len(p.Round) > 0; {
				s := p.Round[0]
				p.Round = p.Round[1:]
				p.Given++
				if !yield(s) {
					return false
				}
			}
			return true
		}
		if !give() {
			return
		}
		if m.shares.Fresh == 0 {
			for m.deal(nil); len(m.place.Round) > 0; m.deal(nil) {
				if !give() {
					return
				}
			}
			return
		}
		var starts []coat.Start
		passed := 0
		for s := range fresh {
			if passed < m.place.Fresh {
				passed++
				continue
			}
			if starts = append(starts, s); len(starts) < m.shares.Fresh {
				continue
			}
			passed += len(starts)
			m.deal(starts)
			if starts = nil; !give() {
				return
			}
		}
		if len(starts) > 0 {
			m.deal(starts)
			give()
		}
	}
}

// deal makes a round.
func (m *Mixer) deal(fresh []coat.Start) {
	m.place.Fresh += len(fresh)
	round := m.hand(fresh, &m.place.Right, m.shares.Right, m.buffer.Right, m.buffer.gone[0])
	round = m.hand(round, &m.place.Wrong, m.shares.Wrong, m.buffer.Wrong, m.buffer.gone[1])
	m.rng.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
	m.place.Round = round
}

// hand adds n states of a side. A deck is states in random order, all of them dealt
// before any a second time; a state is known by how many came to its side before it,
// and those that have gone are passed over. States that were added to the buffer come
// with the next shuffle.
func (m *Mixer) hand(round []coat.Start, deck *[]int, n int, states []coat.Start, gone int) []coat.Start {
	for n > 0 && len(states) > 0 {
		if len(*deck) == 0 {
			*deck = m.rng.Perm(len(states))
			for i := range *deck {
				(*deck)[i] += gone
			}
		}
		at := (*deck)[0] - gone
		*deck = (*deck)[1:]
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
	Place  place   `json:"place"`
	Buffer *Buffer `json:"buffer"`
}

// MarshalJSON writes the mixture's place and its buffer, for a checkpoint.
func (m *Mixer) MarshalJSON() ([]byte, error) {
	random, err := m.source.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("rae: %w", err)
	}
	return json.Marshal(mixerJSON{m.shares, random, m.place, m.buffer})
}

// UnmarshalJSON goes on where MarshalJSON stopped: the buffer that the Mixer was made
// with becomes what it was then, but for its Config.Fits. Other shares are an error.
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
		deck []int
		most int
	}{{j.Place.Right, m.buffer.gone[0] + len(m.buffer.Right)}, {j.Place.Wrong, m.buffer.gone[1] + len(m.buffer.Wrong)}} {
		for _, at := range side.deck {
			if at >= side.most {
				return fmt.Errorf("rae: reading a mixture: state %d of a side that has had %d", at, side.most)
			}
		}
	}
	m.place = j.Place
	return nil
}
