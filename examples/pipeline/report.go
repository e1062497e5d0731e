package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/report"
	"github.com/satori-go/satori/ppo/run"
)

// A Page says what a report shows.
type Page struct {
	Title string
	Notes []string // what a reader has to know, a line each
	// Evaluations are the names that Evaluate had, in the order of the tables. The report
	// leaves out what the run does not have.
	Evaluations []string
	// Before and After name the evaluations before and after RL. The report shows their
	// attempts at the same problems, and the last rollouts of the stage After.
	Before, After string
	Last          string // the evaluation in the figures at the top; where the run does not have it: After
}

// Report writes metrics.jsonl, summary.json and report.html, and prints the figures.
func (r *Run) Report(ctx context.Context, p Page) error {
	config, err := os.ReadFile(r.Path("config.json"))
	if err != nil {
		return err
	}
	s := report.Summary{Task: r.Task.Name, Seed: r.Seed, Backend: r.Backend.Name(), Versions: report.Versions(), Config: config}
	if s.Evaluations, err = r.evaluations(p.Evaluations); err != nil {
		return err
	}
	records, err := r.records()
	if err != nil {
		return err
	}
	var metrics []report.Metric
	for _, rec := range records {
		s.Stages = append(s.Stages, rec.Stage)
		metrics = append(metrics, rec.Metrics...)
	}
	samples, err := r.pick(ctx, p.Before, p.After)
	if err != nil {
		return err
	}
	rollouts, err := report.PickRollouts(ctx, run.ReadLog(r.Path(p.After+rolloutLog)), r.Task.Check)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if s.Evaluation(p.Last) == nil {
		p.Last = p.After
	}
	var page, text bytes.Buffer
	err = report.Write(&page, report.Report{
		Title: p.Title, Notes: p.Notes, Summary: s, Metrics: metrics, Samples: append(samples, rollouts...),
		Before: p.Before, After: p.Last,
	})
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s); err != nil {
		return err
	}
	err = errors.Join(
		writeLines(r, "metrics.jsonl", metrics),
		r.writeFile("summary.json", text.Bytes()),
		r.writeFile("report.html", page.Bytes()),
	)
	if err != nil {
		return err
	}
	report.Print(r.Out, s)
	fmt.Fprintf(r.Out, "\nreport: %s\n", r.Path("report.html"))
	return nil
}

// evaluations reads what Evaluate wrote under the names.
func (r *Run) evaluations(names []string) (list []report.Evaluation, err error) {
	for _, name := range names {
		data, err := os.ReadFile(r.Path("eval_" + name + ".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		e := report.Evaluation{Name: name}
		if err == nil {
			err = json.Unmarshal(data, &e)
		}
		if err != nil {
			return nil, fmt.Errorf("eval_%s.json: %w", name, err)
		}
		list = append(list, e)
	}
	return list, nil
}

// pick chooses attempts to show: at the same problems before and after RL.
func (r *Run) pick(ctx context.Context, before, after string) ([]report.Sample, error) {
	var both [2][]coat.Judged
	for i, name := range []string{before, after} {
		list, err := r.readJudged(ctx, "eval_"+name+".jsonl")
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		both[i] = list
	}
	return report.Pick(ctx, both[0], both[1], r.Task.Check, 12)
}
