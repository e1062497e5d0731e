package tasks

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

func check(t testing.TB, task Task, p coat.Problem, text string) bool {
	t.Helper()
	v, err := task.Check(context.Background(), coat.Attempt{Start: coat.Start{Problem: p}, Text: text})
	require.NoError(t, err)
	return v == 1
}

func TestCheck(t *testing.T) {
	star := coat.Problem{Question: "| 7 3 | 5 7 | 5 2 | 2 9 / 5 3 =", Answer: "5 7 3"}
	game := coat.Problem{Question: "12 11 9 make 33 :", Answer: "11 * ( 12 - 9 )"}
	for _, c := range []struct {
		task Task
		p    coat.Problem
		text string
		want bool
	}{
		{PathStar(), star, `5 2 <|continue|> \boxed{ 5 2 9 } <|reflect|> 9 is not 3 <|explore|> 5 7 <|continue|> \boxed{ 5 7 3 }`, true},
		{PathStar(), star, `\boxed{5 7 3}`, true},
		{PathStar(), star, `\boxed{ 5 7 3 } \boxed{ 5 2 9 }`, false},
		{PathStar(), star, `\boxed{ 5 7 3 } \boxed{ 5 7`, false},
		{PathStar(), star, `\boxed{ 5 7 3`, false},
		{PathStar(), star, `\boxed{ 5 2 9 5 7 3 }`, false},
		{PathStar(), star, `\boxed{ 5 7 }`, false},
		{PathStar(), star, `\boxed{ 57 3 }`, false},
		{PathStar(), star, `\boxed{ }`, false},
		{PathStar(), star, `5 7 3`, false},
		{PathStar(), star, ``, false},
		{Countdown(), game, `\boxed{ 11 * ( 12 - 9 ) }`, true},
		{Countdown(), game, `\boxed{ ( 12 - 9 ) * 11 }`, true},
		{Countdown(), game, `\boxed{((12)-9)*(11)}`, true},
		{Countdown(), game, `\boxed{ 12 * 11 - 9 * 11 }`, false},
		{Countdown(), game, `\boxed{ 33 }`, false},
		{Countdown(), game, `\boxed{ 12 + 12 + 9 }`, false},
		{Countdown(), game, `\boxed{ ( 12 - 9 ) 11 }`, false},
		{Countdown(), game, `\boxed{ ( 12 - 9 ) * 11 = 33 }`, false},
		{Countdown(), game, `\boxed{ ( 12 - 9 ) * 11 + 0 }`, false},
		{Countdown(), game, `\boxed{ ( 12 - 9 ) ( * 11 ) }`, false},
		{Countdown(), game, `\boxed{ ( 12 - 9 * 11 }`, false},
		{Countdown(), game, `\boxed{ ( 12 - 9 ) * 11 ) }`, false},
		{Countdown(), game, `\boxed{ - ( 9 - 12 ) * 11 }`, false},
		{Countdown(), game, `\boxed{ ( 12 - 9 ) * 011 }`, false},
		{Countdown(), game, `\boxed{ ( 12 - 9 ) * 1 1 }`, false},
		{Countdown(), game, `\boxed{ ( 12 - 9 ) × 11 }`, false},
		{Countdown(), game, "\\boxed{ ( 12 - 9 ) * 11 \x00 }", false},
		{Countdown(), game, `\boxed{ 99999999999999999999 * 12 }`, false},
		{Countdown(), game, `\boxed{ ` + strings.Repeat("(", 1e6) + ` }`, false},
		{Countdown(), game, `\boxed{ ` + strings.Repeat("99*", 1e5) + `99 }`, false},
		{Countdown(), game, `\boxed{ 11 * ( 12 - 9 ) } \boxed{ }`, false},
		{Countdown(), game, ``, false},
	} {
		if got := check(t, c.task, c.p, c.text); got != c.want {
			t.Errorf("%s: %.80s: %v", c.task.Name, c.text, got)
		}
	}
}

