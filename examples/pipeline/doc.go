// Package pipeline trains models in stages, in a directory that survives whatever ends the
// program. The programs examples/satori and others like it are a recipe and the order of
// their stages; what a stage does is here.
//
//   - [Open] takes a directory for a [Run] with certain settings;
//   - [Run.Stage] does a piece of work once: a run that continues skips the stages that are
//     whole, and reads what they made from their files;
//   - [Run.Demos], [Run.Imitate], [Run.Sample], [Run.RewardModel], [Run.Reinforce] and
//     [Run.Evaluate] are the stages of Satori (arXiv 2502.02508);
//   - [Run.Report] writes metrics.jsonl, summary.json and report.html.
//
// The package knows no task and no model. A [Task] is a value: the template of the prompts,
// the check of the attempts and the limit of a response. Models are those of package model,
// whether a program made them or opened a pretrained one.
package pipeline
