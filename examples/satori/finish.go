package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/report"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward/eval"
)

// stages in the order in which they run.
var stages = []string{"facts", "base", "demos", "ft", "samples", "rm", "rl", "harvest", "distilled", "round2", "cot_ft", "cot_rl",
	"eval_cot_ft", "eval_cot_rl", "eval_ft", "eval_rl", "eval_round2"}

// Report writes metrics.jsonl, summary.json and report.html, and says on out what came
// out of the run.
func (r *Run) Report(ctx context.Context, out io.Writer) error {
	config, err := os.ReadFile(r.path("config.json"))
	if err != nil {
		return err
	}
	s := report.Summary{Task: r.Task.Name, Seed: r.Seed, Backend: r.backend.Name(), Versions: versions(), Config: config}
	for name, to := range map[string]**report.Evaluation{"ft": &s.FT, "rl": &s.RL, "round2": &s.Round2, "cot_ft": &s.CoTFT, "cot_rl": &s.CoTRL} {
		data, err := os.ReadFile(r.path("eval_" + name + ".json"))
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
	records, err := r.records(stages)
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
		Title: "Satori: " + r.Task.Name, Notes: r.notes(), Summary: s, Metrics: metrics, Samples: append(samples, rollouts...),
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
	tell(out, s)
	fmt.Fprintf(out, "\nreport: %s\n", r.path("report.html"))
	return nil
}

// pick chooses trajectories to show: the same problems before and after RL.
func (r *Run) pick(ctx context.Context) ([]report.Sample, error) {
	before, err := readJudged(ctx, r, "eval_ft.jsonl")
	if err != nil {
		return nil, err
	}
	after, err := readJudged(ctx, r, "eval_rl.jsonl")
	if err != nil {
		return nil, err
	}
	return report.Pick(ctx, before, after, r.Task.Check, 12)
}

// rollouts are the last attempts of RL from its journal: of each kind of start one that
// was right and one that was wrong, with what they were rewarded for.
func (r *Run) rollouts(ctx context.Context) ([]report.Sample, error) {
	type class struct{ prior, verdict coat.Outcome }
	last := map[class]ppo.Record{}
	for e, err := range ppo.ReadJournal(r.path("rl" + journalSuffix)) {
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

// notes are what a reader of the report has to know.
func (r *Run) notes() []string {
	return []string{
		fmt.Sprintf("Task: %s. A small transformer, trained from nothing in this run, on one machine.", r.Task.Name),
		"The demonstrations are not a language model's: the generator is a program that makes plausible mistakes, and the critic is an exact program.",
		"Right and wrong are decided by an exact checker.",
		fmt.Sprintf("Everything below is measured on the %s problems of the task, which are no training problems of it; hard problems are harder than any of training.", r.split),
		"Self-correction: an attempt counts where a reflection follows a complete answer. F→T: that answer was wrong, the last one right; T→F the other way round.",
		"The chain-of-thought twin, where there is one, has the same base model, demonstrations less reflection and exploration, the same reward model and the same number of rollouts. It has no restarts, which begin with a reflection.",
		"Second attempts are forced: a finished attempt is put before the model again, with <|reflect|> behind it.",
	}
}

// tell prints the figures in a few lines.
func tell(out io.Writer, s report.Summary) {
	fmt.Fprintf(out, "\n%-8s %8s %8s %8s %8s %10s %14s %14s\n", "", "greedy", "T=1", "hard", "tokens", "truncated", "F→T : T→F", "at T=1")
	for _, row := range []struct {
		name string
		s    *report.Evaluation
	}{{"ft", s.FT}, {"rl", s.RL}, {"round2", s.Round2}, {"cot_ft", s.CoTFT}, {"cot_rl", s.CoTRL}} {
		if row.s == nil {
			continue
		}
		fmt.Fprintf(out, "%-8s %7.1f%% %7.1f%% %7.1f%% %8.1f %9.1f%% %14s %14s\n", row.name, 100*row.s.Accuracy, 100**row.s.AccuracyT1,
			100*row.s.Hard.Accuracy, row.s.MeanTokens, 100*row.s.Truncated, ratio(row.s.SelfCorrection), ratio(row.s.SelfCorrectionT1))
	}
}

func ratio(c *eval.Correction) string { return fmt.Sprintf("%d : %d", c.F2T, c.T2F) }