func TestCheckGold(t *testing.T) {
	for _, c := range []struct {
		task             Task
		question, answer string
		want             string
	}{
		{PathStar(), "| 7 3 | 5 7 | 5 2 | 2 9 / 5 3 =", "5 7 3", ""},
		{PathStar(), "| 7 3 | 5 7 | 5 2 | 2 9 / 5 3 =", "5 2 9", `field "answer": is "5 2 9", the path is "5 7 3"`},
		{PathStar(), "| 7 3 | 5 7 | 5 2 | 2 9 / 5 3", "5 7 3", `field "question": is not of the form`},
		{PathStar(), "7 3 | 5 7 | 5 2 | 2 9 | / 5 3 =", "5 7 3", `field "question": word 1 is "7", want "|"`},
		{PathStar(), "| 7 50 | 5 7 / 5 50 =", "5 7 50", `field "question": word 3 is "50", want a node, 0 to 49`},
		{PathStar(), "| 7 03 | 5 7 / 5 3 =", "5 7 3", `field "question": word 3 is "03"`},
		{PathStar(), "| 7 3 | 5 7 | 7 2 / 5 3 =", "5 7 3", `field "question": edge 7 2 does not belong to an arm`},
		{PathStar(), "| 7 5 | 5 7 / 5 7 =", "5 7", `field "question": edge 7 5 does not belong to an arm`},
		{PathStar(), "| 1 2 | 2 1 | 5 7 / 5 7 =", "5 7", `field "question": 2 edges cannot be reached from 5`},
		{PathStar(), "| 7 3 | 5 7 / 5 7 =", "5 7", `field "question": no arm ends in 7`},
		{Countdown(), "12 11 9 make 33 :", "11 * ( 12 - 9 )", ""},
		{Countdown(), "12 11 9 make 33", "11 * ( 12 - 9 )", ""},
		{Countdown(), "12 11 9 make 33 :", "11 * 12 - 9", `field "answer": has the value 123, want 33`},
		{Countdown(), "12 11 9 make 33 :", "11 * 3", `field "answer": uses [3 11], want each of [12 11 9] once`},
		{Countdown(), "12 11 9 make 33 :", "11 * x", `field "answer": is not an expression: unexpected 'x' at byte 5`},
		{Countdown(), "12 11 make 33 :", "33", `field "question": is not of the form`},
		{Countdown(), "12 11 -9 make 33 :", "33", `field "question": number 3 is "-9", want 1 to 99`},
		{Countdown(), "12 11 9 make 100 :", "33", `field "question": number 4 is "100", want 1 to 99`},
	} {
		err := c.task.CheckGold(coat.Problem{Question: c.question, Answer: c.answer})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s, %s: %v, want %s", c.question, c.answer, err, c.want)
		}
	}
	if _, err := Countdown().Check(context.Background(), coat.Attempt{}); err == nil {
		t.Error("a question that cannot be read is judged")
	}
}

// A drill asks for nothing that is held out, and what it says is true.
func TestDrills(t *testing.T) {
	if len(heldOutStars()) < 2100 || len(heldOutGames()) < 80 {
		t.Fatalf("%d graphs and %d number sets are held out", len(heldOutStars()), len(heldOutGames()))
	}
	rng := rand.New(rand.NewPCG(1, 0))
	for range 3000 {
		d := PathStar().Drill(rng, Lesson{Boxed: 0.5})
		s, err := parseStar(d.Problem.Question)
		if err != nil || checkPathStar(d.Problem) != nil || heldOutStars()[s.key()] {
			t.Fatalf("%v: %v", d, err)
		}
		text := d.Trace.String()
		if n := strings.Count(text, "is"); n != len(s.arms) || strings.Count(text, "not") != n-1 || len(d.Trace) != 1 {
			t.Fatalf("%d arms, %d checks: %s", len(s.arms), n, text)
		}
	}
	for level := 2; level <= 8; level++ {
		if d := PathStar().Drill(rng, Lesson{Level: level}); d.Problem.Level != level || strings.Count(d.Problem.Question, "|") != edges*level {
			t.Errorf("level %d: %s", level, d.Problem.Question)
		}
	}
	for range 3000 {
		d := Countdown().Drill(rng, Lesson{Boxed: 0.5})
		if d.Problem.Level == 1 {
			for _, one := range strings.Split(d.Problem.Question+" "+d.Trace.String(), nextStep) {
				left, right, _ := strings.Cut(one, " = ")
				if v, used, err := evaluate(left); err != nil || fmt.Sprint(v) != right || len(used) != 2 {
					t.Fatalf("%s in %s %s: %v", one, d.Problem.Question, d.Trace, err)
				}
			}
			continue
		}
		g, err := parseGame(d.Problem.Question)
		if err != nil || checkGameGold(d.Problem) != nil || heldOutGames()[g.key()] {
			t.Fatalf("%v: %v", d, err)
		}
		for _, part := range strings.Split(strings.NewReplacer(nextTest, nextStep, nextWay, nextStep).Replace(d.Trace.String()), nextStep) {
			if _, ok := reward.Boxed(part); ok {
				continue
			}
			if left, right, ok := strings.Cut(part, " = "); ok {
				if v, _, err := evaluate(left); err != nil || fmt.Sprint(v) != right {
					t.Fatalf("%s in %s", part, d.Trace)
				}
			} else if w := strings.Fields(part); (len(w) == 3) != (w[0] == w[len(w)-1]) || w[len(w)-1] != fmt.Sprint(g.target) {
				t.Fatalf("%s in %s", part, d.Trace)
			}
		}
	}
}

