package clean_test

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/synth/clean"
)

func questions(list ...string) iter.Seq2[coat.Problem, error] {
	return func(yield func(coat.Problem, error) bool) {
		for i, q := range list {
			if !yield(coat.Problem{ID: fmt.Sprint(i), Question: q, Answer: "1"}, nil) {
				return
			}
		}
	}
}

func Example() {
	pool := questions(
		"Tom has 3 apples and buys 4 more at the market. How many apples does Tom have now?",
		"Tom has 3 apples, and buys 4 more at the market. How many apples does Tom have now",
		"Tom has 5 apples and buys 4 more at the market. How many apples does Tom have now?",
		"A farmer who owns 12 cows sells 5 of them. How many cows are left?",
		"",
	)
	test := clean.Set{Name: "test", Problems: questions("After the war, a farmer who owns 12 cows sells 5 of them. What is his income?")}
	var report clean.Report
	for v, err := range clean.Problems(pool, clean.Config{Against: []clean.Set{test}}) {
		if err != nil {
			panic(err)
		}
		report.Add(v)
		fmt.Printf("%s: %s, %s\n", v.Problem.ID, cmp.Or(v.Reason, "kept"), cmp.Or(v.Why, "like none"))
	}
	fmt.Println(report.Kept, "of", report.Read)
	for _, reason := range []clean.Reason{clean.Unusable, clean.Duplicate, clean.Overlap} {
		fmt.Printf("%s: %d\n", reason, report.Dropped[reason])
	}
	// Output:
	// 0: kept, like none
	// 1: near duplicate, 0
	// 2: kept, like none
	// 3: overlaps a test set, test
	// 4: cannot be used, the question is empty
	// 2 of 5
	// cannot be used: 1
	// near duplicate: 1
	// overlaps a test set: 1
}

func reasons(t *testing.T, c clean.Config, list ...string) (rs []clean.Reason) {
	t.Helper()
	for v, err := range clean.Problems(questions(list...), c) {
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, v.Reason)
	}
	return rs
}

func TestAlike(t *testing.T) {
	for _, c := range []struct {
		a, b string
		dup  bool
	}{
		{`What is $x^2+1$ at $x=3$?`, `what is x^2 + 1 at x = 3`, true},
		{`What is $x^2+1$ at $x=3$?`, `What is $x^2-1$ at $x=3$?`, false},
		{`Find 1,000 more sheep than there are in the valley`, `Find 1000 more sheep than there are in the valley.`, true},
		{`3.5`, `35`, false},
		{`Évaluer la somme de tous les termes`, `évaluer la somme de tous les termes!`, true},
	} {
		if got := reasons(t, clean.Config{}, c.a, c.b)[1] == clean.Duplicate; got != c.dup {
			t.Errorf("%q, %q: duplicate %v", c.a, c.b, got)
		}
	}
}

func TestOverlap(t *testing.T) {
	against := func(q string) clean.Config {
		return clean.Config{Against: []clean.Set{{Name: "x", Problems: questions(q)}}}
	}
	ten := "a b c d e f g h i j"
	for _, c := range []struct {
		test, q string
		overlap bool
	}{
		{"one " + ten + " two", "three " + ten + " four", true},
		{"one a b c d e f g h i two", "three a b c d e f g h i four", false},
		{"what is seven times eight", "Tell me: what is seven times eight?", true},
		{"Evaluate 3!", "Evaluate 3! + 4!", false},
		{"Evaluate 3!", "evaluate 3!", true},
	} {
		if got := reasons(t, against(c.test), c.q)[0] == clean.Overlap; got != c.overlap {
			t.Errorf("%q, %q: overlap %v", c.test, c.q, got)
		}
	}
	bad := func(yield func(coat.Problem, error) bool) { yield(coat.Problem{}, errors.New("torn")) }
	for _, err := range clean.Problems(questions("a"), clean.Config{Against: []clean.Set{{Name: "x", Problems: bad}}}) {
		if err == nil || !strings.Contains(err.Error(), "test set x: torn") {
			t.Errorf("got %v", err)
		}
	}
}

