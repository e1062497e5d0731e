package coat_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
)

func Example() {
	trace, err := coat.Parse("20 40<|continue|> 40 29<|reflect|> 29 is not 47<|explore|> 20 10<|continue|> \\boxed{ 20 10 }")
	if err != nil {
		panic(err)
	}
	for _, step := range trace {
		fmt.Printf("%-12v %q\n", step.Action, step.Text)
	}
	fmt.Println(trace.CoT())
	// Output:
	//              "20 40"
	// <|continue|> " 40 29"
	// <|reflect|>  " 29 is not 47"
	// <|explore|>  " 20 10"
	// <|continue|> " \\boxed{ 20 10 }"
	// 20 10<|continue|> \boxed{ 20 10 }
}

// A fault in a file of problems is an error with its file, line and field.
func ExampleReadProblems() {
	text := `{"id":"1","question":"What is 6 · 7?","answer":"42","level":1}
{"id":"2","question":"What is 2 + 2?"}
`
	_, err := coat.ReadProblems(strings.NewReader(text), "problems.jsonl")
	fmt.Println(err)
	var fault *coat.LineError
	if errors.As(err, &fault) {
		fmt.Println("line", fault.Line, "field", fault.Field)
	}
	// Output:
	// problems.jsonl:2: field "answer": is missing
	// line 2 field answer
}

// A text that is no trace is an error with its place.
func ExampleParse() {
	_, err := coat.Parse("2 + 2 <|reflect|><|explore|> 4")
	var fault *coat.SyntaxError
	if errors.As(err, &fault) {
		fmt.Printf("at byte %d: %s\n", fault.Offset, fault.Msg)
	}
	// Output:
	// at byte 17: step 1 (<|reflect|>) has no text
}

// The prompt of the paper's models, of a restart.
func ExampleMath() {
	start := coat.Start{
		Problem: coat.Problem{Question: "What is 6 · 7?"},
		Prefix:  coat.Trace{{Text: "6 · 7 = 48"}, {Action: coat.Reflect}},
		Prior:   coat.Wrong,
	}
	fmt.Println(coat.Math(start))
	// Output:
	// <|im_start|>user
	// Solve the following math problem efficiently and clearly.
	// Please reason step by step, and put your final answer within \boxed{}.
	// Problem: What is 6 · 7?<|im_end|>
	// <|im_start|>assistant
	// 6 · 7 = 48<|reflect|>
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		want coat.Trace
		err  string
	}{
		{text: "", want: nil},
		{text: "a", want: coat.Trace{{"", "a"}}},
		{text: "<|reflect|>", want: coat.Trace{{coat.Reflect, ""}}},
		{text: "a<|reflect|> ", want: coat.Trace{{"", "a"}, {coat.Reflect, " "}}},
		{text: "<|explore|>b<|continue|>c", want: coat.Trace{{coat.Explore, "b"}, {coat.Continue, "c"}}},
		{text: "a <| <|im_end|> <|continue|>b", want: coat.Trace{{"", "a <| <|im_end|> "}, {coat.Continue, "b"}}},
		{text: "a<|reflect|><|explore|>b", err: "at byte 12: step 1 (<|reflect|>) has no text"},
		{text: "a<|reflect|> <|explore|>b", err: "at byte 12: step 1 (<|reflect|>) has no text"},
		{text: " <|explore|>b", err: "at byte 0: step 0 (the opening) has no text"},
		{text: "a\xff", err: "at byte 1: text is not UTF-8"},
	} {
		got, err := coat.Parse(c.text)
		if c.err != "" {
			var syntax *coat.SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("Parse(%q): error %v, want %s", c.text, err, c.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("Parse(%q) = %#v, %v, want %#v", c.text, got, err, c.want)
		}
	}
}

