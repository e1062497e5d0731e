package tasks_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/synth"
)

func Example() {
	problems := []coat.Problem{
		{ID: "1", Question: "| 35 7 | 25 4 | 25 35 | 22 28 | 7 12 | 4 22 / 25 12 =", Answer: "25 35 7 12"},
		{ID: "2", Question: "| 35 7 | 25 4 | 25 35 | 22 28 | 7 12 | 4 22 / 25 28 =", Answer: "25 4 22 28"},
	}
	task, _ := tasks.For(problems[0].Question)
	c := synth.Config{Generate: task.Generate, Critic: task.Critic, Check: task.Check, Seed: 1}
	for d, err := range synth.Demos(context.Background(), slices.Values(problems), c) {
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s %-5s %s\n", d.Problem.ID, d.Kind, d.Trace)
	}
	fmt.Println(task.Drill(rand.New(rand.NewPCG(1, 2)), tasks.Lesson{Level: 2}).Trace)
	// Output:
	// 1 III-I 25 4 <|continue|> 4 22 <|continue|> 22 28 <|continue|> \boxed{ 25 4 22 28 } <|reflect|> 28 is not 12 <|explore|> 25 35 <|continue|> 35 7 <|continue|> 7 12 <|reflect|> 12 is 12 <|continue|> \boxed{ 25 35 7 12 }
	// 2 I     25 4 <|continue|> 4 22 <|continue|> 22 28 <|continue|> \boxed{ 25 4 22 28 }
	// 2 II-I  25 4 <|continue|> 4 22 <|continue|> 22 28 <|continue|> \boxed{ 25 4 22 28 } <|reflect|> 28 is 28 <|continue|> \boxed{ 25 4 22 28 }
	// 42 2 ; 2 48 ; 48 40 . 40 is 40 ! 42 6 ; 6 34 ; 34 22 . 22 is not 40
}

func problems(t *testing.T, task tasks.Task, split string) []coat.Problem {
	t.Helper()
	ps, err := task.Problems(split)
	require.NoError(t, err)
	return ps
}

func demos(t *testing.T, task tasks.Task, ps []coat.Problem, seed uint64) []coat.Demo {
	t.Helper()
	c := synth.Config{Generate: task.Generate, Critic: task.Critic, Check: task.Check, Solutions: 16, Seed: seed}
	var all []coat.Demo
	for d, err := range synth.Demos(context.Background(), slices.Values(ps), c) {
		require.NoError(t, err)
		all = append(all, d)
	}
	return all
}

func right(t *testing.T, task tasks.Task, p coat.Problem, text string) bool {
	t.Helper()
	v, err := task.Check(context.Background(), coat.Attempt{Start: coat.Start{Problem: p}, Text: text})
	require.NoError(t, err)
	return v == 1
}

func TestProblems(t *testing.T) {
	want := map[string]map[string]int{
		"path-star": {"train": 8000, "valid": 250, "test": 1000, "hard": 400, "long": 500},
		"countdown": {"train": 1949, "valid": 176, "test": 503, "hard": 154},
	}
	for _, task := range tasks.All() {
		questions := map[string]bool{}
		for _, split := range task.Splits {
			ps := problems(t, task, split)
			if len(ps) != want[task.Name][split] {
				t.Errorf("%s %s: %d problems", task.Name, split, len(ps))
			}
			for _, p := range ps {
				if questions[p.Question] {
					t.Errorf("%s occurs twice: %s", p.ID, p.Question)
				}
				questions[p.Question] = true
				if found, ok := tasks.For(p.Question); !ok || found.Name != task.Name {
					t.Errorf("%s is taken for %s", p.Question, found.Name)
				}
				if !right(t, task, p, `\boxed{ `+p.Answer+` }`) {
					t.Errorf("gold answer of %s is wrong", p.ID)
				}
			}
		}
		if _, err := task.Problems("nonsense"); err == nil || !strings.Contains(err.Error(), "want one of train, valid") {
			t.Errorf("got %v", err)
		}
	}
	if _, ok := tasks.For("What is love?"); ok {
		t.Error("a task for everything")
	}
}

// Every demonstration over train ends right, reads back, has the meta-actions of its
// kind and tries nothing twice; every way that it takes it leaves with a box or a
// check that is true.
func TestDemos(t *testing.T) {
	for _, task := range tasks.All() {
		t.Run(task.Name, func(t *testing.T) {
			ps := problems(t, task, "train")
			if testing.Short() {
				ps = ps[:500]
			}
			words := vocabulary(task)
			n := map[coat.Kind]int{}
			least := map[coat.Kind]int{}
			for _, kind := range coat.Kinds() {
				least[kind] = (len(ps) + 2) / 3
			}
			if task.Name == "path-star" {
				// Arms are tried as they are listed: a first solution that boxes the first is right
				// where that one is, and two mistakes in a row want two arms before the right one,
				// which 42 % of the stars have, 2 to 6 arms being equally frequent.
				first := 0
				for _, p := range ps {
					words := strings.Fields(p.Answer)
					edge, _, _ := strings.Cut(p.Question[strings.Index(p.Question, "| "+words[0]+" "):], " |")
					if strings.Fields(edge)[2] == words[1] {
						first++
					}
				}
				least[coat.TypeI], least[coat.TypeII1] = first, first
				least[coat.TypeIII2] = len(ps) * 3 / 10
			}
			for _, d := range demos(t, task, ps, 1) {
				n[d.Kind]++
				text := d.Trace.String()
				if fault := faulty(d); fault != "" || !right(t, task, d.Problem, text) {
					t.Fatalf("%s %s: %s\n%s", d.Problem.ID, d.Kind, fault, text)
				}
				for _, w := range strings.Split(text, " ") {
					if !words[w] {
						t.Fatalf("%q is not in the vocabulary: %s", w, text)
					}
				}
				cot := synth.CoT([]coat.Demo{d})[0].Trace
				if s := cot.String(); len(cot) > 5 || strings.Contains(s, "reflect") || !right(t, task, d.Problem, s) {
					t.Fatalf("chain of thought of %s is %s", text, s)
				}
			}
			for _, kind := range coat.Kinds() {
				if testing.Short() {
					least[kind] = least[kind] * 9 / 10 // few problems may be a little off
				}
				if n[kind] < least[kind] {
					t.Errorf("%d of kind %s from %d problems, want %d at least", n[kind], kind, len(ps), least[kind])
				}
			}
		})
	}
}

