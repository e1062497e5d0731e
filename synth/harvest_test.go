package synth_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/synth"
)

// attempts makes for each entry of right a problem with eight attempts of which that
// many are right.
func attempts(t *testing.T, right ...int) []coat.Judged {
	var all []coat.Attempt
	for j := range 8 {
		for i, n := range right {
			p := coat.Problem{ID: fmt.Sprint(i), Question: "q", Answer: "1"}
			text := fmt.Sprintf(`try %d <|continue|> \boxed{ 1 } `, j)
			if j >= n {
				text = fmt.Sprintf(`try %d <|continue|> \boxed{ 0 }`, j)
			}
			all = append(all, coat.Attempt{Start: coat.Start{Problem: p}, Text: text})
		}
	}
	return judged(t, all...)
}

// judged judges attempts by reward.Exact.
func judged(t *testing.T, attempts ...coat.Attempt) []coat.Judged {
	t.Helper()
	list, err := reward.Judge(t.Context(), reward.Exact, attempts, 1)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestDistill(t *testing.T) {
	for _, c := range []struct {
		right []int
		share float64
		want  string
	}{
		{[]int{8, 1, 0, 4}, 0, "0 1 3"}, // ceil(3 · 0.75): none is left out
		{[]int{8, 1, 0, 4}, 0.5, "1 3"},
		{[]int{8, 1, 0, 4}, 0.1, "1"},
		{[]int{5, 4, 3, 2, 1, 0, 8, 7, 6}, 0, "0 1 2 3 4 8"},
		{[]int{0}, 1, ""},
		{nil, 1, ""},
	} {
		demos, err := synth.Distill(attempts(t, c.right...), c.share, 1)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, d := range demos {
			ids = append(ids, d.Problem.ID)
			if d.Kind != coat.Distilled || !strings.HasSuffix(d.Trace.String(), `\boxed{ 1 }`) {
				t.Errorf("demonstration %+v", d)
			}
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%v, share %v: problems %q, want %q", c.right, c.share, got, c.want)
		}
	}
}

func TestPairs(t *testing.T) {
	for _, c := range []struct{ each, want int }{{0, 3}, {1, 3}, {5, 15}, {100, 7 + 16 + 12}} {
		pairs, err := synth.Pairs(attempts(t, 1, 0, 4, 8, 6), c.each, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(pairs) != c.want {
			t.Errorf("each %d: %d pairs, want %d", c.each, len(pairs), c.want)
		}
		seen := map[[3]string]bool{}
		for _, p := range pairs {
			if !reflect.DeepEqual(p.Chosen.Start, p.Rejected.Start) {
				t.Error("a pair of two problems")
			}
			if !strings.Contains(p.Chosen.Text, "{ 1 }") || !strings.Contains(p.Rejected.Text, "{ 0 }") {
				t.Errorf("pair %+v", p)
			}
			seen[[3]string{p.Chosen.Start.Problem.ID, p.Chosen.Text, p.Rejected.Text}] = true
		}
		if len(seen) != len(pairs) {
			t.Error("a pair occurs twice")
		}
		again, _ := synth.Pairs(attempts(t, 1, 0, 4, 8, 6), c.each, 1)
		if !reflect.DeepEqual(again, pairs) {
			t.Error("pairs depend on more than the seed")
		}
	}
}

// What restarts from a prefix is a start of its own for pairs and nothing for
// distillation.
func TestHarvestRestarts(t *testing.T) {
	p := coat.Problem{ID: "1", Question: "q", Answer: "1"}
	prefix := coat.Trace{{Text: "a "}, {Action: coat.Reflect}}
	all := judged(t, coat.Attempt{Start: coat.Start{Problem: p, Prefix: prefix}, Text: ` x <|continue|> \boxed{ 1 }`},
		coat.Attempt{Start: coat.Start{Problem: p}, Text: `\boxed{ 2 }`})
	demos, err := synth.Distill(all, 1, 1)
	if len(demos) != 0 || err != nil {
		t.Errorf("demonstrations %v, %v", demos, err)
	}
	pairs, err := synth.Pairs(all, 0, 1)
	if len(pairs) != 0 || err != nil {
		t.Errorf("pairs %v, %v", pairs, err)
	}
}

// An attempt that nobody has judged is refused, not taken as wrong. Faults of checks are
// those of reward.Judge.
func TestHarvestFaults(t *testing.T) {
	blank := attempts(t, 1, 2)
	blank[3].Outcome = coat.Unknown
	const want = `synth: attempt 3 (problem "1") has no outcome; reward.Judge gives it one`
	if _, err := synth.Distill(blank, 0, 1); err == nil || err.Error() != want {
		t.Errorf("Distill gives %v", err)
	}
	if _, err := synth.Pairs(blank, 0, 1); err == nil || err.Error() != want {
		t.Errorf("Pairs gives %v", err)
	}
	if _, err := synth.Distill(attempts(t, 1), 2, 1); err == nil {
		t.Error("a share of 2 is taken")
	}
	if _, err := synth.Pairs(attempts(t, 1), -1, 1); err == nil {
		t.Error("-1 pairs are taken")
	}
}
