package tasks

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// PathStar makes the task that asks for the path from the centre of a star graph to the end
// of one of its arms.
func PathStar() Task {
	generate, critic := agents(starPuzzle)
	return Task{
		Name:      "path-star",
		Words:     pathStarWords(),
		Splits:    []string{"train", "valid", "test", "hard", "long"},
		Check:     reward.Exact,
		CheckGold: checkPathStar,
		Generate:  generate,
		Critic:    critic,
		Drill:     drillArms,
		folder:    "pathstar",
		read:      starPuzzle,
	}
}

const (
	nodes = 50 // nodes have the names 0 to 49
	edges = 3  // of an arm of a drill
)

func pathStarWords() []string {
	words := make([]string, nodes, nodes+8)
	for i := range words {
		words[i] = strconv.Itoa(i)
	}
	return append(words, "|", "/", "=", "is", "not", `\boxed{`, "}", ";", ".", "!")
}

// A star is a parsed question. An arm lists its nodes from the centre to its end; the arms
// are in the order in which the question lists their first edges.
type star struct {
	arms [][]string
	goal string
	gold int // the arm that ends in goal
}

// parseStar parses a question such as "| 7 3 | 5 7 | 5 2 | 2 9 / 5 3 =".
func parseStar(question string) (star, error) {
	words := strings.Fields(question)
	n := len(words)
	if n < 7 || n%3 != 1 || words[n-4] != "/" || words[n-1] != "=" {
		return star{}, fmt.Errorf(`is not of the form "| 1 2 | 1 3 / 1 3 ="`)
	}
	for i, w := range words[:n-1] {
		if i%3 == 0 && i < n-4 && w != "|" {
			return star{}, fmt.Errorf(`word %d is %q, want "|"`, i+1, w)
		}
		if v, err := strconv.Atoi(w); i%3 != 0 && (err != nil || v < 0 || v >= nodes || strconv.Itoa(v) != w) {
			return star{}, fmt.Errorf("word %d is %q, want a node, 0 to %d", i+1, w, nodes-1)
		}
	}
	centre, goal := words[n-3], words[n-2]
	next, s := map[string]string{}, star{goal: goal, gold: -1}
	entered := map[string]bool{centre: true}
	for i := 1; i < n-4; i += 3 {
		from, to := words[i], words[i+1]
		if _, twice := next[from]; twice || entered[to] {
			return star{}, fmt.Errorf("edge %s %s does not belong to an arm", from, to)
		}
		entered[to] = true
		if from == centre {
			s.arms = append(s.arms, []string{centre, to})
		} else {
			next[from] = to
		}
	}
	walked := 0
	for i, arm := range s.arms {
		for at, ok := arm[1], true; ok; {
			if at, ok = next[at]; ok {
				arm = append(arm, at) // no node is entered twice, so this ends
			}
		}
		if s.arms[i] = arm; arm[len(arm)-1] == goal {
			s.gold = i
		}
		walked += len(arm) - 1
	}
	if lost := (n-4)/3 - walked; lost > 0 {
		return star{}, fmt.Errorf("%d edges cannot be reached from %s", lost, centre)
	}
	if s.gold < 0 {
		return star{}, fmt.Errorf("no arm ends in %s", goal)
	}
	return s, nil
}

// checkPathStar returns an error if the gold answer is not the path.
func checkPathStar(p coat.Problem) error {
	s, err := parseStar(p.Question)
	if err != nil {
		return fmt.Errorf(`field "question": %w`, err)
	}
	if want := s.arms[s.gold]; !slices.Equal(strings.Fields(p.Answer), want) {
		return fmt.Errorf(`field "answer": is %q, the path is %q`, p.Answer, strings.Join(want, " "))
	}
	return nil
}

// question lists the edges in random order.
func (s star) question(rng *rand.Rand) string {
	var list []string
	for _, arm := range s.arms {
		for i := 1; i < len(arm); i++ {
			list = append(list, "| "+arm[i-1]+" "+arm[i])
		}
	}
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return strings.Join(list, " ") + " / " + s.arms[0][0] + " " + s.goal + " ="
}

// starPuzzle makes the puzzle of a question. Its ways are the arms, in the order in which the
// question lists their first edges. All ways are equally likely, since a first edge does not
// show which arm is right. A check of a node in the middle has the form of one at the end.
func starPuzzle(question string) (puzzle, error) {
	s, err := parseStar(question)
	if err != nil {
		return puzzle{}, err
	}
	z := puzzle{listed: true, searches: 0.1}
	for i, arm := range s.arms {
		w := way{answer: strings.Join(arm, " "), right: i == s.gold}
		for j := 1; j < len(arm); j++ {
			w.steps = append(w.steps, arm[j-1]+" "+arm[j])
			w.checks = append(w.checks, verdict(arm[j], s.goal))
		}
		z.ways = append(z.ways, w)
	}
	return z, nil
}

// key returns a text that is the same for every order of a question's edges.
func (s star) key() string {
	arms := make([]string, len(s.arms))
	for i, arm := range s.arms {
		arms[i] = strings.Join(arm, " ")
	}
	slices.Sort(arms)
	return s.goal + "/" + strings.Join(arms, "|")
}

// drillArms makes a drill that walks all arms of a new graph in their order and checks the
// end of each: look-ups and checks without a search. The level is the number of arms, 2 to 8;
// 0 draws it.
func drillArms(rng *rand.Rand, l Lesson) coat.Demo {
	level := l.Level
	if level == 0 {
		level = 2 + rng.IntN(7)
	}
	s := newStar(rng, level)
	for heldOutStars()[s.key()] {
		s = newStar(rng, level)
	}
	p := coat.Problem{Question: s.question(rng), Answer: strings.Join(s.arms[s.gold], " "), Level: level}
	z, _ := starPuzzle(p.Question) // no error: the question was made above
	return drilled(p, playedAll(z.ways, rng, l.Boxed))
}

// newStar draws a graph.
func newStar(rng *rand.Rand, arms int) star {
	names := rng.Perm(nodes)[:1+arms*edges]
	s := star{gold: rng.IntN(arms)}
	for i := range arms {
		arm := []string{strconv.Itoa(names[0])}
		for _, v := range names[1+i*edges : 1+(i+1)*edges] {
			arm = append(arm, strconv.Itoa(v))
		}
		s.arms = append(s.arms, arm)
	}
	s.goal = s.arms[s.gold][edges]
	return s
}

// heldOutStars returns the keys of the graphs of all splits but train.
var heldOutStars = sync.OnceValue(func() map[string]bool {
	held := map[string]bool{}
	for p := range heldOut("pathstar") {
		s, _ := parseStar(p.Question) // no error: a test parses them all
		held[s.key()] = true
	}
	return held
})
