// Package pipeline trains models in stages, in a directory from which an interrupted program
// resumes. A program such as examples/satori says the recipe and the order of the stages; this
// package has the stages.
//
//   - [Open] opens a directory for a [Run] with certain settings;
//   - [Run.Stage] does a piece of work once. A resumed run skips the complete stages and reads
//     their results from files;
//   - [Run.Demos], [Run.Imitate], [Run.Sample], [Run.RewardModel], [Run.Reinforce] and
//     [Run.Evaluate] are the stages of Satori (arXiv 2502.02508);
//   - [Run.Report] writes metrics.jsonl, summary.json and report.html.
//
// The package knows no task and no model. A [Task] is a value: the template of the prompts,
// the check of the attempts and the limit of a response. Models are those of package model,
// whether a program made them or opened a pretrained one.
package pipeline