// faulty tells what is wrong with the form of a demonstration.
func faulty(d coat.Demo) string {
	if again, err := coat.Parse(d.Trace.String()); err != nil || !reflect.DeepEqual(again, d.Trace) {
		return "does not read back"
	}
	count, boxes := map[coat.Action]int{}, []string{}
	seen, way := map[string]bool{}, ""
	for i, s := range d.Trace {
		count[s.Action]++
		if box, ok := reward.Boxed(s.Text); ok {
			boxes = append(boxes, box)
			continue
		}
		if s.Action == coat.Explore || s.Action == coat.None {
			way = ""
		}
		if s.Action != coat.Reflect {
			way += s.Text
			continue
		}
		w := strings.Fields(s.Text)
		if (len(w) == 4) == (w[0] == w[len(w)-1]) {
			return "false check: " + s.Text
		}
		missed := i+1 < len(d.Trace) && d.Trace[i+1].Action == coat.Explore
		if missed != (len(w) == 4) {
			return "a check without effect: " + s.Text
		}
		if missed && seen[way] {
			return "tried twice: " + way
		}
		seen[way] = true
	}
	reflects, explores := count[coat.Reflect], count[coat.Explore]
	switch d.Kind {
	case coat.TypeI:
		if reflects+explores > 0 || len(boxes) != 1 {
			return "shape"
		}
	case coat.TypeII1:
		if reflects != 1 || explores > 0 || len(boxes) > 2 || boxes[0] != boxes[len(boxes)-1] {
			return "shape"
		}
	case coat.TypeII2, coat.TypeIII2:
		if explores < 2 || reflects <= explores || len(boxes) < 2 || boxes[0] == boxes[len(boxes)-1] {
			return "shape"
		}
	case coat.TypeIII1:
		if explores < 1 || reflects <= explores {
			return "shape"
		}
	}
	return ""
}

// The number of mistakes of a demonstration cannot be told from its kind.
func TestMistakesVary(t *testing.T) {
	for _, task := range tasks.All() {
		n := map[coat.Kind]map[int]bool{}
		for _, d := range demos(t, task, problems(t, task, "train")[:500], 1) {
			if n[d.Kind] == nil {
				n[d.Kind] = map[int]bool{}
			}
			n[d.Kind][strings.Count(d.Trace.String(), "is not")] = true
		}
		for _, kind := range coat.Kinds()[2:] {
			if len(n[kind]) < 4 {
				t.Errorf("%s %s: numbers of mistakes %v", task.Name, kind, n[kind])
			}
		}
	}
}

func TestDeterminism(t *testing.T) {
	for _, task := range tasks.All() {
		ps := problems(t, task, "train")[:100]
		if one := demos(t, task, ps, 3); !reflect.DeepEqual(one, demos(t, task, ps, 3)) || reflect.DeepEqual(one, demos(t, task, ps, 4)) {
			t.Errorf("%s: demonstrations do not follow the seed", task.Name)
		}
		drill := func(seed uint64) (lines []coat.Demo) {
			rng := rand.New(rand.NewPCG(seed, 0))
			for range 20 {
				lines = append(lines, task.Drill(rng, tasks.Lesson{Boxed: 0.5}))
			}
			return lines
		}
		if one := drill(1); !reflect.DeepEqual(one, drill(1)) || reflect.DeepEqual(one, drill(2)) {
			t.Errorf("%s: drills do not follow the seed", task.Name)
		}
	}
}

// vocabulary is the words of a task with the special tokens.
func vocabulary(task tasks.Task) map[string]bool {
	words := map[string]bool{}
	for _, w := range append((coat.Actions{}).Tokens(), task.Words...) {
		words[w] = true
	}
	return words
}

func TestVocabulary(t *testing.T) {
	for _, task := range tasks.All() {
		words := vocabulary(task)
		if len(words) != len(task.Words)+len((coat.Actions{}).List()) {
			t.Errorf("%s: a word occurs twice", task.Name)
		}
		expect := func(text string) {
			for _, w := range strings.Split(text, " ") {
				if !words[w] {
					t.Fatalf("%s: %q is not in the vocabulary: %q", task.Name, w, text)
				}
			}
		}
		for _, split := range task.Splits {
			for _, p := range problems(t, task, split) {
				expect(p.Question)
				expect(p.Answer)
			}
		}
		rng := rand.New(rand.NewPCG(1, 0))
		for range 5000 {
			d := task.Drill(rng, tasks.Lesson{Boxed: 0.5})
			expect(coat.Bare(coat.Start{Problem: d.Problem}) + d.Trace.String())
		}
	}
}
