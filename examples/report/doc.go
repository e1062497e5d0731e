// Package report defines the files that a run of package pipeline leaves: summary.json,
// metrics.jsonl and report.html.
//
//   - a [Summary] is summary.json. Other programs rely on its names;
//   - a [Metric] is a line of metrics.jsonl;
//   - a [Sample] holds attempts at one problem, side by side, with a verdict on each boxed
//     answer. [Pick] chooses samples of different kinds;
//   - a [Report] holds all of this. [Write] makes one HTML file of it, which needs no network
//     and no script, and follows the reader's choice of light or dark.
//
// The page leaves out what a run does not have.
package report
