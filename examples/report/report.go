package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

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

	FT     *eval.Summary `json:"ft,omitempty"`     // after format tuning
	RL     *eval.Summary `json:"rl,omitempty"`     // after reinforcement learning
	Round2 *eval.Summary `json:"round2,omitempty"` // after distillation and a second round
	CoTFT  *eval.Summary `json:"cot_ft,omitempty"` // the chain-of-thought twins
	CoTRL  *eval.Summary `json:"cot_rl,omitempty"`
}

// A Stage is what a part of the run cost.
type Stage struct {
	Name        string  `json:"name"`
	Seconds     float64 `json:"seconds"`
	Tokens      int     `json:"tokens"`       // sampled or trained on
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
