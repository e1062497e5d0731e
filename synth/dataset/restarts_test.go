package dataset

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/rae"
)

func readRestarts(text string, t coat.Template, problems []coat.Problem) (list []coat.Start, err error) {
	for s, err := range ReadRestarts(strings.NewReader(text), "r.jsonl", t, problems) {
		if err != nil {
			return list, err
		}
		list = append(list, s)
	}
	return list, nil
}

// Starts that are written come back the same, restarts that [rae.Cut] makes among them,
// and so does the file.
func TestRestartsRoundTrip(t *testing.T) {
	var starts []coat.Start
	var problems []coat.Problem
	for i, text := range []string{"a\n<|continue|>\nb", "a<|reflect|> \"ü\"<|explore|> \\boxed{1}", "a b <|continue|> \\boxed{2} "} {
		p := coat.Problem{ID: fmt.Sprint("p", i), Question: fmt.Sprintf("Q %d <b> =", i), Answer: fmt.Sprint(i)}
		problems = append(problems, p)
		fresh := coat.Start{Problem: p}
		starts = append(starts, fresh)
		for back, prior := range []coat.Outcome{coat.Right, coat.Wrong} {
			s, err := rae.Cut(coat.Judged{Attempt: coat.Attempt{Start: fresh, Text: text}, Outcome: prior}, back, coat.Reflect)
			if err != nil {
				t.Fatal(err)
			}
			starts = append(starts, s)
		}
	}
	for what, c := range map[string]struct {
		template coat.Template
		problems []coat.Problem
	}{"math": {coat.Math, nil}, "math, known": {coat.Math, problems}, "bare, known": {coat.Bare, problems}} {
		var file, again bytes.Buffer
		rows := func(list []coat.Start) (rows []Restart) {
			for _, s := range list {
				rows = append(rows, NewRestart(s, c.template))
			}
			return rows
		}
		if err := coat.WriteLines(&file, slices.Values(rows(starts))); err != nil {
			t.Fatal(err)
		}
		text := file.String()
		got, err := readRestarts(text, c.template, c.problems)
		if err != nil || len(got) != len(starts) {
			t.Fatalf("%s: %d starts, %v", what, len(got), err)
		}
		for i, s := range got {
			want := starts[i]
			if c.problems == nil {
				want.Problem.ID = fmt.Sprintf("r:%d", i+1)
			}
			if !reflect.DeepEqual(s, want) {
				t.Errorf("%s: %+v, want %+v", what, s, want)
			}
		}
		if err := coat.WriteLines(&again, slices.Values(rows(got))); err != nil || again.String() != text {
			t.Errorf("%s: written again the file is\n%s, want\n%s, %v", what, again.String(), text, err)
		}
	}
}

func TestRestartsFaults(t *testing.T) {
	const head = `<|im_start|>user\nSolve the following math problem efficiently and clearly.\nPlease reason step by step, and put your final answer within \\boxed{}.\nProblem: `
	const turn = `<|im_end|>\n<|im_start|>assistant\n`
	good := `{"query":"` + head + `2?` + turn + `a<|reflect|>","answer":"2","reflect_status":1}` + "\n"
	if got, err := readRestarts(good+"\n"+`{"query":"`+head+`2?`+turn+`","answer":"2","datasource":"x"}`, coat.Math, nil); err != nil || len(got) != 2 || got[1].Prior != coat.Unknown {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, c := range []struct {
		row, want string
		problems  []coat.Problem
	}{
		{`{"query":"` + head, "r.jsonl:2: is not JSON", nil},
		{`{"answer":"2"}`, "row 2: has no query", nil},
		{`{"query":"a"}`, "row 2: has no query or no answer", nil},
		{`{"query":7,"answer":"2"}`, `r.jsonl:2: field "query"`, nil},
		{`{"query":"a","answer":"2","reflect_status":"1"}`, `field "reflect_status"`, nil},
		{strings.Replace(good, ":1}", ":2}", 1), "reflect_status is 2", nil},
		{strings.Replace(good, ":1}", ":0}", 1), "reflect_status is 0 and the query has 2 steps", nil},
		{strings.Replace(good, `,"reflect_status":1}`, "}", 1), "reflect_status is 0 and the query has 2 steps", nil},
		{strings.Replace(good, "<|reflect|>", "<|reflect|> no", 1), "does not end in steps and a bare token such as <|reflect|>", nil},
		{strings.Replace(good, "a<|reflect|>", "", 1), "does not end in steps", nil},
		{strings.Replace(good, "a<|reflect|>", "<|reflect|>", 1), "does not end in steps", nil},
		{strings.Replace(good, "a<|reflect|>", "a<|reflect|><|explore|>", 1), "the steps taken", nil},
		{strings.Replace(good, "Solve", "solve", 1), "does not tell where its question ends", nil},
		{strings.Replace(good, "2?", "2?"+turn, 1), "occurs 2 times", nil},
		{strings.Replace(good, "2?", "", 1), "has no question", nil},
		{strings.Replace(good, `"answer":"2"`, `"answer":""`, 1), `answer is ""`, nil},
		{good, "of none of the problems", []coat.Problem{{ID: "1", Question: "3?", Answer: "2"}}},
		{good, `answer is "2", want "3"`, []coat.Problem{{ID: "1", Question: "2?", Answer: "3"}}},
	} {
		first := good
		if c.problems != nil { // the first row is the faulty one
			first = ""
		}
		got, err := readRestarts(first+c.row, coat.Math, c.problems)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.problems == nil && len(got) != 1 {
			t.Errorf("%s: %d read, %v, want %s", c.row, len(got), err, c.want)
		}
	}
}
