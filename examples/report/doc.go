// Package report writes what a run of examples/satori leaves behind: summary.json,
// metrics.jsonl and report.html.
//
//   - a [Summary] is summary.json, whose names other programs rely on;
//   - a [Metric] is a line of metrics.jsonl;
//   - a [Sample] is attempts at one problem side by side, with each boxed answer
//     judged; [Pick] chooses telling ones;
//   - a [Report] is all of it, and [Write] makes one HTML file that needs no network
//     and no script, light or dark as its reader prefers.
//
// The page shows what there is: a stage that was not run is left out.
package report
