package coat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
)

// A problem that is solved with a fourth action, <|plan|>: what is made of it is parsed,
// written and read with that action.
func ExampleNewActions() {
	const plan = coat.Action("plan")
	actions := coat.NewActions(plan, coat.Continue, coat.Reflect, coat.Explore)
	fmt.Println(actions.Tokens()) // for the tokenizer

	problem := coat.Problem{ID: "1", Question: "What is 6 · 7?", Answer: "42", Actions: actions}
	attempt := coat.Attempt{Start: coat.Start{Problem: problem}, Text: `<|plan|> multiply<|continue|> \boxed{42}`}
	trace, err := attempt.Trace()
	if err != nil {
		panic(err)
	}
	for _, step := range trace {
		fmt.Printf("%s:%s\n", step.Action, step.Text)
	}
	// Output:
	// [<|plan|> <|continue|> <|reflect|> <|explore|>]
	// <|plan|>: multiply
	// <|continue|>: \boxed{42}
}

func TestActions(t *testing.T) {
	var paper coat.Actions
	four := coat.NewActions("plan", coat.Continue, coat.Reflect, coat.Explore)
	none := coat.NewActions()
	if coat.NewActions(coat.Continue, coat.Reflect, coat.Explore) != paper || none == paper || four == paper {
		t.Error("sets are equal that are not, or the paper's set is not the zero value")
	}
	for _, c := range []struct {
		set  coat.Actions
		list []coat.Action
		text string
	}{
		{paper, []coat.Action{coat.Continue, coat.Reflect, coat.Explore}, `["continue","reflect","explore"]`},
		{four, []coat.Action{"plan", coat.Continue, coat.Reflect, coat.Explore}, `["plan","continue","reflect","explore"]`},
		{none, nil, `[]`},
	} {
		if !slices.Equal(c.set.List(), c.list) || len(c.set.Tokens()) != len(c.list) || c.set.Has("plan") != slices.Contains(c.list, "plan") || c.set.Has(coat.None) {
			t.Errorf("list %v, tokens %v, want %v", c.set.List(), c.set.Tokens(), c.list)
		}
		var again, fromText coat.Actions
		data, err := json.Marshal(c.set)
		if err != nil || string(data) != c.text {
			t.Errorf("in JSON %s, %v, want %s", data, err, c.text)
		}
		if err := json.Unmarshal(data, &again); err != nil || again != c.set {
			t.Errorf("from %s: %v, %v", data, again, err)
		}
		text, err := c.set.MarshalText()
		if err == nil {
			err = fromText.UnmarshalText(text)
		}
		if err != nil || fromText != c.set {
			t.Errorf("from %q: %v, %v", text, fromText, err)
		}
	}
	if trace, err := none.Parse("a<|reflect|>b"); err != nil || len(trace) != 1 {
		t.Errorf("with no actions: %v, %v", trace, err)
	}
	for _, bad := range [][]coat.Action{{""}, {"a b"}, {"a", "b", "a"}, {"a|"}, {"<a"}, {"\xff"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q are taken", bad)
				}
			}()
			coat.NewActions(bad...)
		}()
	}
	for _, bad := range []string{`["a","a"]`, `[""]`, `7`, `"a a"`, `[7]`} {
		if got := four; json.Unmarshal([]byte(bad), &got) == nil || got != four {
			t.Errorf("%s is read as %v", bad, got)
		}
	}
}

// What is made of a problem with further actions is read back with them, from every
// line of a file.
func TestActionsInLines(t *testing.T) {
	p := coat.Problem{ID: "1", Question: "q", Answer: "a", Actions: coat.NewActions("plan", coat.Reflect)}
	trace := coat.Trace{{Action: "plan", Text: " a<|continue|>b "}, {Action: coat.Reflect}}
	both(t, coat.Start{Problem: p, Prefix: trace, Prior: coat.Right},
		`{"problem":{"id":"1","question":"q","answer":"a","actions":["plan","reflect"]},"prefix":"<|plan|> a<|continue|>b <|reflect|>","prior":"right"}`)
	both(t, coat.Attempt{Start: coat.Start{Problem: p, Prefix: trace, Prior: coat.Wrong}, Text: "x"},
		`{"start":{"problem":{"id":"1","question":"q","answer":"a","actions":["plan","reflect"]},"prefix":"<|plan|> a<|continue|>b <|reflect|>","prior":"wrong"},"text":"x"}`)
	both(t, coat.Demo{Problem: p, Trace: trace, Kind: coat.TypeI},
		`{"problem":{"id":"1","question":"q","answer":"a","actions":["plan","reflect"]},"trace":"<|plan|> a<|continue|>b <|reflect|>","kind":"I"}`)
	problems, err := coat.ReadProblems(strings.NewReader(`{"id":"1","question":"q","answer":"a","actions":["plan","reflect"]}`), "p.jsonl")
	if err != nil || problems[0] != p {
		t.Errorf("problems %+v, %v", problems, err)
	}
}

