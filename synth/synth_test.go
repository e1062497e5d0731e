package synth_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/synth"
)

// The agents of these tests guess a digit: a solution names a few on the way and
// boxes the last of them.
func guess(_ context.Context, p coat.Problem, prefix coat.Trace, seed uint64) (coat.Trace, error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	a := coat.None
	if len(prefix) > 0 {
		a = coat.Continue
	}
	digit := fmt.Sprint(rng.IntN(3))
	if rng.IntN(10) == 0 {
		return coat.Trace{{Action: a, Text: " say " + digit + " "}}, nil // no box
	}
	return coat.Trace{{Action: a, Text: " say " + digit + " "}, {Action: coat.Continue, Text: ` \boxed{ ` + digit + " } "}}, nil
}

var critic = synth.Critic{
	FirstWrong: func(_ context.Context, p coat.Problem, t coat.Trace, from int, _ uint64) (synth.Review, error) {
		return synth.Review{Step: from, Reflection: " no ", Hint: " not that "}, nil
	},
	Verify: func(_ context.Context, p coat.Problem, t coat.Trace, seed uint64) (synth.Review, error) {
		return synth.Review{Step: 0, Reflection: " yes "}, nil
	},
}

func config() synth.Config {
	return synth.Config{Generate: guess, Critic: critic, Check: reward.Exact}
}

func problems(n int) []coat.Problem {
	ps := make([]coat.Problem, n)
	for i := range ps {
		ps[i] = coat.Problem{ID: fmt.Sprint("p", i), Question: "which digit?", Answer: fmt.Sprint(i % 3)}
	}
	return ps
}

func collect(t *testing.T, ps []coat.Problem, c synth.Config) []coat.Demo {
	t.Helper()
	var demos []coat.Demo
	for d, err := range synth.Demos(context.Background(), slices.Values(ps), c) {
		if err != nil {
			t.Fatal(err)
		}
		demos = append(demos, d)
	}
	return demos
}

func Example() {
	problem := coat.Problem{ID: "1", Question: "13 + 29 =", Answer: "42"}
	// A generator that forgets to carry until it is told.
	generate := func(_ context.Context, p coat.Problem, prefix coat.Trace, _ uint64) (coat.Trace, error) {
		if len(prefix) == 0 {
			return coat.Parse(`3 + 9 = 12 <|continue|> 1 + 2 = 3 <|continue|> \boxed{ 32 }`)
		}
		return coat.Parse(`<|continue|> \boxed{ 42 }`)
	}
	critic := synth.Critic{
		FirstWrong: func(context.Context, coat.Problem, coat.Trace, int, uint64) (synth.Review, error) {
			return synth.Review{Step: 1, Reflection: " the 1 of 12 is lost ", Hint: " 1 + 2 + 1 = 4 "}, nil
		},
		Verify: func(context.Context, coat.Problem, coat.Trace, uint64) (synth.Review, error) {
			return synth.Review{}, synth.ErrSkip
		},
	}
	c := synth.Config{Generate: generate, Critic: critic, Check: reward.Exact, Solutions: 1}
	for d, err := range synth.Demos(context.Background(), slices.Values([]coat.Problem{problem}), c) {
		if err != nil {
			panic(err)
		}
		fmt.Println(d.Kind, d.Trace)
	}
	// Output:
	// III-I 3 + 9 = 12 <|continue|> 1 + 2 = 3 <|reflect|> the 1 of 12 is lost <|explore|> 1 + 2 + 1 = 4 <|continue|> \boxed{ 42 }
}

// shape is the sequence of a trace's actions and boxes, by first letters.
func shape(d coat.Demo) string {
	var b strings.Builder
	for _, s := range d.Trace {
		b.WriteString(map[coat.Action]string{coat.None: "s", coat.Continue: "c", coat.Reflect: "r", coat.Explore: "e"}[s.Action])
		if box, ok := reward.Boxed(s.Text); ok {
			b.WriteString(map[bool]string{true: "+", false: "-"}[strings.TrimSpace(box) == d.Problem.Answer])
		}
	}
	return b.String()
}

