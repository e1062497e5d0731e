package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/synth/clean"
	"github.com/satori-go/satori/synth/dataset"
)

// readProblems reads and cleans the problems. It writes each dropped problem and the reason
// to dropped.jsonl.
func readProblems(f flags) (kept []coat.Problem, report clean.Report, err error) {
	config := clean.Config{Check: reward.Readable}
	for _, path := range f.against {
		config.Against = append(config.Against, clean.Set{Name: filepath.Base(path), Problems: dataset.Open(path)})
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return nil, report, err
	}
	file, err := os.Create(filepath.Join(f.out, "dropped.jsonl"))
	if err != nil {
		return nil, report, err
	}
	defer file.Close()
	dropped := json.NewEncoder(file)
	for v, err := range clean.Problems(dataset.Open(f.problems), config) {
		if err != nil {
			return nil, report, err
		}
		if report.Add(v); v.Reason == clean.Kept {
			kept = append(kept, v.Problem)
		} else if err := dropped.Encode(map[string]string{"id": v.Problem.ID, "reason": string(v.Reason), "why": v.Why}); err != nil {
			return nil, report, err
		}
		if f.limit > 0 && len(kept) == f.limit {
			break
		}
	}
	if len(kept) == 0 {
		return nil, report, fmt.Errorf("%s: all of its %d problems were dropped; dropped.jsonl has the reasons", f.problems, report.Read)
	}
	return kept, report, file.Close()
}