// both writes a value as a line and reads it back.
func both[T any](t *testing.T, value T, want string) {
	t.Helper()
	var b strings.Builder
	if err := coat.WriteLines(&b, slices.Values([]T{value})); err != nil || b.String() != want+"\n" {
		t.Errorf("written %s, %v, want %s", b.String(), err, want)
	}
	for got, err := range coat.ReadLines[T](strings.NewReader(b.String()), "x.jsonl") {
		if err != nil || !reflect.DeepEqual(got, value) {
			t.Errorf("read %+v, %v, want %+v", got, err, value)
		}
	}
}

// An outcome is a word; the numbers of older files are read; everything else is an error
// that names the line and the field. Before, {"prior": 9} was read and panicked later.
func TestOutcomes(t *testing.T) {
	for text, want := range map[string]coat.Outcome{
		`{"prior":"wrong"}`: coat.Wrong, `{"prior":"right"}`: coat.Right, `{"prior":"unknown"}`: coat.Unknown,
		`{"prior":1}`: coat.Wrong, `{"prior":2}`: coat.Right, `{"prior":0}`: coat.Unknown, `{}`: coat.Unknown, `{"prior":null}`: coat.Unknown,
	} {
		for got, err := range coat.ReadLines[coat.Start](strings.NewReader(text), "s.jsonl") {
			if err != nil || got.Prior != want {
				t.Errorf("%s: %v, %v, want %v", text, got.Prior, err, want)
			}
		}
	}
	for _, bad := range []string{"9", "3", "-1", "1.5", `"Right"`, `""`, `"9"`, "true", "[1]", "{}", "10"} {
		for got, err := range coat.ReadLines[coat.Start](strings.NewReader("{}\n"+`{"prior":`+bad+"}"), "s.jsonl") {
			if err == nil && got.Prior == coat.Unknown { // the first line
				continue
			}
			var at *coat.LineError
			if !errors.As(err, &at) || at.Line != 2 || at.Field != "prior" || !strings.Contains(err.Error(), `want "wrong" or "right"`) {
				t.Errorf("%s: %v, %v", bad, got.Prior, err)
			}
		}
	}
	for o, want := range map[coat.Outcome]string{coat.Unknown: "original", coat.Wrong: "wrong", coat.Right: "right", 3: "Outcome(3)", 255: "Outcome(255)"} {
		if o.String() != want {
			t.Errorf("%d is %q, want %q", uint8(o), o.String(), want)
		}
	}
	if _, err := json.Marshal(coat.Start{Prior: 9}); err == nil {
		t.Error("an outcome that is none is written")
	}
}

// A fault within a start or a demonstration names its field.
func TestFieldErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"problem":{"question":7}}`:                                     `s.jsonl:1: field "problem.question": is a JSON number, want a string`,
		`{"prefix":"a<|reflect|><|explore|>b"}`:                          `s.jsonl:1: field "prefix": coat: at byte 12`,
		`{"prefix":7}`:                                                   `s.jsonl:1: field "prefix": is a JSON number`,
		`{"problem":{"actions":["a","a"]}}`:                              `s.jsonl:1: field "problem": coat: action "a" occurs twice`,
		`{"problem":{"actions":["plan"]},"prefix":"a<|plan|><|plan|>b"}`: `s.jsonl:1: field "prefix": coat: at byte 9`,
	} {
		for _, err := range coat.ReadLines[coat.Start](strings.NewReader(text), "s.jsonl") {
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s: %v, want %s", text, err, want)
			}
		}
	}
	for _, err := range coat.ReadLines[coat.Demo](strings.NewReader(`{"trace":"a\ud800<|reflect|><|explore|>"}`), "d.jsonl") {
		if err == nil || !strings.Contains(err.Error(), `field "trace"`) {
			t.Error(err)
		}
	}
}
