package tasks

import (
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/report"
)

func TestWays(t *testing.T) {
	p := coat.Problem{ID: "a", Question: "| 7 3 | 5 7 | 5 2 | 2 9 / 5 3 ="}
	for _, c := range []struct {
		text      string
		truncated bool
		want      report.Ways
	}{
		{`5 7 <|continue|> 7 3 <|continue|> \boxed{ 5 7 3 }`, false, report.Ways{Tried: 1, Whole: 1}},
		{`5 2 <|continue|> 2 9 <|reflect|> 9 is not 3 <|explore|> 5 7 <|continue|> 7 3 <|reflect|> 3 is 3 <|continue|> \boxed{ 5 7 3 }`, false,
			report.Ways{Tried: 2, Whole: 2, Checks: 2, ChecksRight: 2}},
		{`5 2 <|reflect|> 2 is 3 <|continue|> 2 9 <|continue|> \boxed{ 5 2 9 } <|reflect|> 9 is not 3 <|explore|> 5 2 <|continue|> 2 9`, false,
			report.Ways{Tried: 2, Whole: 2, Again: 1, Checks: 2, ChecksRight: 1}},
		{`5 2 <|continue|> 2 3 <|reflect|> 3 is 3 <|explore|> 5 7 <|explore|> 5 7 <|continue|> 7 3 <|continue|> 3 9`, false, report.Ways{Tried: 3}},
		{`<|reflect|> <|continue|> <|reflect|> not`, false, report.Ways{Tried: 1}},
		{`5 2 <|continue|> 2 9 <|reflect|> 9 is not 3 <|explore|> 5`, true, report.Ways{Tried: 1, Whole: 1, Checks: 1, ChecksRight: 1}},
		{``, false, report.Ways{Tried: 1}},
	} {
		got, err := PathStar().Ways(coat.Attempt{Start: coat.Start{Problem: p}, Text: c.text, Truncated: c.truncated})
		if err != nil || got != c.want {
			t.Errorf("%s\n%+v, want %+v, error %v", c.text, got, c.want, err)
		}
	}
	if _, err := PathStar().Ways(coat.Attempt{}); err == nil {
		t.Error("a question that cannot be read")
	}
}
