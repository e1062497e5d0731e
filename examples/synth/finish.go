package main

import (
	"fmt"
	"io"
	"iter"
	"path/filepath"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/synth"
	"github.com/satori-go/satori/synth/agent"
	"github.com/satori-go/satori/synth/clean"
	"github.com/satori-go/satori/synth/dataset"
	"github.com/satori-go/satori/synth/run"
)

// finish reads results.jsonl and writes the files for trainers and the report.
func finish(f flags, cleaned clean.Report, problems int, meter *agent.Meter, stdout io.Writer) error {
	p := page{Problems: problems, Cleaned: cleaned, Usage: meter.Usage(), Total: meter.Total()}
	manifest, err := run.ReadManifest(f.out)
	if err != nil {
		return err
	}
	p.Manifest = manifest
	for result, err := range run.Read(f.out) {
		if err != nil {
			return err
		}
		p.add(result)
	}
	files := []struct {
		name  string
		write func(io.Writer) error
	}{
		{"demos.jsonl", func(w io.Writer) error {
			return lines(w, demos(f.out), func(d coat.Demo) dataset.Chat { return dataset.NewChat(d, nil) })
		}},
		{"demos.parquet", func(w io.Writer) error {
			return columns(w, demos(f.out), func(d coat.Demo) dataset.Chat { return dataset.NewChat(d, nil) })
		}},
		{"pairs.trl.jsonl", func(w io.Writer) error {
			return lines(w, pairs(f.out), func(p reward.Pair) dataset.Preference { return dataset.NewPreference(p, nil) })
		}},
		{"pairs.llamafactory.jsonl", func(w io.Writer) error {
			return lines(w, pairs(f.out), func(p reward.Pair) dataset.Ranking { return dataset.NewRanking(p, nil) })
		}},
		{"dataset_info.json", func(w io.Writer) error { return dataset.Info(w, "demos.jsonl", "pairs.llamafactory.jsonl") }},
		{"report.html", p.write},
	}
	for _, file := range files {
		if err := rundir.WriteFile(filepath.Join(f.out, file.name), file.write); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(stdout, "%d demonstrations of %d problems: %s\n", p.Demos(), p.Stats.Problems, filepath.Join(f.out, "report.html"))
	return err
}

// demos reads the demonstrations of a run.
func demos(dir string) iter.Seq2[coat.Demo, error] {
	return func(yield func(coat.Demo, error) bool) {
		for r, err := range run.Read(dir) {
			if err != nil {
				yield(coat.Demo{}, err)
				return
			}
			for _, d := range r.Demos {
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

// pairs reads pairs for a reward model: a right and a wrong first solution of each problem
// that has both.
func pairs(dir string) iter.Seq2[reward.Pair, error] {
	return func(yield func(reward.Pair, error) bool) {
		for r, err := range run.Read(dir) {
			if err != nil {
				yield(reward.Pair{}, err)
				return
			}
			if len(r.Right) > 0 && len(r.Wrong) > 0 && !yield(pair(r), nil) {
				return
			}
		}
	}
}

// pair takes the first right and the first wrong solution; their order is random.
func pair(r synth.Result) reward.Pair {
	attempt := func(t coat.Trace) coat.Attempt {
		return coat.Attempt{Start: coat.Start{Problem: r.Problem}, Text: t.String()}
	}
	return reward.Pair{Chosen: attempt(r.Right[0]), Rejected: attempt(r.Wrong[0])}
}

// lines converts values with make and writes them as JSON Lines.
func lines[In, Out any](w io.Writer, in iter.Seq2[In, error], make func(In) Out) error {
	var fault error
	if err := coat.WriteLines(w, rows(in, make, &fault)); err != nil {
		return err
	}
	return fault
}

// columns converts values with make and writes them as Parquet.
func columns[In, Out any](w io.Writer, in iter.Seq2[In, error], make func(In) Out) error {
	var fault error
	if err := dataset.WriteParquet(w, rows(in, make, &fault)); err != nil {
		return err
	}
	return fault
}

// rows converts values with make. It ends at the first error and sets fault.
func rows[In, Out any](in iter.Seq2[In, error], make func(In) Out, fault *error) iter.Seq[Out] {
	return func(yield func(Out) bool) {
		for v, err := range in {
			if err != nil {
				*fault = err
				return
			}
			if !yield(make(v)) {
				return
			}
		}
	}
}
