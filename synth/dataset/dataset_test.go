package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(path string) (ps []coat.Problem, err error) {
	for p, err := range Open(path) {
		if err != nil {
			return ps, err
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// The layouts, each as its source has it.
var layouts = map[string]struct {
	text string
	want coat.Problem
}{
	"gsm8k":    {`{"question":"Half of 48?","answer":"48/2 = <<48/2=24>>24 clips.\n#### 24"}`, coat.Problem{ID: "x:1", Question: "Half of 48?", Answer: "24", Solution: "48/2 = 24 clips."}},
	"math":     {`{"problem":"Half of $1$?","level":"Level 3","type":"Algebra","solution":"It is $\\boxed{\\frac{1}{2}}$."}`, coat.Problem{ID: "x:1", Question: "Half of $1$?", Answer: `\frac{1}{2}`, Solution: `It is $\boxed{\frac{1}{2}}$.`, Level: 3}},
	"math-500": {`{"problem":"2?","solution":"\\boxed{3}","answer":"2","level":2,"unique_id":"a/1.json"}`, coat.Problem{ID: "a/1.json", Question: "2?", Answer: "2", Solution: `\boxed{3}`, Level: 2}},
	"openmath": {`{"problem":"2?","generated_solution":"s","expected_answer":"2","problem_source":"gsm8k"}`, coat.Problem{ID: "x:1", Question: "2?", Answer: "2", Solution: "s"}},
	"plain":    {`{"problem":"2?","answer":2}`, coat.Problem{ID: "x:1", Question: "2?", Answer: "2"}},
	"own":      {`{"id":"p","question":"2?","answer":"2","level":1}`, coat.Problem{ID: "p", Question: "2?", Answer: "2", Level: 1}},
}

func TestLayouts(t *testing.T) {
	for name, l := range layouts {
		for ending, text := range map[string]string{".jsonl": l.text + "\n", ".json": "[\n" + l.text + "\n]"} {
			ps, err := read(write(t, "x"+ending, text))
			if err != nil || len(ps) != 1 || ps[0] != l.want {
				t.Errorf("%s%s: %+v, %v", name, ending, ps, err)
			}
		}
	}
}

func TestParquet(t *testing.T) {
	type row struct {
		Question string   `parquet:"question"`
		Answer   *string  `parquet:"answer,optional,dict"`
		Level    int32    `parquet:"level"`
		Tags     []string `parquet:"tags,list"`
	}
	text := "so\n#### 3"
	var rows []row
	for range 1000 {
		rows = append(rows, row{"What is 3?", &text, 4, []string{"a", "b"}})
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteParquet(f, slices.Values(rows)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	ps, err := read(path)
	if err != nil || len(ps) != 1000 || ps[999] != (coat.Problem{ID: "x:1000", Question: "What is 3?", Answer: "3", Solution: "so", Level: 4}) {
		t.Errorf("%d problems, %v", len(ps), err)
	}
}

func TestDirectory(t *testing.T) {
	path := write(t, "x.jsonl", layouts["own"].text)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "a.json"), []byte(layouts["plain"].text), 0o644); err != nil {
		t.Fatal(err)
	}
	if ps, err := read(filepath.Dir(path)); err != nil || len(ps) != 2 || ps[0].ID != "a:1" || ps[1].ID != "p" {
		t.Errorf("%+v, %v", ps, err)
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"x.jsonl", "{}\n", "row 1: has no question"},
		{"x.jsonl", `{"question":"a","answer":"1"}` + "\n" + `{"question":`, "x.jsonl:2"},
		{"x.json", `[{"question":"a","answer":"1"}`, "row 1"},
		{"x.json", `[{"question":"a"}]`, "has no answer"},
		{"x.parquet", "not parquet at all", "x.parquet"},
		{"x.csv", "", "ends in none"},
	} {
		if _, err := read(write(t, c.name, c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v", c.name, c.text, err)
		}
	}
	if _, err := read(filepath.Join(t.TempDir(), "none.jsonl")); err == nil {
		t.Error("a file that is not there is read")
	}
}

// What is written for trainers reads back the same from JSON and from Parquet.
func TestRows(t *testing.T) {
	p := coat.Problem{ID: "1", Question: "q", Answer: "2"}
	prefix := coat.Trace{{Text: "a"}, {Action: coat.Reflect}}
	attempt := func(text string) coat.Attempt {
		return coat.Attempt{Start: coat.Start{Problem: p, Prefix: prefix}, Text: text}
	}
	pair := reward.Pair{Chosen: attempt(" yes"), Rejected: attempt(" no")}
	ask := func(p coat.Problem) string { return p.Question }
	user, yes, no := []Message{{"user", "q"}}, Message{"assistant", "a<|reflect|> yes"}, Message{"assistant", "a<|reflect|> no"}
	both(t, NewPreference(pair, ask), Preference{user, []Message{yes}, []Message{no}})
	both(t, NewRanking(pair, ask), Ranking{user, yes, no})
	for prior, status := range map[coat.Outcome]int{coat.Unknown: 0, coat.Right: 1, coat.Wrong: -1} {
		both(t, NewRestart(coat.Start{Problem: p, Prefix: prefix, Prior: prior}, coat.Bare), Restart{"q a<|reflect|>", "2", status})
	}
	demo := coat.Demo{Problem: p, Trace: coat.Trace{{Text: "a"}}, Kind: coat.TypeII1}
	both(t, NewChat(demo, nil), Chat{"1", "II-I", []Message{{"user", coat.MathTurn(p)}, {"assistant", "a"}}})
	both(t, NewTuning(demo, coat.Math), Tuning{coat.Math(coat.Start{Problem: p}), "a", "type_II_I_data"})
}

func both[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var lines, columns bytes.Buffer
	var again T
	err := coat.WriteLines(&lines, slices.Values([]T{got}))
	if err == nil {
		err = json.Unmarshal(lines.Bytes(), &again)
	}
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("from JSON %+v, %v", again, err)
	}
	if err := WriteParquet(&columns, slices.Values([]T{got})); err != nil {
		t.Error(err)
	}
	rows, err := parquet.Read[T](bytes.NewReader(columns.Bytes()), int64(columns.Len()))
	if err != nil || len(rows) != 1 || !reflect.DeepEqual(rows[0], want) {
		t.Errorf("from Parquet %+v, %v", rows, err)
	}
}

func TestInfo(t *testing.T) {
	var b bytes.Buffer
	if err := Info(&b, "demos.jsonl", ""); err != nil {
		t.Fatal(err)
	}
	var sets map[string]map[string]any
	if err := json.Unmarshal(b.Bytes(), &sets); err != nil || len(sets) != 1 || fmt.Sprint(sets["satori_demos"]["columns"]) != "map[messages:messages]" {
		t.Errorf("%s, %v", b.String(), err)
	}
}

// Files that pyarrow wrote (testdata/make.py): row groups, dictionaries, Snappy and zstd,
// large strings, lists and nulls beside what is read.
func TestPyarrow(t *testing.T) {
	ps, err := read("testdata/gsm8k.parquet")
	if err != nil || len(ps) != 300 || ps[299] != (coat.Problem{ID: "gsm8k:300", Question: "How much is 299 and 299?", Answer: "598", Solution: "299+299 = 598."}) {
		t.Errorf("%d problems, %+v, %v", len(ps), ps[len(ps)-1], err)
	}
	ps, err = read("testdata/math.parquet")
	if err != nil || len(ps) != 300 || ps[7] != (coat.Problem{ID: "math:8", Question: "Halve $7$.", Answer: `\frac{7}{2}`, Solution: `It is $\boxed{\frac{7}{2}}$.`, Level: 5}) {
		t.Errorf("%d problems, %+v, %v", len(ps), ps[len(ps)-1], err)
	}
}
