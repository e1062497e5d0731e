package reward_test

import (
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

func TestAnswer(t *testing.T) {
	check := reward.Answer()
	for _, c := range []struct {
		gold, text string
		want       float64
	}{
		{`\frac{1}{2}`, `so it is \boxed{0.5}.`, 1},
		{`\frac{1}{2}`, `so it is \boxed{0.5} <|reflect|> no, \boxed{2}.`, 0},
		{"1,000", "#### 1000", 1},
		{"72", "The answer is 72.", 1},
		{"72", "72", 0},
		{"72", `\boxed{71, 72, 73}`, 0},
		{"72", "", 0},
	} {
		a := coat.Attempt{Start: coat.Start{Problem: coat.Problem{Answer: c.gold}}, Text: c.text}
		for range 2 {
			if got, err := check(t.Context(), a); err != nil || got != c.want {
				t.Errorf("%q for %q: %v, %v, want %v", c.text, c.gold, got, err, c.want)
			}
		}
		rule, err := reward.Correct(check)(t.Context(), a)
		if err != nil || rule != c.want-1 {
			t.Errorf("%q for %q: rule %v, %v", c.text, c.gold, rule, err)
		}
	}
	for _, gold := range []string{"", `\frac{1}{`, "1/0", "0=0"} {
		a := coat.Attempt{Start: coat.Start{Problem: coat.Problem{Answer: gold}}, Text: `\boxed{1}`}
		if v, err := check(t.Context(), a); err == nil {
			t.Errorf("a problem with the answer %q scores %v, want an error", gold, v)
		}
	}
}

// A problem that Answer could not judge is refused when it is read, with its line.
func TestReadable(t *testing.T) {
	good := `{"question":"q","answer":"1/2"}`
	bad := `{"id":"b","question":"q","answer":"\\frac{1}{0}"}`
	if _, err := coat.ReadProblems(strings.NewReader(good), "p.jsonl", reward.Readable, nil); err != nil {
		t.Error(err)
	}
	_, err := coat.ReadProblems(strings.NewReader(good+"\n"+bad), "p.jsonl", nil, reward.Readable)
	if err == nil || !strings.HasPrefix(err.Error(), "p.jsonl:2: ") {
		t.Errorf("got %v, want an error of line 2", err)
	}
}
