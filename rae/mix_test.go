package rae_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/rae"
)

// name tells which start it is: "f3", "r0", "w2".
func name(s coat.Start) string {
	return string("frw"[map[coat.Outcome]int{coat.Unknown: 0, coat.Right: 1, coat.Wrong: 2}[s.Prior]]) + s.Problem.ID
}

func starts(n int, prior coat.Outcome) []coat.Start {
	all := make([]coat.Start, n)
	for i := range all {
		all[i] = coat.Start{Problem: coat.Problem{ID: fmt.Sprint(i), Question: "q", Answer: "a"}, Prior: prior}
		if prior != coat.Unknown {
			all[i].Prefix = coat.Trace{{Text: "a \"b\"\n"}, {Action: coat.Reflect}}
		}
	}
	return all
}

func take(n int, from iter.Seq[coat.Start]) (names []string) {
	for s := range from {
		if names = append(names, name(s)); len(names) == n {
			break
		}
	}
	return names
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// The paper's union: as many fresh starts as states on each side, each once.
func TestMixUnion(t *testing.T) {
	b := rae.Buffer{Right: starts(50, coat.Right), Wrong: starts(50, coat.Wrong)}
	got := take(-1, b.Mix(slices.Values(starts(50, coat.Unknown)), rae.Shares{}, seeded(1)))
	if len(got) != 150 {
		t.Fatalf("%d starts, want 150", len(got))
	}
	for i := 0; i < len(got); i += 3 {
		kinds := []byte{got[i][0], got[i+1][0], got[i+2][0]}
		if slices.Sort(kinds); string(kinds) != "frw" {
			t.Fatalf("round %v", got[i:i+3])
		}
	}
	var fresh, right []string
	for _, n := range got {
		switch n[0] {
		case 'f':
			fresh = append(fresh, n)
		case 'r':
			right = append(right, n)
		}
	}
	for i, n := range fresh {
		if n != fmt.Sprint("f", i) {
			t.Fatalf("fresh starts are out of order: %v", fresh)
		}
	}
	if slices.IsSorted(right) {
		t.Error("D+ is not shuffled")
	}
	if slices.Sort(got); len(slices.Compact(got)) != 150 {
		t.Error("some start occurs twice")
	}
}

func TestMixSeed(t *testing.T) {
	b := rae.Buffer{Right: starts(9, coat.Right), Wrong: starts(9, coat.Wrong)}
	mix := func(seed uint64) []string {
		return take(-1, b.Mix(slices.Values(starts(30, coat.Unknown)), rae.Shares{2, 1, 1}, seeded(seed)))
	}
	if !slices.Equal(mix(1), mix(1)) || slices.Equal(mix(1), mix(2)) {
		t.Error("the order does not follow the seed")
	}
}

func TestMixShares(t *testing.T) {
	forever := func(yield func(coat.Start) bool) {
		for {
			for _, s := range starts(7, coat.Unknown) {
				if !yield(s) {
					return
				}
			}
		}
	}
	for _, c := range []struct {
		name                string
		fresh               iter.Seq[coat.Start]
		right, wrong        int // on each side of the buffer
		shares              rae.Shares
		length              int // -1: endless
		nFresh, nRigh, nWro int // of the first 600, or of all
	}{
		{"endless", forever, 5, 3, rae.Shares{}, -1, 200, 200, 200},
		{"three fresh", forever, 5, 3, rae.Shares{3, 1, 1}, -1, 360, 120, 120},
		{"no right ones asked for", forever, 5, 3, rae.Shares{1, 0, 1}, -1, 300, 0, 300},
		{"no right ones there", forever, 0, 3, rae.Shares{}, -1, 300, 0, 300},
		{"empty buffer", forever, 0, 0, rae.Shares{}, -1, 600, 0, 0},
		{"no fresh ones asked for", nil, 5, 3, rae.Shares{0, 1, 2}, -1, 0, 200, 400},
		{"nothing at all", nil, 0, 0, rae.Shares{0, 1, 1}, 0, 0, 0, 0},
		{"last round is short", slices.Values(starts(7, coat.Unknown)), 5, 3, rae.Shares{3, 1, 1}, 13, 7, 3, 3},
		{"no fresh ones there", slices.Values(starts(0, coat.Unknown)), 5, 3, rae.Shares{}, 0, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := rae.Buffer{Right: starts(c.right, coat.Right), Wrong: starts(c.wrong, coat.Wrong)}
			got := take(600, b.Mix(c.fresh, c.shares, seeded(3)))
			counts := map[byte]int{}
			for _, n := range got {
				counts[n[0]]++
			}
			if c.length >= 0 && len(got) != c.length || c.length < 0 && len(got) != 600 {
				t.Errorf("%d starts, want %d", len(got), c.length)
			}
			if counts['f'] != c.nFresh || counts['r'] != c.nRigh || counts['w'] != c.nWro {
				t.Errorf("counts %v", counts)
			}
		})
	}
}

// Every state comes once before any comes twice.
func TestMixPasses(t *testing.T) {
	b := rae.Buffer{Right: starts(6, coat.Right)}
	got := take(24, b.Mix(nil, rae.Shares{Right: 1}, seeded(1)))
	for pass := range slices.Chunk(got, 6) {
		pass = slices.Clone(pass)
		if slices.Sort(pass); len(slices.Compact(pass)) != 6 {
			t.Errorf("pass %v", pass)
		}
	}
	if slices.Equal(got[:6], got[6:12]) && slices.Equal(got[:6], got[12:18]) {
		t.Error("passes are in one order")
	}
}

// States that are added while the mixture is read come with the next pass.
func TestMixAdd(t *testing.T) {
	var b rae.Buffer
	rng, n := seeded(1), 0
	var got []string
	for s := range b.Mix(slices.Values(starts(6, coat.Unknown)), rae.Shares{}, rng) {
		got = append(got, name(s))
		if n++; n == 2 {
			add(t, &b, attempt("x", "a<|continue|> b"), coat.Right, rng)
		}
	}
	if len(got) != 6+4 || slices.Contains(got[:2], "rx") {
		t.Errorf("got %v", got)
	}
}

// A share below 0, as a file of settings may have it, is an error where it is read.
func TestNegativeShare(t *testing.T) {
	var s rae.Shares
	if err := json.Unmarshal([]byte(`{"Fresh": 1, "Right": -1}`), &s); err == nil {
		t.Errorf("read %+v", s)
	}
}

func TestProblems(t *testing.T) {
	b := rae.Buffer{Right: starts(3, coat.Right), Wrong: starts(4, coat.Wrong)}
	var ids []string
	for _, p := range b.Problems() {
		ids = append(ids, p.ID)
	}
	if want := []string{"0", "1", "2", "3"}; !slices.Equal(ids, want) {
		t.Errorf("problems %v, want %v", ids, want)
	}
}
