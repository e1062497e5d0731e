package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward/eval"
)

// A Summary is summary.json.
type Summary struct {
	Task     string            `json:"task"`
	Seed     uint64            `json:"seed"`
	Backend  string            `json:"backend"`
	Versions map[string]string `json:"versions"`         // of Go and of modules
	Config   json.RawMessage   `json:"config,omitempty"` // the settings of the program

	Stages []Stage `json:"stages"`

	// Evaluations are in summary.json under their names, such as "ft" and "rl", in the
	// order of the pipeline. A name cannot be that of another field.
	Evaluations []Evaluation `json:"-"`
}

// An Evaluation holds the figures of a model on problems that it was not trained on.
type Evaluation struct {
	Name string `json:"-"` // of the stage that made the model
	eval.Summary
	Ways   *Ways `json:"ways,omitempty"`    // of the greedy attempts
	WaysT1 *Ways `json:"ways_t1,omitempty"` // of those at temperature 1
}

// Ways counts what responses try, right or wrong. A response begins a way, and so does
// every <|explore|> in it.
type Ways struct {
	Tried       int `json:"tried"`
	Whole       int `json:"whole"`  // each step is one that the question allows, up to the way's end
	Again       int `json:"again"`  // of those that are whole: tried before in the same response
	Checks      int `json:"checks"` // reflections on steps that the question allows
	ChecksRight int `json:"checks_right"`
}

// Count adds the counts of attempts. The function ways counts one attempt.
func (w *Ways) Count(attempts []coat.Judged, ways func(coat.Attempt) (Ways, error)) error {
	for _, j := range attempts {
		n, err := ways(j.Attempt)
		if err != nil {
			return err
		}
		w.Tried += n.Tried
		w.Whole += n.Whole
		w.Again += n.Again
		w.Checks += n.Checks
		w.ChecksRight += n.ChecksRight
	}
	return nil
}

// Evaluation finds the evaluation with a name; nil: there is none.
func (s Summary) Evaluation(name string) *Evaluation {
	i := slices.IndexFunc(s.Evaluations, func(e Evaluation) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Evaluations[i]
}

// fields lists the names in summary.json that are not of evaluations.
var fields = []string{"task", "seed", "backend", "versions", "config", "stages"}

// MarshalJSON writes the fields, then each evaluation under its name.
func (s Summary) MarshalJSON() ([]byte, error) {
	type plain Summary // has no methods
	data, err := json.Marshal(plain(s))
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(data[:len(data)-1])
	for i, e := range s.Evaluations {
		if slices.Contains(fields, e.Name) || s.Evaluation(e.Name) != &s.Evaluations[i] {
			return nil, fmt.Errorf("report: %q cannot be the name of evaluation %d: another field has it", e.Name, i+1)
		}
		name, err := json.Marshal(e.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(b, ",%s:%s", name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Summary) UnmarshalJSON(data []byte) error {
	type plain Summary
	var read plain
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	in := json.NewDecoder(bytes.NewReader(data))
	if _, err := in.Token(); err != nil { // {
		return err
	}
	for in.More() { // in the order of the file
		token, err := in.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return err
		}
		name := token.(string)
		if slices.Contains(fields, name) {
			continue
		}
		e := Evaluation{Name: name}
		if err := json.Unmarshal(value, &e); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
		read.Evaluations = append(read.Evaluations, e)
	}
	*s = Summary(read)
	return nil
}

// A Stage says what a part of the run cost.
type Stage struct {
	Name        string  `json:"name"`
	Seconds     float64 `json:"seconds"`
	Tokens      int     `json:"tokens"`       // sampled or trained on
	Sampled     int     `json:"sampled"`      // of these
	CoreSeconds float64 `json:"core_seconds"` // of processor time
}

// A Report holds what the page shows.
type Report struct {
	Title   string
	Notes   []string // what the reader has to know, a line each
	Summary Summary
	// Before and After name the evaluations that the figures at the top compare. Where either
	// is missing the page has no figures there.
	Before, After string
	Metrics       []Metric // see Metric for the names that are drawn
	Samples       []Sample
}

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Parse(pageHTML))

// Write writes the page. It escapes everything that a model wrote.
func Write(w io.Writer, r Report) error {
	if err := page.Execute(w, newView(r)); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