// The generator goes on from wherever a prefix ends.
func TestContinue(t *testing.T) {
	p := coat.Problem{Question: "| 7 3 | 5 7 | 5 2 | 2 9 / 5 3 =", Answer: "5 7 3"}
	for _, c := range []struct{ prefix, want string }{
		{`5 7 `, `<|continue|> 7 3 <|continue|> \boxed{ 5 7 3 } `},
		{`5 7 <|continue|> 7 3 <|reflect|>`, ` 3 is 3 <|continue|> \boxed{ 5 7 3 } `},
		{`5 7 <|continue|> 7 3 <|continue|> \boxed{ 5 7 3 } <|reflect|>`, ` 3 is 3 <|continue|> \boxed{ 5 7 3 } `},
		{`5 7 <|continue|> 7 3 <|reflect|> 3 is 3 `, `<|continue|> \boxed{ 5 7 3 } `},
		{`5 7 <|reflect|>`, ` 7 is not 3 <|continue|> 7 3 <|reflect|> 3 is 3 <|continue|> \boxed{ 5 7 3 } `},
		{`5 2 <|continue|> 2 9 <|continue|> \boxed{ 5 2 9 } <|reflect|>`, ` 9 is not 3 <|explore|> 5 7 <|continue|> 7 3 <|reflect|> 3 is 3 <|continue|> \boxed{ 5 7 3 } `},
		{`5 2 <|continue|> 2 9 <|reflect|> 9 is not 3 <|explore|> 5 7 `, `<|continue|> 7 3 <|reflect|> 3 is 3 <|continue|> \boxed{ 5 7 3 } `},
	} {
		prefix, err := coat.Parse(c.prefix)
		require.NoError(t, err)
		got, err := PathStar().Generate(context.Background(), p, prefix, 1)
		if err != nil || got.String() != c.want {
			t.Errorf("%s\ngoes on %q, %v\n   want %q", c.prefix, got, err, c.want)
		}
	}
	for _, prefix := range []string{`5 9 `, `5 2 <|continue|> 7 3 `, `5 2 <|continue|> 2 9 <|explore|> 5 2 `, `7 3 `} {
		trace, _ := coat.Parse(prefix)
		if got, err := PathStar().Generate(context.Background(), p, trace, 1); err == nil {
			t.Errorf("%s goes on %q", prefix, got)
		}
	}
}

// An expression is right only if it uses the numbers and has the target as its value
// by a second computation.
func FuzzCountdown(f *testing.F) {
	f.Add("11 * ( 12 - 9 )")
	f.Add("((12)-9)*(11)")
	f.Add("12 - - 9")
	f.Add("")
	p := coat.Problem{Question: "12 11 9 make 33 :", Answer: "11 * ( 12 - 9 )"}
	f.Fuzz(func(t *testing.T, text string) {
		value, numbers, err := evaluate(text)
		if err == nil && (len(numbers) == 0 || len(numbers) > operands) {
			t.Fatalf("%q: %d numbers", text, len(numbers))
		}
		if value > most*most*most || value < -most*most*most {
			t.Fatalf("%q has the value %d", text, value)
		}
		box := `\boxed{ ` + text + ` }`
		if strings.ContainsAny(text, `{}\`) || !check(t, Countdown(), p, box) {
			return
		}
		// 33 is (12 - 9) · 11 in whatever order; nothing else has that value.
		bare := strings.NewReplacer("(", "", ")", "", " ", "", "\t", "", "\n", "", "\r", "").Replace(text)
		if !strings.Contains(bare, "12-9") || strings.Count(bare, "*") != 1 || len(bare) != 7 {
			t.Fatalf("%q is right", text)
		}
	})
}
