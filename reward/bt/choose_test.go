package bt

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/eval"
)

// attempts are those of pairs as eval has them: chosen ones right, at problems of their own.
func attempts(list []reward.Pair) (judged []coat.Judged) {
	for _, p := range list {
		for _, a := range []coat.Attempt{p.Chosen, p.Rejected, p.Rejected} {
			a.Start.Problem.ID += " held out"
			j := coat.Judged{Attempt: a, Outcome: coat.Wrong}
			if a.Text == p.Chosen.Text {
				j.Outcome = coat.Right
			}
			judged = append(judged, j)
		}
	}
	return judged
}

// bestOfN is eval.BestOfN where no error is expected.
func bestOfN(t *testing.T, attempts []coat.Judged, scores []float64) float64 {
	t.Helper()
	got, err := eval.BestOfN(attempts, scores)
	require.NoError(t, err)
	return got
}

// The weights that Train ends with are those of the best RM@n, and of equal ones the last.
func TestCheckpoint(t *testing.T) {
	ctx := context.Background()
	m := newModel(t.Fatal, newLM(t.Fatal), 1)
	problems := attempts(pairs(16))
	// What the pairs prefer is told to be wrong here: the better the model learns, the worse
	// it chooses.
	for i := range problems {
		problems[i].Outcome = coat.Right + coat.Wrong - problems[i].Outcome
	}
	best, at, measured := -1.0, 0, 0
	c := Config{LearningRate: 2e-3, Batch: 16, Problems: problems, Every: 3}
	for step, err := range m.Train(ctx, pairs(128), c) {
		require.NoError(t, err)
		if want := step.Step%3 == 0 || step.Step == step.Of; step.Measured != want {
			t.Errorf("step %d of %d: measured %v", step.Step, step.Of, step.Measured)
		}
		if !step.Measured {
			continue
		}
		measured++
		if step.RM >= best {
			best, at = step.RM, step.Step
		}
		scores, err := m.Score(ctx, only(problems))
		if err != nil || bestOfN(t, problems, scores) != step.RM {
			t.Errorf("step %d: RM@n %v, that of the model's scores is %v (%v)", step.Step, step.RM, bestOfN(t, problems, scores), err)
		}
	}
	scores, err := m.Score(ctx, only(problems))
	require.NoError(t, err)
	if got := bestOfN(t, problems, scores); got != best || m.RM != best || m.Problems != 16 {
		t.Errorf("RM@n is %v, Model.RM %v of %d problems, want %v", got, m.RM, m.Problems, best)
	}
	if measured != 6 || at == 16 || best == 0 {
		t.Errorf("%d measurements, the best at step %d: the test shows nothing", measured, at)
	}
	dir := filepath.Join(t.TempDir(), "rm")
	require.NoError(t, m.Save(dir))
	again, err := Open(m.lm, coat.Bare, dir)
	if err != nil || again.RM != best || again.Problems != 16 {
		t.Errorf("RM@n %v of %d problems after Open (%v)", again.RM, again.Problems, err)
	}
}

func only(results []coat.Judged) (list []coat.Attempt) {
	for _, r := range results {
		list = append(list, r.Attempt)
	}
	return list
}

// The stream's figures are those of the scores before the update.
func TestStepFigures(t *testing.T) {
	ctx := context.Background()
	m := newModel(t.Fatal, newLM(t.Fatal), 1)
	list := pairs(9) // too few problems to hold any out: the batch is all of them
	var all []coat.Attempt
	for _, p := range list {
		all = append(all, p.Chosen, p.Rejected)
	}
	scores, err := m.Score(ctx, all)
	require.NoError(t, err)
	var loss, right, margin float64
	for i := range list {
		d := scores[2*i] - scores[2*i+1]
		loss += math.Log1p(math.Exp(2-d)) / 9
		margin += d / 9
		if d > 0 {
			right += 1. / 9
		}
	}
	for step, err := range m.Train(ctx, list, Config{LearningRate: 1e-3, Epochs: 1}) {
		require.NoError(t, err)
		if math.Abs(step.Loss-loss) > 1e-5 || math.Abs(step.Accuracy-right) > 1e-6 || math.Abs(step.Margin-margin) > 1e-5 || step.Measured {
			t.Errorf("%+v, want loss %g, accuracy %g, margin %g", step, loss, right, margin)
		}
	}
}

// A problem of the pairs is not one that the weights can be chosen by.
func TestProblemsApart(t *testing.T) {
	m := newModel(t.Fatal, newLM(t.Fatal), 1)
	list := pairs(12)
	c := Config{LearningRate: 1, Problems: []coat.Judged{{Attempt: list[3].Rejected}}}
	for _, err := range m.Train(context.Background(), list, c) {
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("there is a pair of problem %q", "3")) {
			t.Errorf("error %v", err)
		}
	}
}

// Scores do not depend on what is scored beside them.
func TestScoreTogether(t *testing.T) {
	m := newModel(t.Fatal, newLM(t.Fatal), 1)
	var all []coat.Attempt
	for _, p := range pairs(60) {
		all = append(all, p.Chosen, p.Rejected)
	}
	together, err := m.Score(context.Background(), all)
	require.NoError(t, err)
	for _, i := range []int{0, 1, 57, 119} {
		alone, err := m.Score(context.Background(), all[i:i+1])
		if err != nil || math.Abs(alone[0]-together[i]) > 1e-5 {
			t.Errorf("attempt %d: %g alone, %g together (%v)", i, alone[0], together[i], err)
		}
	}
}
