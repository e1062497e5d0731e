package clean

import (
	"cmp"
	"errors"
	"fmt"
	"iter"

	"github.com/satori-go/satori/coat"
)

// A Reason says why a problem is dropped.
type Reason string

// The reasons, and Kept where there is none.
const (
	Kept      Reason = ""
	Unusable  Reason = "cannot be used"
	Duplicate Reason = "near duplicate"
	Overlap   Reason = "overlaps a test set"
)

// A Verdict is a problem and whether it is kept.
type Verdict struct {
	Problem coat.Problem
	Reason  Reason
	Why     string // the id of the problem it is like, the name of the test set, or the fault
}

// A Set is a test set that must not be given away.
type Set struct {
	Name     string
	Problems iter.Seq2[coat.Problem, error]
}

// A Config says what to look for. The zero Config looks for duplicates alone.
type Config struct {
	Against []Set
	N       int // words of a run that overlaps; 0: 10

	Share float64 // of 5-word shingles that near duplicates have in common; 0: 0.7

	// Check says what is wrong with a problem, such as a reference answer that the checker
	// cannot read. Nil: nothing is.
	Check func(coat.Problem) error
}

// Problems yields each problem with a reason to drop it, or none. It stops at the first
// error of what it reads.
func Problems(in iter.Seq2[coat.Problem, error], c Config) iter.Seq2[Verdict, error] {
	c.N, c.Share = cmp.Or(c.N, 10), cmp.Or(c.Share, 0.7)
	return func(yield func(Verdict, error) bool) {
		if c.N < 1 || !(c.Share > 0 && c.Share <= 1) {
			yield(Verdict{}, errors.New("clean: N has to be positive, and Share between 0 and 1"))
			return
		}
		tests, err := readTests(c.Against, c.N)
		if err != nil {
			yield(Verdict{}, fmt.Errorf("clean: %w", err))
			return
		}
		seen := newIndex(c.Share)
		for p, err := range in {
			if err != nil {
				yield(Verdict{}, err)
				return
			}
			if !yield(judge(p, c.Check, tests, seen), nil) {
				return
			}
		}
	}
}

func judge(p coat.Problem, check func(coat.Problem) error, tests *tests, seen *index) Verdict {
	ws := words(p.Question)
	if len(ws) == 0 {
		return Verdict{p, Unusable, "the question is empty"}
	}
	if check != nil {
		if err := check(p); err != nil {
			return Verdict{p, Unusable, err.Error()}
		}
	}
	if name, found := tests.overlap(ws); found {
		return Verdict{p, Overlap, name}
	}
	if id, found := seen.add(p.ID, ws); found {
		return Verdict{p, Duplicate, id}
	}
	return Verdict{Problem: p}
}

// A Report counts verdicts.
type Report struct {
	Read    int            `json:"read"`
	Kept    int            `json:"kept"`
	Dropped map[Reason]int `json:"dropped,omitempty"`
	Sets    map[string]int `json:"sets,omitempty"` // overlaps by test set
}

// Add counts one verdict.
func (r *Report) Add(v Verdict) {
	r.Read++
	if v.Reason == Kept {
		r.Kept++
		return
	}
	if r.Dropped == nil {
		r.Dropped, r.Sets = map[Reason]int{}, map[string]int{}
	}
	r.Dropped[v.Reason]++
	if v.Reason == Overlap {
		r.Sets[v.Why]++
	}
}
