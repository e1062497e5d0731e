package rae_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/rae"
)

func attempt(id, text string) coat.Attempt {
	return coat.Attempt{Start: coat.Start{Problem: coat.Problem{ID: id, Question: "q" + id, Answer: "1"}}, Text: text}
}

// judged is an attempt and its outcome, as tables have them.
type judged struct {
	attempt coat.Attempt
	outcome coat.Outcome
}

// list is what Build reads.
func list(all []judged) (list []coat.Judged) {
	for _, j := range all {
		list = append(list, coat.Judged{Attempt: j.attempt, Outcome: j.outcome})
	}
	return list
}

// cut is rae.Cut that ends in the paper's action.
func cut(a coat.Attempt, outcome coat.Outcome, back int) (coat.Start, error) {
	return rae.Cut(coat.Judged{Attempt: a, Outcome: outcome}, back, coat.Reflect)
}

func TestCut(t *testing.T) {
	const tight = "a<|continue|> b<|reflect|> c<|explore|> \\boxed{1}"
	const loose = "a <|continue|> b <|reflect|> c <|explore|> \\boxed{1}"
	for _, c := range []struct {
		name, text string
		back       int
		want       string
	}{
		{"whole", tight, 0, tight + "<|reflect|>"},
		{"one", tight, 1, "a<|continue|> b<|reflect|> c<|reflect|>"},
		{"two", tight, 2, "a<|continue|> b<|reflect|>"},
		{"all but the first", tight, 3, "a<|reflect|>"},
		{"the first stays", tight, 9, "a<|reflect|>"},
		{"whole, spaces around tokens", loose, 0, loose + " <|reflect|>"},
		{"one, spaces around tokens", loose, 1, "a <|continue|> b <|reflect|> c <|reflect|>"},
		{"whole, ends in a space", loose + " ", 0, loose + " <|reflect|>"},
		{"whole, ends in a new line", tight + "\n", 0, tight + "\n<|reflect|>"},
		{"lines", "a\n<|continue|>\nb\n\n<|continue|>\n\\boxed{1}", 0, "a\n<|continue|>\nb\n\n<|continue|>\n\\boxed{1}\n\n<|reflect|>"},
		{"one step", "\\boxed{1}", 2, "\\boxed{1}<|reflect|>"},
		{"opens with a token", "<|explore|> a<|continue|> b", 1, "<|explore|> a<|reflect|>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := attempt("1", c.text)
			got, err := cut(a, coat.Right, c.back)
			if err != nil || got.Prefix.String() != c.want {
				t.Fatalf("got %q, %v, want %q", got.Prefix, err, c.want)
			}
			if got.Problem != a.Start.Problem || got.Prior != coat.Right {
				t.Errorf("start %+v", got)
			}
			again, err := coat.Parse(got.Prefix.String())
			if err != nil || !reflect.DeepEqual(again, got.Prefix) {
				t.Errorf("prefix is not a trace: %#v, %v", again, err)
			}
		})
	}
}

// The prefix of an attempt that was itself a restart belongs to what is cut.
func TestCutRestart(t *testing.T) {
	a := attempt("1", " no<|explore|> b")
	a.Start.Prefix = coat.Trace{{Text: "a"}, {Action: coat.Reflect}}
	a.Start.Prior = coat.Wrong
	for back, want := range []string{"a<|reflect|> no<|explore|> b<|reflect|>", "a<|reflect|> no<|reflect|>", "a<|reflect|>"} {
		got, err := cut(a, coat.Right, back)
		if err != nil || got.Prefix.String() != want || got.Prior != coat.Right {
			t.Errorf("back %d: %q, %v, want %q", back, got.Prefix, err, want)
		}
	}
	if len(a.Start.Prefix) != 2 || a.Start.Prefix[1].Text != "" {
		t.Errorf("the attempt was changed: %#v", a.Start.Prefix)
	}
}

func TestCutErrors(t *testing.T) {
	truncated := attempt("7", "a")
	truncated.Truncated = true
	var syntax *coat.SyntaxError
	for _, c := range []struct {
		name    string
		attempt coat.Attempt
		prior   coat.Outcome
		back    int
		is      error
		says    string
	}{
		{"truncated", truncated, coat.Wrong, 0, rae.ErrTruncated, ""},
		{"no trace", attempt("7", "a<|reflect|><|explore|>b"), coat.Wrong, 0, rae.ErrBroken, "step 1 (<|reflect|>) has no text"},
		{"ends in a bare token", attempt("7", "a<|continue|> "), coat.Wrong, 0, rae.ErrBroken, "last step is empty"},
		{"empty", attempt("7", ""), coat.Wrong, 0, rae.ErrBroken, "last step is empty"},
		{"no verdict", attempt("7", "a"), coat.Unknown, 0, nil, "has no outcome"},
		{"no outcome", attempt("7", "a"), 3, 0, nil, "has no outcome"},
		{"forwards", attempt("7", "a"), coat.Wrong, -1, nil, "going back -1 steps"},
	} {
		_, err := cut(c.attempt, c.prior, c.back)
		if err == nil || !strings.HasPrefix(err.Error(), `rae: problem "7": `) || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.name == "no trace" && !errors.As(err, &syntax) {
			t.Errorf("%v does not wrap the fault of coat", err)
		}
	}
}