func TestParseActions(t *testing.T) {
	got, err := coat.NewActions("plan").Parse("a<|plan|>b<|reflect|>c")
	want := coat.Trace{{"", "a"}, {"plan", "b<|reflect|>c"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v", got, err)
	}
}

func TestCoT(t *testing.T) {
	for _, c := range []struct{ trace, want string }{
		{"a<|continue|> b<|continue|> \\boxed{1}", "a<|continue|> b<|continue|> \\boxed{1}"},
		{"a<|reflect|> ok<|continue|> \\boxed{1}", "a<|continue|> \\boxed{1}"},
		{"a<|continue|> \\boxed{1}<|reflect|> no<|explore|> c<|continue|> \\boxed{2}", "c<|continue|> \\boxed{2}"},
		{"a<|continue|> \\boxed{1}<|reflect|> yes<|continue|> \\boxed{1}", "a<|continue|> \\boxed{1}"},
		{"", ""},
	} {
		trace, err := coat.Parse(c.trace)
		if err != nil {
			t.Fatal(err)
		}
		if got := trace.CoT().String(); got != c.want {
			t.Errorf("CoT of %q = %q, want %q", c.trace, got, c.want)
		}
	}
}

// Every text either fails or comes back whole, and every trace that Parse gives is
// parsed again to itself.
func FuzzParse(f *testing.F) {
	f.Add("a<|continue|>b<|reflect|>c<|explore|>d")
	f.Add("<|reflect|>")
	f.Add("<|<|continue|>|>")
	f.Fuzz(func(t *testing.T, text string) {
		trace, err := coat.Parse(text)
		if err != nil {
			return
		}
		if trace.String() != text {
			t.Fatalf("String() = %q, want %q", trace.String(), text)
		}
		again, err := coat.Parse(trace.String())
		if err != nil || !slices.Equal(again, trace) {
			t.Fatalf("second Parse = %v, %v", again, err)
		}
		trace.CoT()
	})
}

func TestReadProblems(t *testing.T) {
	good := `{"id":"a","question":"1 1 make 2","answer":"1 + 1","level":3,"numbers":[1,1]}`
	for _, c := range []struct{ name, text, err string }{
		{"good", good + "\n\n" + `{"question":"q","answer":"x"}`, ""},
		{"broken", good + "\n{\"id\":\"b\",", "p.jsonl:2: is not JSON"},
		{"type", good + "\n" + `{"id":"b","question":7,"answer":"x"}`, `p.jsonl:2: field "question": is a JSON number, want a string`},
		{"question", `{"id":"b","answer":"x"}`, `p.jsonl:1: field "question": is missing`},
		{"answer", `{"id":"b","question":"x"}`, `p.jsonl:1: field "answer": is missing`},
		{"twice", good + "\n" + good, `p.jsonl:2: field "id": "a" is the id of line 1 already`},
		{"empty", "\n", "p.jsonl: has no problems"},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems, err := coat.ReadProblems(strings.NewReader(c.text), "p.jsonl")
			if c.err == "" {
				if err != nil || len(problems) != 2 || problems[0].Level != 3 || problems[1].ID != "3" {
					t.Fatalf("got %+v, %v", problems, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.err) || problems != nil {
				t.Fatalf("got %v, %v, want %s", problems, err, c.err)
			}
		})
	}
}

func TestDemoRoundTrip(t *testing.T) {
	trace, _ := coat.Parse("a<|reflect|> b\n\"c\"")
	want := coat.Demo{Problem: coat.Problem{ID: "1", Question: "q", Answer: "a"}, Trace: trace, Kind: coat.TypeII1}
	var b strings.Builder
	if err := coat.WriteLines(&b, slices.Values([]coat.Demo{want, want})); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "<|reflect|>") {
		t.Errorf("token is escaped: %s", b.String())
	}
	n := 0
	for got, err := range coat.ReadLines[coat.Demo](strings.NewReader(b.String()), "d.jsonl") {
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v", got, err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("read %d demos, want 2", n)
	}
}

// A key tells attempts apart by all that they are.
func TestKey(t *testing.T) {
	a := coat.Attempt{Start: coat.Start{Problem: coat.Problem{ID: "1"}, Prefix: coat.Trace{{"", "a"}}, Prior: coat.Wrong}, Text: "b"}
	like := a
	like.Start.Prefix = slices.Clone(a.Start.Prefix)
	if a.Key() != like.Key() {
		t.Error("equal attempts have two keys")
	}
	for i, change := range []func(a *coat.Attempt){
		func(a *coat.Attempt) { a.Start.Problem.Answer = "2" },
		func(a *coat.Attempt) { a.Start.Prefix = nil },
		func(a *coat.Attempt) { a.Start.Prior = coat.Right },
		func(a *coat.Attempt) { a.Text = "c" },
		func(a *coat.Attempt) { a.Truncated = true },
	} {
		other := a
		if change(&other); other.Key() == a.Key() {
			t.Errorf("change %d leaves the key", i)
		}
	}
}

func TestStarts(t *testing.T) {
	problems := []coat.Problem{{ID: "1"}, {ID: "2"}}
	if got := slices.Collect(coat.Starts(problems)); !reflect.DeepEqual(got, []coat.Start{{Problem: problems[0]}, {Problem: problems[1]}}) {
		t.Errorf("%v", got)
	}
	for range coat.Starts(problems) {
		break // as any loop over a stream may
	}
}
