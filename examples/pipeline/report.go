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
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward/eval"
)

// Report writes metrics.jsonl, summary.json and report.html, and prints the figures.
func (r *Run) Report(ctx context.Context, notes []string) error {
	config, err := os.ReadFile(r.Path("config.json"))
	if err != nil {
		return err
	}
	s := report.Summary{Task: r.Task.Name, Seed: r.Seed, Backend: r.Backend.Name(), Versions: versions(), Config: config}
	for name, to := range map[string]**report.Evaluation{"ft": &s.FT, "rl": &s.RL, "round2": &s.Round2, "cot_ft": &s.CoTFT, "cot_rl": &s.CoTRL} {
		data, err := os.ReadFile(r.Path("eval_" + name + ".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(data, to)
		}
		if err != nil {
			return fmt.Errorf("eval_%s.json: %w", name, err)
		}
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
	samples, err := r.pick(ctx)
	if err != nil {
		return err
	}
	rollouts, err := r.rollouts(ctx)
	if err != nil {
		return err
	}
	var page, text bytes.Buffer
	err = report.Write(&page, report.Report{
		Title: "Satori: " + r.Task.Name, Notes: notes, Summary: s, Metrics: metrics, Samples: append(samples, rollouts...),
	})
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s); err != nil {
		return err
	}
	err = errors.Join(writeLines(r, "metrics.jsonl", metrics), r.writeFile("summary.json", text.Bytes()), r.writeFile("report.html", page.Bytes()))
	if err != nil {
		return err
	}
	r.print(s)
	return nil
}

// pick chooses trajectories to show: the same problems before and after RL.
func (r *Run) pick(ctx context.Context) ([]report.Sample, error) {
	before, err := r.readJudged(ctx, "eval_ft.jsonl")
	if err != nil {
		return nil, err
	}
	after, err := r.readJudged(ctx, "eval_rl.jsonl")
	if err != nil {
		return nil, err
	}
	return report.Pick(ctx, before, after, r.Task.Check, 12)
}

// rollouts chooses from the last attempts of RL, which its journal has: of each kind of
// start one that was right and one that was wrong, with their rewards.
func (r *Run) rollouts(ctx context.Context) ([]report.Sample, error) {
	type class struct{ prior, verdict coat.Outcome }
	last := map[class]ppo.Record{}
	for e, err := range ppo.ReadJournal(r.Path("rl" + journalSuffix)) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		last[class{e.Start.Prior, e.Verdict}] = e
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
	fmt.Fprintf(r.Out, "\n%-8s %8s %8s %8s %8s %10s %14s %14s\n", "", "greedy", "T=1", "hard", "tokens", "truncated", "F→T : T→F", "at T=1")
	for _, row := range []struct {
		name string
		s    *report.Evaluation
	}{{"ft", s.FT}, {"rl", s.RL}, {"round2", s.Round2}, {"cot_ft", s.CoTFT}, {"cot_rl", s.CoTRL}} {
		if row.s == nil {
			continue
		}
		hard := "–"
		if row.s.Hard != nil {
			hard = fmt.Sprintf("%.1f%%", 100*row.s.Hard.Accuracy)
		}
		fmt.Fprintf(r.Out, "%-8s %7.1f%% %7.1f%% %8s %8.1f %9.1f%% %14s %14s\n", row.name, 100*row.s.Accuracy, 100**row.s.AccuracyT1,
			hard, row.s.MeanTokens, 100*row.s.Truncated, ratio(row.s.SelfCorrection), ratio(row.s.SelfCorrectionT1))
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
