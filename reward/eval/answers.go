package eval

import (
	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward/answer"
)

// Answers sets the Answer of each result to its final answer as package answer finds it,
// so that attempts at a problem which say the same in different ways vote together: each
// gets the text of the first that it equals. One that gives no answer keeps its Answer
// empty and, having no box either, no vote.
func Answers(results []Result) {
	type said struct {
		gold *answer.Gold // nil where the text cannot be read
		text string
	}
	byProblem := map[coat.Problem][]said{}
	for i := range results {
		text, ok := answer.Extract(results[i].Attempt.Text)
		if !ok {
			continue
		}
		problem := results[i].Attempt.Start.Problem
		known := ""
		for _, s := range byProblem[problem] {
			if s.text == text || s.gold != nil && s.gold.Equal(text).Equal {
				known = s.text
				break
			}
		}
		if known == "" {
			gold, _ := answer.CompileGold(text) // a policy's answer may be anything
			byProblem[problem] = append(byProblem[problem], said{gold, text})
			known = text
		}
		results[i].Answer = known
	}
}
