package dataset

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward/answer"
)

// Columns by their content. The first that a row has is taken.
var (
	questionColumns = []string{"question", "problem", "query"}
	answerColumns   = []string{"answer", "expected_answer", "final_answer"}
	solutionColumns = []string{"solution", "generated_solution"}
	idColumns       = []string{"id", "unique_id", "uuid"}
)

// Notes are GSM8K's instructions to a calculator within solutions: <<48/2=24>>.
var notes = regexp.MustCompile(`<<[^<>]*>>`)

// problem reads a row of any layout.
func problem(r row) (coat.Problem, error) {
	p := coat.Problem{
		ID: r.first(idColumns), Question: r.first(questionColumns), Answer: r.first(answerColumns), Solution: r.first(solutionColumns),
		Level: level(r["level"]),
	}
	if before, after, found := cutLast(p.Answer, "####"); found {
		p.Solution, p.Answer = strings.TrimSpace(notes.ReplaceAllString(before, "")), strings.TrimSpace(after)
	}
	if p.Answer == "" && p.Solution != "" {
		p.Answer, _ = answer.Extract(p.Solution)
	}
	switch {
	case p.Question == "":
		return p, errors.New("has no question: looked for the columns " + strings.Join(questionColumns, ", "))
	case p.Answer == "":
		answers, solutions := strings.Join(answerColumns, ", "), strings.Join(solutionColumns, ", ")
		return p, errors.New("has no answer: looked for the columns " + answers + " and for a box in " + solutions)
	}
	return p, nil
}

func (r row) first(columns []string) string {
	for _, c := range columns {
		if v := strings.TrimSpace(r[c]); v != "" {
			return v
		}
	}
	return ""
}

// level reads 3 and "Level 3"; what is no number is 0.
func level(text string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(text, "Level")))
	return n
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
