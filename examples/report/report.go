package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"github.com/satori-go/satori/examples/tasks"
	"github.com/satori-go/satori/reward/eval"
)

// A Summary is summary.json.
type Summary struct {
	Task     string            `json:"task"`
	Seed     uint64            `json:"seed"`
	Backend  string            `json:"backend"`
	Versions map[string]string `json:"versions"`         // of Go and of modules
	Config   json.RawMessage   `json:"config,omitempty"` // whatever the program was told

	Stages []Stage `json:"stages"`

	FT     *Evaluation `json:"ft,omitempty"`     // after format tuning
	RL     *Evaluation `json:"rl,omitempty"`     // after reinforcement learning
	Round2 *Evaluation `json:"round2,omitempty"` // after distillation and a second round
	CoTFT  *Evaluation `json:"cot_ft,omitempty"` // the chain-of-thought twins
	CoTRL  *Evaluation `json:"cot_rl,omitempty"`
}

// An Evaluation is what a model does on problems that it was not trained on.
type Evaluation struct {
	eval.Summary
	Ways   *tasks.Ways `json:"ways,omitempty"`    // of the greedy attempts
	WaysT1 *tasks.Ways `json:"ways_t1,omitempty"` // of those at temperature 1
}

// A Stage is what a part of the run cost.
type Stage struct {
	Name        string  `json:"name"`
	Seconds     float64 `json:"seconds"`
	Tokens      int     `json:"tokens"`       // sampled or trained on
	Sampled     int     `json:"sampled"`      // of these
	CoreSeconds float64 `json:"core_seconds"` // of processor time
}

// A Report is what the page shows.
type Report struct {
	Title   string
	Notes   []string // what the reader has to know, a line each
	Summary Summary
	Metrics []Metric // see Metric for the names that are drawn
	Samples []Sample
}

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Parse(pageHTML))

// Write writes the page. Everything that a model wrote is escaped.
func Write(w io.Writer, r Report) error {
	if err := page.Execute(w, newView(r)); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
