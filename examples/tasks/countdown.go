package tasks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// Countdown makes the task that asks for an expression of three given numbers whose value is
// a target.
func Countdown() Task {
	generate, critic := agents(gamePuzzle)
	return Task{
		Name:      "countdown",
		Words:     countdownWords(),
		Splits:    []string{"train", "valid", "test", "hard"},
		Check:     checkGame,
		CheckGold: checkGameGold,
		Generate:  generate,
		Critic:    critic,
		Drill:     drillGame,
		folder:    "countdown",
		read:      gamePuzzle,
	}
}

const (
	most     = 99 // the largest number and result
	operands = 3  // numbers in a question
	largest  = 12 // the largest number in the question of a drill
	targets  = 50 // the largest target in one

	operationsALine = 10 // in a drill of operations; shorter lines would be mostly padding
)

func countdownWords() []string {
	var words []string
	for i := 1; i <= most; i++ {
		words = append(words, strconv.Itoa(i))
	}
	return append(words, "make", ":", "+", "-", "*", "=", "(", ")", "is", "not", `\boxed{`, "}", ";", ".", "!")
}

// A game is a parsed question.
type game struct {
	numbers []int
	target  int
}

// parseGame parses a question such as "12 11 9 make 33 :"; the colon may be left out.
func parseGame(question string) (game, error) {
	words := strings.Fields(strings.TrimSuffix(question, ":"))
	if len(words) != operands+2 || words[operands] != "make" {
		return game{}, errors.New(`is not of the form "1 2 3 make 6 :"`)
	}
	var g game
	for i, word := range slices.Delete(words, operands, operands+1) {
		n, ok := number(word)
		if !ok {
			return game{}, fmt.Errorf("number %d is %q, want 1 to %d", i+1, word, most)
		}
		g.numbers = append(g.numbers, n)
	}
	g.target = g.numbers[operands]
	g.numbers = g.numbers[:operands]
	return g, nil
}

// number parses a number from 1 to 99 without leading zeros or a sign.
func number(word string) (int, bool) {
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= 1 && n <= most && strconv.Itoa(n) == word
}

func (g game) String() string {
	words := make([]string, len(g.numbers))
	for i, n := range g.numbers {
		words[i] = strconv.Itoa(n)
	}
	return fmt.Sprintf("%s make %d :", strings.Join(words, " "), g.target)
}

// key returns a text that is the same for every order of the numbers and every target.
func (g game) key() string { return fmt.Sprint(slices.Sorted(slices.Values(g.numbers))) }

// judge returns an error that says why an expression does not solve the game, or nil.
func (g game) judge(expression string) error {
	value, used, err := evaluate(expression)
	slices.Sort(used)
	switch {
	case err != nil:
		return err
	case !slices.Equal(used, slices.Sorted(slices.Values(g.numbers))):
		return fmt.Errorf("uses %v, want each of %v once", used, g.numbers)
	case value != g.target:
		return fmt.Errorf("has the value %d, want %d", value, g.target)
	}
	return nil
}

// checkGame judges the expression in the last box by its numbers and its value. It does not
// use the problem's answer, since other expressions are right too.
func checkGame(_ context.Context, a coat.Attempt) (float64, error) {
	g, err := parseGame(a.Start.Problem.Question)
	if err != nil {
		return 0, fmt.Errorf(`tasks: field "question": %w`, err)
	}
	if box, ok := reward.Boxed(a.Text); ok && g.judge(box) == nil {
		return 1, nil
	}
	return 0, nil
}

// checkGameGold returns an error if the gold answer does not solve its problem.
func checkGameGold(p coat.Problem) error {
	g, err := parseGame(p.Question)
	if err != nil {
		return fmt.Errorf(`field "question": %w`, err)
	}
	if err := g.judge(p.Answer); err != nil {
		return fmt.Errorf(`field "answer": %w`, err)
	}
	return nil
}