func TestKinds(t *testing.T) {
	c, stats := config(), synth.Stats{}
	c.Stats = &stats
	want := map[coat.Kind][]string{
		coat.TypeI:    {"sc+"},
		coat.TypeII1:  {"srcc+"},
		coat.TypeII2:  {"srcc-recc+"},
		coat.TypeIII1: {"srecc+"},
		coat.TypeIII2: {"srecc-recc+"},
	}
	demos := collect(t, problems(60), c)
	seen := map[coat.Kind]int{}
	for _, d := range demos {
		if !slices.Contains(want[d.Kind], shape(d)) {
			t.Errorf("%s has the shape %s: %s", d.Kind, shape(d), d.Trace)
		}
		if text := d.Trace.String(); strings.HasSuffix(text, " ") {
			t.Errorf("%q ends in white space", text)
		}
		seen[d.Kind]++
	}
	if len(seen) != len(coat.Kinds()) || !reflect.DeepEqual(seen, stats.Demos) {
		t.Errorf("kinds %v, stats say %v", seen, stats.Demos)
	}
	if stats.Problems != 60 || stats.Solutions != 6000 || stats.Right+stats.Wrong+stats.Invalid != 6000 {
		t.Errorf("solutions do not add up: %+v", stats)
	}
	if kept := stats.Right + stats.Wrong - stats.Surplus; kept != 60*8 {
		t.Errorf("kept %d solutions, want 480", kept)
	}
	made := 0
	for _, kind := range coat.Kinds() {
		made += stats.Demos[kind] + stats.Outranked[kind]
	}
	if made+stats.Unfixed+stats.Unboxed != 60*12 { // a right one is two paths, a wrong one is one
		t.Errorf("%d demonstrations and %d failures, want %d in all", made, stats.Unfixed+stats.Unboxed, 60*12)
	}
}

func TestSelect(t *testing.T) {
	c := config()
	c.Top = 2
	c.Select = func(_ context.Context, d coat.Demo) (float64, error) { return float64(len(d.Trace)), nil }
	last := map[string]int{}
	for _, d := range collect(t, problems(30), c) {
		key := d.Problem.ID + string(d.Kind)
		if n, ok := last[key]; ok && n < len(d.Trace) {
			t.Errorf("%s: %d steps after %d", key, len(d.Trace), n)
		}
		last[key] = len(d.Trace)
	}
}

func TestShare(t *testing.T) {
	c, stats := config(), synth.Stats{}
	c.Stats = &stats
	c.Share = map[coat.Kind]float64{coat.TypeI: 1, coat.TypeIII1: 0.5}
	n := map[coat.Kind]int{}
	for _, d := range collect(t, problems(300), c) {
		n[d.Kind]++
	}
	half := float64(n[coat.TypeIII1]) / float64(n[coat.TypeIII1]+stats.Unshared[coat.TypeIII1])
	if len(n) != 2 || n[coat.TypeI] != 300 || half < 0.4 || half > 0.6 {
		t.Errorf("kinds %v, %v of III-I", n, half)
	}
	if stats.Unshared[coat.TypeI] != 0 || stats.Unshared[coat.TypeII1] == 0 {
		t.Errorf("unshared %v", stats.Unshared)
	}
}

func TestDeterminism(t *testing.T) {
	ps := problems(40)
	c := config()
	c.Seed = 7
	c.Parallel = 1
	want := collect(t, ps, c)
	c.Parallel = 8
	if !reflect.DeepEqual(collect(t, ps, c), want) {
		t.Error("the result depends on parallelism")
	}
	slices.Reverse(ps)
	reversed := collect(t, ps, c)
	slices.SortStableFunc(reversed, func(a, b coat.Demo) int { return strings.Compare(a.Problem.ID, b.Problem.ID) })
	slices.SortStableFunc(want, func(a, b coat.Demo) int { return strings.Compare(a.Problem.ID, b.Problem.ID) })
	if !reflect.DeepEqual(reversed, want) {
		t.Error("the result of a problem depends on its neighbours")
	}
	c.Seed = 8
	if reflect.DeepEqual(collect(t, ps, c), want) {
		t.Error("the seed does nothing")
	}
}