// pool are made-up problems: of every hundred one is an earlier one with other
// punctuation and a word changed, and one is of the test set.
func pool(n int) iter.Seq2[coat.Problem, error] {
	return func(yield func(coat.Problem, error) bool) {
		rng := rand.New(rand.NewPCG(1, 1))
		vocabulary := make([]string, 2000)
		for i := range vocabulary {
			vocabulary[i] = fmt.Sprintf("w%c%c%c", 'a'+i%26, 'a'+i/26%26, 'a'+i/676)
		}
		var last string
		for i := range n {
			ws := make([]string, 30+rng.IntN(40))
			for j := range ws {
				if ws[j] = vocabulary[rng.IntN(len(vocabulary))]; rng.IntN(10) == 0 {
					ws[j] = fmt.Sprint(rng.IntN(100))
				}
			}
			q := strings.Join(ws, " ") + " end"
			switch i % 100 {
			case 50:
				at := strings.LastIndexByte(last, ' ')
				q = strings.ToUpper(last[:at]) + ", changed?"
			case 60:
				q = "by the way " + testQuestion
			}
			last = q
			if !yield(coat.Problem{ID: fmt.Sprint(i), Question: q, Answer: "1"}, nil) {
				return
			}
		}
	}
}

const testQuestion = "how many of the twelve grey cats sleep in the sun at noon"

// How much counts as alike is the caller's.
func TestThresholds(t *testing.T) {
	one, two := "Tom buys 3 red apples and then eats all of them at home today", "Tom buys 3 red apples and then eats all of them at home now"
	for share, want := range map[float64]clean.Reason{0: clean.Duplicate, 1: clean.Kept} {
		if got := reasons(t, clean.Config{Share: share}, one, two)[1]; got != want {
			t.Errorf("share %v: %q", share, got)
		}
	}
	for n, want := range map[int]clean.Reason{0: clean.Kept, 5: clean.Overlap} {
		c := clean.Config{N: n, Against: []clean.Set{{Name: "x", Problems: questions("Who buys 3 red apples and pears at the market every morning of the week")}}}
		if got := reasons(t, c, one)[0]; got != want {
			t.Errorf("runs of %d words: %q", n, got)
		}
	}
}

// A question that holds short ones of two test sets overlaps the same one each time.
func TestOverlapIsTheSame(t *testing.T) {
	against := []clean.Set{
		{Name: "four", Problems: questions("one two three four")},
		{Name: "five", Problems: questions("five six seven eight nine")},
		{Name: "ten", Problems: questions("a b c d e f g h i j")},
	}
	for range 20 {
		for v, err := range clean.Problems(questions("one two three four five six seven eight nine"), clean.Config{Against: against}) {
			if err != nil || v.Reason != clean.Overlap || v.Why != "four" {
				t.Errorf("%+v, %v", v, err)
			}
		}
	}
}

// 100,000 problems in bounded memory.
func TestMany(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begun := time.Now()
	var report clean.Report
	for v, err := range clean.Problems(pool(n), clean.Config{Against: []clean.Set{{Name: "cats", Problems: questions(testQuestion)}}}) {
		if err != nil {
			t.Fatal(err)
		}
		if report.Add(v); report.Read == n {
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
	}
	took := time.Since(begun)
	mib := float64(after.HeapAlloc-before.HeapAlloc) / (1 << 20)
	t.Logf("%d problems in %v, %.0f a second, %.0f MiB: %v", n, took, float64(n)/took.Seconds(), mib, report)
	if d := report.Dropped[clean.Duplicate]; d < n/100*95/100 || d > n/100 {
		t.Errorf("%d near duplicates, want nearly %d", d, n/100)
	}
	if report.Sets["cats"] != n/100 {
		t.Errorf("%d overlaps, want %d", report.Sets["cats"], n/100)
	}
	if mib > float64(n)*1500/(1<<20) {
		t.Errorf("%.0f MiB are held", mib)
	}
}