// gamePuzzle makes the puzzle of a question. Its ways are all that the rules allow: two
// operations, the larger operand first, every result from 1 to 99. There are about twenty
// ways, and few are right. A right one is taken four times in ten, and a search gives up
// after six wrong ones. So solutions stay short, and no place of them shows whether a mistake
// follows.
func gamePuzzle(question string) (puzzle, error) {
	g, err := parseGame(question)
	if err != nil {
		return puzzle{}, err
	}
	z := puzzle{favour: 0.4, searches: 0.25, most: 6}
	seen := map[string]bool{}
	for k, last := range g.numbers {
		a, b := g.numbers[(k+1)%operands], g.numbers[(k+2)%operands]
		for _, first := range operations(a, b) {
			for _, second := range operations(first.result, last) {
				w := way{
					steps:  []string{first.String(), second.String()},
					checks: []string{g.verdict(first.result), g.verdict(second.result)},
					answer: second.around(first),
					right:  second.result == g.target,
				}
				if id := strings.Join(w.steps, " "); !seen[id] {
					seen[id] = true
					z.ways = append(z.ways, w)
				}
			}
		}
	}
	return z, nil
}

func (g game) verdict(n int) string { return verdict(strconv.Itoa(n), strconv.Itoa(g.target)) }

// An operation is one step of a solution.
type operation struct {
	left, right int
	sign        string
	result      int
}

// operations returns the operations of two numbers that the rules allow.
func operations(a, b int) []operation {
	a, b = max(a, b), min(a, b)
	all := []operation{{a, b, "+", a + b}, {a, b, "-", a - b}, {a, b, "*", a * b}}
	return slices.DeleteFunc(all, func(o operation) bool { return o.result < 1 || o.result > most })
}

func (o operation) String() string {
	return o.words() + " = " + strconv.Itoa(o.result)
}

// words writes the operation without its result.
func (o operation) words() string {
	return strconv.Itoa(o.left) + " " + o.sign + " " + strconv.Itoa(o.right)
}

// around writes the operation with the inner one in place of its result.
func (o operation) around(inner operation) string {
	brackets := "( " + inner.words() + " )"
	if o.left == inner.result {
		return brackets + " " + o.sign + " " + strconv.Itoa(o.right)
	}
	return strconv.Itoa(o.left) + " " + o.sign + " " + brackets
}

// drillGame makes drills of three levels: 1, operations of random numbers; 2, numbers
// compared with the target; 3, a few random ways to solve a question, each with its check, one
// of them right.
func drillGame(rng *rand.Rand, l Lesson) coat.Demo {
	level := l.Level
	if level == 0 {
		level = 1 + rng.IntN(3)
	}
	if level == 1 {
		o := randomOperation(rng)
		result := strconv.Itoa(o.result)
		text := result
		for range operationsALine - 1 {
			text += nextStep + randomOperation(rng).String()
		}
		return drilled(coat.Problem{Question: o.words() + " =", Answer: result, Level: level}, text)
	}
	g, ways := newGame(rng)
	rng.Shuffle(len(ways), func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
	hit := slices.IndexFunc(ways, func(w way) bool { return w.right })
	answer := ways[hit].answer
	n := min(2+rng.IntN(5), len(ways)) // 2 to 6
	if hit >= n {
		at := rng.IntN(n)
		ways[at], ways[hit] = ways[hit], ways[at]
	}
	p := coat.Problem{Question: g.String(), Answer: answer, Level: level}
	if level == 3 {
		return drilled(p, playedAll(ways[:n], rng, l.Boxed))
	}
	var verdicts []string
	for _, w := range ways[:n] {
		verdicts = append(verdicts, w.verdict())
	}
	return drilled(p, strings.Join(verdicts, nextTest))
}

// newGame draws a question that has a solution, and returns it with its ways. Its numbers are
// not those of a held-out question.
func newGame(rng *rand.Rand) (game, []way) {
	for {
		g := game{target: 1 + rng.IntN(targets)}
		for range operands {
			g.numbers = append(g.numbers, 1+rng.IntN(largest))
		}
		z, _ := gamePuzzle(g.String()) // no error: the question was made above
		solved := slices.ContainsFunc(z.ways, func(w way) bool { return w.right })
		if solved && !heldOutGames()[g.key()] {
			return g, z.ways
		}
	}
}

// randomOperation draws an operation as in solutions: of two numbers of a question, or of
// such a number and a result.
func randomOperation(rng *rand.Rand) operation {
	for {
		all := operations(1+rng.IntN(most), 1+rng.IntN(largest))
		if len(all) > 0 {
			return all[rng.IntN(len(all))]
		}
	}
}

// heldOutGames returns the keys of the games of all splits but train.
var heldOutGames = sync.OnceValue(func() map[string]bool {
	held := map[string]bool{}
	for p := range heldOut("countdown") {
		g, _ := parseGame(p.Question) // no error: a test parses them all
		held[g.key()] = true
	}
	return held
})
