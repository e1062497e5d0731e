package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/report"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/reward/eval"
)

// An Exam holds what a model is evaluated on.
type Exam struct {
	Test   []coat.Problem // that the model was not trained on
	Hard   []coat.Problem // problems that are harder than those of training; nil: there are none
	Second int            // finished attempts that the model has to look at again, at most; 0: none
	// Ways counts what an attempt tries. Nil: it is not counted.
	Ways func(coat.Attempt) (report.Ways, error)
}

// Evaluate judges a model in the stage eval_NAME: greedy and at temperature 1, greedy on the
// hard problems, how it corrects itself, and how it answers when it has to look at its answer
// again. The figures are in eval_NAME.json, the greedy attempts in eval_NAME.jsonl.
func (r *Run) Evaluate(ctx context.Context, name string, lm *model.LM, x Exam) error {
	return r.Stage("eval_"+name, func(s *Stage) error {
		greedy := model.SamplingParams{MaxTokens: r.Task.MaxTokens}
		warm := greedy
		warm.Temperature, warm.Seed = 1, sampler.FoldIn(r.Seed, 0x31)
		judge := func(phase string, starts []coat.Start, p model.SamplingParams) ([]coat.Judged, error) {
			return r.attempt(ctx, s, phase, lm, starts, p)
		}
		test := slices.Collect(coat.Starts(x.Test))
		results, err := judge("greedy", test, greedy)
		if err != nil {
			return err
		}
		at1, err := judge("T=1", test, warm)
		if err != nil {
			return err
		}
		hard, err := judge("hard", slices.Collect(coat.Starts(x.Hard)), greedy)
		if err != nil {
			return err
		}
		again := secondAttempts(results, r.Fits(lm))
		again = again[:min(x.Second, len(again))] // of problems in a random order, if the caller has shuffled them
		forced, err := judge("second attempts", again, greedy)
		if err != nil {
			return err
		}
		summary, err := r.summarize(ctx, x, results, at1, hard, forced)
		if err != nil {
			return err
		}
		data, err := json.MarshalIndent(summary, "", "  ")
		if err != nil {
			return err
		}
		return errors.Join(writeLines(r, "eval_"+name+".jsonl", results), r.writeFile("eval_"+name+".json", append(data, '\n')))
	})
}

// summarize makes the figures of judged attempts: greedy ones, those at temperature 1, those
// at hard problems and forced second attempts.
func (r *Run) summarize(ctx context.Context, x Exam, results, at1, hard, forced []coat.Judged) (report.Evaluation, error) {
	summary := report.Evaluation{Summary: eval.Summarize(results)}
	warm := eval.Summarize(at1)
	summary.AccuracyT1 = &warm.Accuracy
	if len(x.Hard) > 0 {
		harder := eval.Summarize(hard)
		summary.Hard = &harder
	}
	natural, err := eval.SelfCorrection(ctx, results, r.Task.Check, 0)
	if err != nil {
		return summary, err
	}
	natural1, err := eval.SelfCorrection(ctx, at1, r.Task.Check, 0)
	if err != nil {
		return summary, err
	}
	summary.SelfCorrection, summary.SelfCorrectionT1 = &natural, &natural1
	if x.Second > 0 {
		second, err := eval.SecondAttempt(ctx, forced, r.Task.Check, 0)
		if err != nil {
			return summary, err
		}
		summary.SecondAttempt = &second
	}
	if x.Ways == nil {
		return summary, nil
	}
	summary.Ways, summary.WaysT1 = new(report.Ways), new(report.Ways)
	return summary, errors.Join(summary.Ways.Count(results, x.Ways), summary.WaysT1.Count(at1, x.Ways))
}

// secondAttempts makes finished attempts into starts that look at them again, if their
// prompts fit.
func secondAttempts(results []coat.Judged, fits func(coat.Start) bool) (starts []coat.Start) {
	for _, j := range results {
		if s, err := rae.Cut(j, 0, coat.Reflect); err == nil && fits(s) { // not truncated, and a trace
			starts = append(starts, s)
		}
	}
	return starts
}