// long is a text of five steps that names its attempt.
func long(name string) string {
	return name + "<|continue|> 2<|continue|> 3<|continue|> 4<|continue|> \\boxed{1}"
}

// population is n problems with four right and four wrong attempts each, none alike.
func population(n int) []judged {
	var all []judged
	for p := range n {
		for i := range 8 {
			all = append(all, judged{attempt(fmt.Sprint(p), long(fmt.Sprintf("%d:%d", p, i))), []coat.Outcome{coat.Wrong, coat.Right}[i%2]})
		}
	}
	return all
}

func TestBuild(t *testing.T) {
	b, err := rae.Build(list(population(3000)), rae.Config{Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	if want := (rae.Counts{Attempts: 24000, Problems: 3000, Kept: 3000}); b.Counts != want {
		t.Errorf("counts %+v, want %+v", b.Counts, want)
	}
	for side, starts := range map[coat.Outcome][]coat.Start{coat.Right: b.Right, coat.Wrong: b.Wrong} {
		if len(starts) != 3000 {
			t.Fatalf("%v side has %d states", side, len(starts))
		}
		picked, lengths := map[int]int{}, map[int]int{}
		for p, s := range starts {
			var problem, which int
			if _, err := fmt.Sscanf(s.Prefix[0].Text, "%d:%d", &problem, &which); err != nil || problem != p || s.Problem.ID != fmt.Sprint(p) {
				t.Fatalf("state %d of problem %s opens with %q", p, s.Problem.ID, s.Prefix[0].Text)
			}
			if s.Prior != side || (which%2 == 1) != (side == coat.Right) {
				t.Fatalf("state with prior %v, on side %v, of attempt %d", s.Prior, side, which)
			}
			picked[which]++
			lengths[len(s.Prefix)]++
		}
		// Uniform over the four attempts and over t = 0, 1, 2, within four standard deviations.
		even(t, "attempts", picked, 4, 3000)
		even(t, "lengths", lengths, 3, 3000)
		if lengths[4]+lengths[5]+lengths[6] != 3000 {
			t.Errorf("lengths %v, want 4, 5 and 6", lengths)
		}
	}
}

func even(t *testing.T, what string, counts map[int]int, cells, n int) {
	t.Helper()
	p := 1 / float64(cells)
	for _, k := range counts {
		if math.Abs(float64(k)-float64(n)*p) > 4*math.Sqrt(float64(n)*p*(1-p)) {
			t.Errorf("%s are not uniform: %v", what, counts)
		}
	}
	if len(counts) != cells {
		t.Errorf("%s: %v, want %d kinds", what, counts, cells)
	}
}

// The same seed gives the same states, whatever other problems there are and in
// whatever order; another seed gives others.
func TestBuildSeed(t *testing.T) {
	all := population(40)
	build := func(all []judged, seed uint64) map[string]string {
		b, err := rae.Build(list(all), rae.Config{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		states := map[string]string{}
		for _, s := range slices.Concat(b.Right, b.Wrong) {
			states[s.Problem.ID+s.Prior.String()] = s.Prefix.String()
		}
		return states
	}
	want := build(all, 1)
	if got := build(all, 1); !maps.Equal(got, want) {
		t.Error("the same seed gives other states")
	}
	if got := build(all, 2); maps.Equal(got, want) {
		t.Error("another seed gives the same states")
	}
	var shuffled []judged // by attempt rather than by problem, the last problem first, and only 20 of them
	for i := range 8 {
		for p := 39; p >= 20; p-- {
			shuffled = append(shuffled, all[8*p+i])
		}
	}
	for key, state := range build(shuffled, 1) {
		if want[key] != state {
			t.Errorf("%s: %q among others, %q alone", key, want[key], state)
		}
	}
}

func TestBuildLeavesOut(t *testing.T) {
	short := attempt("truncated", long("x"))
	short.Truncated = true
	all := []judged{
		{attempt("easy", long("x")), coat.Right}, {attempt("easy", long("y")), coat.Right},
		{attempt("hard", long("x")), coat.Wrong},
		{short, coat.Wrong}, {attempt("truncated", long("y")), coat.Right},
		{attempt("broken", "a<|reflect|><|explore|>b"), coat.Wrong}, {attempt("broken", long("y")), coat.Right},
		{attempt("long", strings.Repeat("x", 100)), coat.Right}, {attempt("long", long("y")), coat.Wrong},
		{attempt("kept", strings.Repeat("x", 100)), coat.Right}, {attempt("kept", long("good")), coat.Right}, {attempt("kept", long("bad")), coat.Wrong},
	}
	for seed := range uint64(20) { // whichever of the attempts comes first
		b, err := rae.Build(list(all), rae.Config{Seed: seed, Fits: func(s coat.Start) bool { return len(s.Prefix.String()) < 100 }})
		if err != nil {
			t.Fatal(err)
		}
		want := rae.Counts{Attempts: 9, Truncated: 1, Broken: 1, Long: 2, Problems: 6, Kept: 1, AllRight: 1, AllWrong: 1, Unusable: 3}
		if b.Counts != want {
			t.Errorf("counts %+v, want %+v", b.Counts, want)
		}
		if len(b.Right) != 1 || len(b.Wrong) != 1 || b.Right[0].Prefix[0].Text != "good" || b.Wrong[0].Prefix[0].Text != "bad" {
			t.Errorf("D+ %v, D- %v", b.Right, b.Wrong)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	if _, err := rae.Build(list(nil), rae.Config{MaxBack: new(-1)}); err == nil || !strings.Contains(err.Error(), "MaxBack is -1") {
		t.Errorf("error %v", err)
	}
	if _, err := rae.Build(list([]judged{{attempt("7", "a"), coat.Unknown}}), rae.Config{}); err == nil || !strings.Contains(err.Error(), `rae: problem "7": attempt has no outcome`) {
		t.Errorf("error %v", err)
	}
}

func TestAdd(t *testing.T) {
	b := rae.Buffer{Config: rae.Config{MaxBack: new(1)}}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		if !add(t, &b, attempt("1", long("x")), coat.Right, rng) {
			t.Fatal("not added")
		}
	}
	if !add(t, &b, attempt("1", long("x")), coat.Wrong, rng) || add(t, &b, attempt("1", ""), coat.Wrong, rng) {
		t.Error("added what is broken, or not what is whole")
	}
	if want := (rae.Counts{Attempts: 102, Broken: 1}); len(b.Right) != 100 || len(b.Wrong) != 1 || b.Counts != want {
		t.Errorf("D+ %d, D- %d, counts %+v", len(b.Right), len(b.Wrong), b.Counts)
	}
	lengths := map[int]int{}
	for _, s := range b.Right {
		lengths[len(s.Prefix)]++
	}
	if even(t, "lengths", lengths, 2, 100); lengths[5]+lengths[6] != 100 {
		t.Errorf("lengths %v, want 5 and 6", lengths)
	}
	for says, b := range map[string]*rae.Buffer{
		"has no outcome":            {},
		"MaxBack is -1":             {Config: rae.Config{MaxBack: new(-1)}},
		`Config.Action is <|plan|>`: {Config: rae.Config{Action: "plan"}},
	} {
		j := coat.Judged{Attempt: attempt("1", "a")}
		if says != "has no outcome" {
			j.Outcome = coat.Right
		}
		if added, err := b.Add(j, rng); added || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, %v", says, added, err)
		}
	}
}

// add is Buffer.Add where no error is expected.
func add(t *testing.T, b *rae.Buffer, a coat.Attempt, outcome coat.Outcome, rng *rand.Rand) bool {
	t.Helper()
	added, err := b.Add(coat.Judged{Attempt: a, Outcome: outcome}, rng)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

// A state ends in the action that the caller names, if the problem has it.
func TestCutAction(t *testing.T) {
	a := coat.Judged{Attempt: attempt("7", "<|plan|> a<|plan|> b"), Outcome: coat.Wrong}
	a.Start.Problem.Actions = coat.NewActions("plan", coat.Continue)
	got, err := rae.Cut(a, 1, "plan")
	if err != nil || got.Prefix.String() != "<|plan|> a<|plan|>" {
		t.Errorf("got %q, %v", got.Prefix, err)
	}
	for _, action := range []coat.Action{coat.Reflect, coat.None} {
		if got, err := rae.Cut(a, 0, action); err == nil || !strings.Contains(err.Error(), "cannot end in") {
			t.Errorf("%q: %q, %v", action, got.Prefix, err)
		}
	}
	if _, err := rae.Build([]coat.Judged{a}, rae.Config{}); err == nil || !strings.Contains(err.Error(), `rae: problem "7": Config.Action is <|reflect|>, the problem has the actions [<|plan|> <|continue|>]`) {
		t.Errorf("error %v", err)
	}
}
