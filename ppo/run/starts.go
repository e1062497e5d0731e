package run

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"

	"github.com/satori-go/satori/coat"
)

// A positioner keeps its own position in a stream of starts: how many it has given out.
type positioner interface{ Position() int }

// A position says how far a stream has been taken.
type position struct {
	Starts int    `json:"starts"` // taken
	Digest string `json:"digest"` // of all of them, in order
}

// add counts a start that was taken.
func (p *position) add(s coat.Start) {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q %q %q %q %d", p.Digest, s.Problem.ID, s.Problem.Question, s.Problem.Answer, s.Prefix.String(), uint8(s.Prior))
	if s.Problem.Actions != (coat.Actions{}) { // the paper's set adds nothing, as in digests of earlier versions
		fmt.Fprintf(h, " %q", s.Problem.Actions.Tokens())
	}
	p.Starts, p.Digest = p.Starts+1, hex.EncodeToString(h.Sum(nil)[:8])
}

// A stream gives the starts of a run, and counts those that were taken.
type stream struct {
	at   position
	next func() (coat.Start, bool)
	stop func()
}

func newStream(starts iter.Seq[coat.Start]) *stream {
	s := new(stream)
	s.next, s.stop = iter.Pull(starts)
	return s
}

// rest yields what has not been taken.
func (s *stream) rest(yield func(coat.Start) bool) {
	for {
		start, ok := s.next()
		if !ok {
			return
		}
		s.at.add(start)
		if !yield(start) {
			return
		}
	}
}

// skip passes over the starts that were taken before, and compares them with those that were
// taken then. Earlier versions wrote no digest.
func (s *stream) skip(was position) error {
	for s.at.Starts < was.Starts {
		start, ok := s.next()
		if !ok {
			return fmt.Errorf("the stream of starts has ended after %d; the run took %d before", s.at.Starts, was.Starts)
		}
		s.at.add(start)
	}
	if was.Digest != "" && s.at.Digest != was.Digest {
		return errors.New("the first " + fmt.Sprint(was.Starts) + " starts of the stream are not those that the run took before; " +
			"give Train the same stream from its beginning, and attach a value that keeps its own position, such as a rae.Mixer, in Run.Attach")
	}
	return nil
}
