package rae_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/rae"
)

// opens are the first words of states, which name their attempts.
func opens(states []coat.Start) string {
	var words []string
	for _, s := range states {
		words = append(words, s.Prefix[0].Text)
	}
	return strings.Join(words, " ")
}

// The oldest states go: one by one over the capacity, and together over the age.
func TestOnline(t *testing.T) {
	b := rae.Buffer{Config: rae.Config{Capacity: 3, MaxAge: 2}}
	rng := rand.New(rand.NewPCG(1, 1))
	put := func(prior coat.Outcome, names ...string) {
		for _, n := range names {
			if !add(t, &b, attempt(n, long(n)), prior, rng) {
				t.Fatal("not added")
			}
		}
	}
	check := func(right, wrong string, dropped int) {
		t.Helper()
		if opens(b.Right) != right || opens(b.Wrong) != wrong || b.Counts.Dropped != dropped {
			t.Fatalf("D+ %q, D- %q, %d dropped, want %q, %q, %d", opens(b.Right), opens(b.Wrong), b.Counts.Dropped, right, wrong, dropped)
		}
	}
	put(coat.Right, "a", "b")
	put(coat.Wrong, "x")
	b.Age()
	put(coat.Right, "c", "d") // a goes: four on a side
	check("b c d", "x", 1)
	b.Age()
	check("b c d", "x", 1)
	put(coat.Wrong, "y")
	b.Age() // b and x have been there for two ages and go
	check("c d", "y", 3)
	b.Age()
	check("", "y", 5)
	b.Age()
	check("", "", 6)
	put(coat.Right, "e")
	check("e", "", 6)
}

// restless is a loop that changes the buffer while its mixture is taken from: it gives
// the names of n starts from the Mixer's place on.
func restless(m *rae.Mixer, b *rae.Buffer, fresh iter.Seq[coat.Start], n int, each func(given int)) (names []string) {
	if n == 0 {
		return nil
	}
	for s := range m.Starts(fresh) {
		names = append(names, name(s)+"/"+s.Prefix.String())
		k := m.Position()
		prior := []coat.Outcome{coat.Right, coat.Wrong}[k%2]
		// What is added depends on how far the mixture is, and on nothing else.
		if _, err := b.Add(coat.Judged{Attempt: attempt(fmt.Sprint("n", k), long(fmt.Sprint(k))), Outcome: prior}, rand.New(rand.NewPCG(uint64(k), 0))); err != nil {
			panic(err)
		}
		if k%5 == 0 {
			b.Age()
		}
		each(k)
		if len(names) == n {
			break
		}
	}
	return names
}

func endlessly(yield func(coat.Start) bool) {
	for i := 0; ; i++ {
		if !yield(coat.Start{Problem: coat.Problem{ID: fmt.Sprint(i), Question: "q", Answer: "a"}}) {
			return
		}
	}
}

// A mixture of a buffer that changes, broken off anywhere and read back from JSON, goes
// on as one that was not.
func TestMixerResumes(t *testing.T) {
	for _, c := range []struct {
		config rae.Config
		shares rae.Shares
	}{
		{rae.Config{Capacity: 4, MaxAge: 3}, rae.Shares{}},
		{rae.Config{Capacity: 6}, rae.Shares{Fresh: 3, Right: 2, Wrong: 1}},
		{rae.Config{MaxAge: 1}, rae.Shares{Right: 2, Wrong: 1}},
	} {
		begin := func(config rae.Config) (*rae.Mixer, *rae.Buffer) {
			b := &rae.Buffer{Config: config, Right: starts(4, coat.Right), Wrong: starts(3, coat.Wrong)}
			return rae.NewMixer(b, c.shares, 7), b
		}
		const n = 60
		m, b := begin(c.config)
		want := restless(m, b, endlessly, n, func(int) {})
		if len(want) != n {
			t.Fatalf("%d starts", len(want))
		}
		end, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		for stop := range n {
			m, b := begin(c.config)
			got := restless(m, b, endlessly, stop, func(int) {})
			data, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			// The numbers of the buffer are the checkpoint's; what is not in it stays.
			m, b = begin(rae.Config{MaxBack: new(9), Fits: func(coat.Start) bool { return true }})
			if err := json.Unmarshal(data, m); err != nil {
				t.Fatal(err)
			}
			if b.Config.Fits == nil || b.Config.MaxBack != nil {
				t.Errorf("config %+v", b.Config)
			}
			got = append(got, restless(m, b, endlessly, n-stop, func(int) {})...)
			if !slices.Equal(got, want) {
				t.Fatalf("shares %+v, stopped after %d:\n%q\nwant\n%q", c.shares, stop, got, want)
			}
			if again, err := json.Marshal(m); err != nil || string(again) != string(end) {
				t.Fatalf("stopped after %d it ends otherwise, %v", stop, err)
			}
		}
	}
}

// Without changes a Mixer gives what Mix gives, in the same proportions.
func TestMixerShares(t *testing.T) {
	b := &rae.Buffer{Right: starts(5, coat.Right), Wrong: starts(3, coat.Wrong)}
	counts := map[byte]int{}
	for _, n := range take(600, rae.NewMixer(b, rae.Shares{}, 1).Starts(endlessly)) {
		counts[n[0]]++
	}
	if want := map[byte]int{'f': 200, 'r': 200, 'w': 200}; !reflect.DeepEqual(counts, want) {
		t.Errorf("%v, want 1:1:1 by default", counts)
	}
}

func TestMixerErrors(t *testing.T) {
	b := &rae.Buffer{Right: starts(2, coat.Right)}
	data, err := json.Marshal(rae.NewMixer(b, rae.Shares{}, 1))
	if err != nil {
		t.Fatal(err)
	}
	other := rae.NewMixer(&rae.Buffer{}, rae.Shares{Fresh: 2}, 1)
	for what, c := range map[string]struct {
		into *rae.Mixer
		data string
	}{
		"had shares": {other, string(data)},
		"NewMixer":   {new(rae.Mixer), string(data)},
		"a mixture":  {rae.NewMixer(&rae.Buffer{}, rae.Shares{}, 1), strings.Replace(string(data), `"random":"`, `"random":"AA`, 1)},
		"state 7":    {rae.NewMixer(&rae.Buffer{}, rae.Shares{}, 1), strings.Replace(string(data), `"right":null,"wrong":null}`, `"right":[7],"wrong":null}`, 1)},
	} {
		if err := json.Unmarshal([]byte(c.data), c.into); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A buffer has after a checkpoint the configuration that it had before.
func TestBufferConfig(t *testing.T) {
	for _, c := range []rae.Config{{}, {MaxBack: new(0)}, {MaxBack: new(1), Action: coat.Explore, Seed: 3, Capacity: 4, MaxAge: 5}} {
		data, err := json.Marshal(&rae.Buffer{Config: c})
		if err != nil {
			t.Fatal(err)
		}
		var b rae.Buffer
		if err := json.Unmarshal(data, &b); err != nil || !reflect.DeepEqual(b.Config, c) {
			t.Errorf("%s: %+v, %v", data, b.Config, err)
		}
	}
}
