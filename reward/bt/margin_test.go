package bt

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/eval"
	"github.com/satori-go/satori/synth"
)

// The margin against none, by RM@n on problems that no pair is of. The attempts and the
// format-tuned model are those of a run of examples/satori on path-star, whose directory
// SATORI_RUN names:
//
//	SATORI_RUN=satori-out/path-star go test -run TestMarginTable -v -timeout 1h ./reward/bt
func TestMarginTable(t *testing.T) {
	dir := os.Getenv("SATORI_RUN")
	if dir == "" {
		t.Skip("SATORI_RUN names no run of examples/satori")
	}
	ctx := context.Background()
	lm, err := model.Open(openBackend(t.Fatal), filepath.Join(dir, "ft"))
	require.NoError(t, err)
	train, test := judged(t, filepath.Join(dir, "samples.jsonl"))
	g := eval.Summarize(test).Groups
	t.Logf("%d problems held out: pass@1 %.3f, maj@%d %.3f, pass@%d %.3f", g.Problems, g.Pass1, g.Size, g.MajN, g.Size, g.PassN)
	for _, each := range []int{1, math.MaxInt} {
		pairs, err := synth.Pairs(train, each, 1)
		require.NoError(t, err)
		if each > 1 && len(pairs) > 1600 {
			pairs = pairs[:1600] // as many problems as come to that
		}
		for _, margin := range []float64{NoMargin, 2} {
			var rms []string
			mean, accuracy := 0.0, 0.0
			for seed := range uint64(3) {
				m := newModel(t.Fatal, lm, seed)
				for _, err := range m.Train(ctx, pairs, Config{LearningRate: 1e-3, Batch: 32, Margin: margin, Seed: seed, Every: math.MaxInt, Problems: test}) {
					require.NoError(t, err)
				}
				rms = append(rms, percent(m.RM))
				mean += m.RM / 3
				accuracy += m.Accuracy / 3
				m.Net.Close()
			}
			t.Logf("%4d pairs, τ %.0f: RM@%d %s, mean %s; accuracy on held-out pairs %s", len(pairs), margin, g.Size, strings.Join(rms, " "), percent(mean), percent(accuracy))
		}
	}
}

func percent(share float64) string { return strings.TrimSpace(fmt.Sprintf("%5.1f%%", 100*share)) }

// judged reads attempts and judges them: those of two problems of three for pairs, and
// the others.
func judged(t *testing.T, path string) (train, test []coat.Judged) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var all []coat.Attempt
	for line := range strings.Lines(string(data)) {
		var a coat.Attempt
		require.NoError(t, json.Unmarshal([]byte(line), &a))
		all = append(all, a)
	}
	list, err := reward.Judge(t.Context(), reward.Exact, all, 0)
	require.NoError(t, err)
	number := map[coat.Problem]int{}
	for _, a := range list {
		p := a.Start.Problem
		if _, known := number[p]; !known {
			number[p] = len(number)
		}
		if number[p]%3 != 0 {
			train = append(train, a)
		} else {
			test = append(test, a)
		}
	}
	return train, test
}
