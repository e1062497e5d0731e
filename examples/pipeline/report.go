package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/report"
	"github.com/satori-go/satori/ppo/run"
	"github.com/satori-go/satori/reward/eval"
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
	s := report.Summary{Task: r.Task.Name, Seed: r.Seed, Backend: r.Backend.Name(), Versions: versions(), Config: config}
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
	rollouts, err := r.rollouts(ctx, p.After)
	if err != nil {
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
	r.print(s)
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

// rollouts chooses from the last attempts in the rollout log of a stage of RL. Of each kind of
// start it takes one that was right and one that was wrong, with their rewards.
func (r *Run) rollouts(ctx context.Context, stage string) ([]report.Sample, error) {
	type class struct{ prior, verdict coat.Outcome }
	last := map[class]run.Record{}
	for e, err := range run.ReadLog(r.Path(stage + rolloutLog)) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		last[class{e.Start.Prior, e.Outcome}] = e
	}
	var samples []report.Sample
	for _, prior := range []coat.Outcome{coat.Unknown, coat.Right, coat.Wrong} {
		for _, verdict := range []coat.Outcome{coat.Right, coat.Wrong} {
			e, ok := last[class{prior, verdict}]
			if !ok {
				continue
			}
			label := fmt.Sprintf("reward %.2f:", e.Total)
			for _, part := range slices.Sorted(maps.Keys(e.Parts)) {
				label += fmt.Sprintf(" %s %.2f", part, e.Parts[part])
			}
			j, err := report.Judge(ctx, label, coat.Judged{Attempt: e.Attempt, Outcome: verdict}, r.Task.Check)
			if err != nil {
				return nil, err
			}
			title := fmt.Sprintf("A rollout of RL, iteration %d, start: %v", e.Iteration, prior)
			samples = append(samples, report.Sample{Title: title, Attempts: []report.Judged{j}})
		}
	}
	return samples, nil
}

// print writes the figures in a few lines.
func (r *Run) print(s report.Summary) {
	fmt.Fprintf(r.Out, "\n%-8s %8s %8s %8s %8s %10s %14s %14s\n",
		"", "greedy", "T=1", "hard", "tokens", "truncated", "F→T : T→F", "at T=1")
	for _, e := range s.Evaluations {
		hard := "–"
		if e.Hard != nil {
			hard = fmt.Sprintf("%.1f%%", 100*e.Hard.Accuracy)
		}
		fmt.Fprintf(r.Out, "%-8s %7.1f%% %7.1f%% %8s %8.1f %9.1f%% %14s %14s\n", e.Name, 100*e.Accuracy, 100**e.AccuracyT1,
			hard, e.MeanTokens, 100*e.Truncated, ratio(e.SelfCorrection), ratio(e.SelfCorrectionT1))
	}
	fmt.Fprintf(r.Out, "\nreport: %s\n", r.Path("report.html"))
}

func ratio(c *eval.Correction) string { return fmt.Sprintf("%d : %d", c.F2T, c.T2F) }

// versions names what the figures depend on.
func versions() map[string]string {
	v := map[string]string{"go": runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, m := range info.Deps {
		if strings.HasPrefix(m.Path, "github.com/gomlx/") {
			v[m.Path] = m.Version
		}
	}
	return v
}
