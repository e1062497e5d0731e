package clean

import (
	"math"
	"slices"
)

// MinHash with bands × rows hashes a problem: two that share 70 % of their shingles
// are candidates with a probability of 1 − (1 − 0.7³)¹⁰ = 98.5 %, at 80 % of 99.9 %.
const (
	bands = 10
	rows  = 3
)

// An index finds what is alike among the problems that were kept.
type index struct {
	share float64
	kept  []entry
	last  map[uint64]int32 // by band: the last of those kept with this key, counted from 1
}

type entry struct {
	id       string
	shingles []uint32     // sorted
	before   [bands]int32 // the one before it with the same key, counted from 1
}

func newIndex(share float64) *index {
	return &index{share: share, last: map[uint64]int32{}}
}

// add looks for a problem like this one, and keeps it if there is none.
func (x *index) add(id string, ws []string) (like string, found bool) {
	e := entry{id: id, shingles: shingles(ws)}
	keys := bandKeys(e.shingles, hash(numbers(ws)))
	for b, k := range keys {
		e.before[b] = x.last[k]
		for i := e.before[b]; i > 0; i = x.kept[i-1].before[b] {
			if jaccard(x.kept[i-1].shingles, e.shingles) >= x.share {
				return x.kept[i-1].id, true
			}
		}
	}
	x.kept = append(x.kept, e)
	for _, k := range keys {
		x.last[k] = int32(len(x.kept))
	}
	return "", false
}

func shingles(ws []string) []uint32 {
	const size = 5 // words
	list := make([]uint32, 0, max(1, len(ws)-size+1))
	for _, h := range grams(ws, size) {
		list = append(list, uint32(h>>32))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// bandKeys joins the smallest hashes of each band and what else has to be equal.
func bandKeys(shingles []uint32, also uint64) (keys [bands]uint64) {
	for b := range keys {
		k := mix(also + uint64(b))
		for r := range rows {
			least := uint64(math.MaxUint64)
			salt := mix(uint64(b*rows + r))
			for _, s := range shingles {
				least = min(least, mix(uint64(s)^salt))
			}
			k = mix(k ^ least)
		}
		keys[b] = k
	}
	return keys
}

// jaccard computes the share of all elements that both sorted lists have.
func jaccard(a, b []uint32) float64 {
	both := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			both++
			i++
			j++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}
