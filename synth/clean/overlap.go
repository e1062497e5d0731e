package clean

import (
	"fmt"
	"maps"
	"slices"
)

// shortest is how many words a question of a test set needs to overlap with a longer one. A
// shorter question overlaps as a whole alone: many others contain "Evaluate 3!".
const shortest = 4

// A tests holds the runs of words of all test sets.
type tests struct {
	n     int
	names []string
	runs  map[uint64]uint16 // the set that a run is of
	short []int             // lengths of the questions of fewer than n words, each once, ascending
}

func readTests(sets []Set, n int) (*tests, error) {
	t := &tests{n: n, runs: map[uint64]uint16{}}
	short := map[int]bool{}
	for i, s := range sets {
		t.names = append(t.names, s.Name)
		for p, err := range s.Problems {
			if err != nil {
				return nil, fmt.Errorf("test set %s: %w", s.Name, err)
			}
			ws := words(p.Question)
			for _, h := range grams(ws, n) {
				t.runs[h] = uint16(i)
			}
			if len(ws) < n && len(ws) >= shortest {
				short[len(ws)] = true
			}
		}
	}
	t.short = slices.Sorted(maps.Keys(short))
	return t, nil
}

// overlap returns the name of a set that a question shares a run of words with.
func (t *tests) overlap(ws []string) (string, bool) {
	if len(t.runs) == 0 {
		return "", false
	}
	search := func(n int) (string, bool) {
		for _, h := range grams(ws, n) {
			if i, ok := t.runs[h]; ok {
				return t.names[i], true
			}
		}
		return "", false
	}
	if name, found := search(t.n); found {
		return name, true
	}
	for _, n := range t.short {
		if n <= len(ws) {
			if name, found := search(n); found {
				return name, true
			}
		}
	}
	return "", false
}
