package eval

import (
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/answer"
)

// Boxes returns the vote of each attempt in [Majority] where answers can be written in one
// way: the words of its last box. An attempt without a box, or truncated, gets "". An
// empty box is a vote, too: " ".
func Boxes(attempts []coat.Judged) []string {
	votes := make([]string, len(attempts))
	for i, a := range attempts {
		if box, ok := reward.Boxed(a.Text); ok && !a.Truncated {
			votes[i] = vote(box)
		}
	}
	return votes
}

// vote makes an answer into a vote.
func vote(answer string) string {
	if words := strings.Fields(answer); len(words) > 0 {
		return strings.Join(words, " ")
	}
	return " "
}

// Answers returns the vote of each attempt in [Majority] where answers are mathematics: the
// final answer, as package answer finds it. Attempts at a problem that say the same in
// different ways get the words of the first of them. An attempt in which package answer
// finds none gets its vote of [Boxes].
func Answers(attempts []coat.Judged) []string {
	type said struct {
		gold *answer.Gold // nil where the text cannot be read
		text string
	}
	votes := Boxes(attempts)
	byProblem := map[coat.Problem][]said{}
	for i, a := range attempts {
		text, ok := answer.Extract(a.Text)
		if !ok || a.Truncated {
			continue
		}
		problem, known := a.Start.Problem, false
		for _, s := range byProblem[problem] {
			if known = s.text == text || s.gold != nil && s.gold.Equal(text).Equal; known {
				text = s.text
				break
			}
		}
		if !known {
			gold, _ := answer.CompileGold(text) // a policy's answer may be anything
			byProblem[problem] = append(byProblem[problem], said{gold, text})
		}
		votes[i] = vote(text)
	}
	return votes
}