func TestFaults(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name, want string
		change     func(*synth.Config)
	}{
		{"nothing", "Generate is nil", func(c *synth.Config) { *c = synth.Config{} }},
		{"rounds", "Rounds is 4, want 1 to 3", func(c *synth.Config) { c.Rounds = 4 }},
		{"share", "Share[I] is 2, want 0 to 1", func(c *synth.Config) { c.Share = map[coat.Kind]float64{coat.TypeI: 2} }},
		{"generator", "synth: problem p0: generator: boom", func(c *synth.Config) {
			c.Generate = func(context.Context, coat.Problem, coat.Trace, uint64) (coat.Trace, error) { return nil, boom }
		}},
		{"critic", "synth: problem p0: correction: boom", func(c *synth.Config) {
			c.Critic.FirstWrong = func(context.Context, coat.Problem, coat.Trace, int, uint64) (synth.Review, error) {
				return synth.Review{}, boom
			}
		}},
		{"step", "synth: problem p0: verification: critic names step 9, the trace has 0 to 1", func(c *synth.Config) {
			c.Critic.Verify = func(context.Context, coat.Problem, coat.Trace, uint64) (synth.Review, error) {
				return synth.Review{Step: 9}, nil
			}
		}},
		{"check", "synth: problem p0: check: boom", func(c *synth.Config) {
			c.Check = func(context.Context, coat.Attempt) (float64, error) { return 0, boom }
		}},
		{"selector", "synth: problem p0: selector: boom", func(c *synth.Config) {
			c.Select = func(context.Context, coat.Demo) (float64, error) { return 0, boom }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := config()
			c.change(&conf)
			var got error
			for _, err := range synth.Demos(context.Background(), slices.Values(problems(3)), conf) {
				got = err
			}
			if got == nil || !strings.Contains(got.Error(), c.want) {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

// An agent that passes costs its path, not the run; a text that Parse would not read
// back is dropped.
func TestPass(t *testing.T) {
	c, stats := config(), synth.Stats{}
	c.Stats = &stats
	c.Critic.Verify = func(context.Context, coat.Problem, coat.Trace, uint64) (synth.Review, error) {
		return synth.Review{}, fmt.Errorf("model is silent: %w", synth.ErrSkip)
	}
	c.Critic.FirstWrong = func(_ context.Context, _ coat.Problem, _ coat.Trace, from int, _ uint64) (synth.Review, error) {
		return synth.Review{Step: from, Reflection: " ", Hint: " x "}, nil
	}
	for _, d := range collect(t, problems(5), c) {
		if d.Kind != coat.TypeI {
			t.Errorf("kind %s", d.Kind)
		}
	}
	if stats.Skipped-stats.Unboxed != 5*4 || stats.Malformed == 0 {
		t.Errorf("stats %+v", stats)
	}
}

func TestBreakAndCancel(t *testing.T) {
	before := runtime.NumGoroutine()
	c := config()
	c.Parallel = 4
	for _, err := range synth.Demos(context.Background(), slices.Values(problems(50)), c) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last error
	for _, err := range synth.Demos(ctx, slices.Values(problems(1000)), c) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("got %v, want a cancellation", last)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestCoT(t *testing.T) {
	for _, d := range synth.CoT(collect(t, problems(20), config())) {
		if s := shape(d); s != "sc+" && s != "scc+" {
			t.Errorf("%s: %s has the shape %s", d.Kind, d.Trace, s)
		}
		if text := d.Trace.String(); text != strings.TrimRight(text, " ") {
			t.Errorf("%q ends in white space", text)
		}
	}
}
