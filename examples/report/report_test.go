package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/report"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/eval"
)

var problem = coat.Problem{ID: "test-7", Question: "| 24 26 | 34 35 | 11 15 | 24 11 | 26 34 | 15 40 / 24 40 =", Answer: "24 11 15 40", Level: 2}

// results are attempts at the problem, judged.
func results(t *testing.T, texts ...string) (list []eval.Result) {
	t.Helper()
	for i, text := range texts {
		p := problem
		p.ID = fmt.Sprint(i)
		a := coat.Attempt{Start: coat.Start{Problem: p}, Text: text}
		verdict, err := reward.Func(reward.Exact).Verdict(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, eval.Result{Attempt: a, Right: verdict == coat.Right, Tokens: len(strings.Fields(text))})
	}
	return list
}

const (
	wrong     = `24 26 <|continue|> 26 34 <|continue|> 34 35 <|continue|> \boxed{ 24 26 34 35 }`
	right     = `24 11 <|continue|> 11 15 <|continue|> 15 40 <|reflect|> 40 is 40 <|continue|> \boxed{ 24 11 15 40 }`
	corrected = wrong + ` <|reflect|> 35 is not 40 <|explore|> ` + right
	spoilt    = right + ` <|reflect|> 40 is not 40 <|explore|> ` + wrong
)

// full is a report with everything in it.
func full(t *testing.T) report.Report {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	phase := func(accuracy, tokens float64, f2t, t2f int) *eval.Summary {
		s := &eval.Summary{N: 1000, Accuracy: accuracy, MeanTokens: tokens, Truncated: 0.012}
		s.Low, s.High = eval.Wilson(int(1000*accuracy), 1000)
		level := func(l int) eval.Level {
			v := eval.Level{Level: l, N: 200, Accuracy: max(0.02, min(0.98, accuracy*1.4-0.09*float64(l))), MeanTokens: tokens * (0.5 + float64(l)/8)}
			v.Low, v.High = eval.Wilson(int(200*v.Accuracy), 200)
			return v
		}
		for l := 2; l <= 6; l++ {
			s.Levels = append(s.Levels, level(l))
		}
		s.Hard = &eval.Summary{N: 400, Accuracy: accuracy * 0.6, Low: accuracy*0.6 - 0.04, High: accuracy*0.6 + 0.04, Levels: []eval.Level{level(7), level(8)}}
		t1 := accuracy - 0.05
		s.AccuracyT1 = &t1
		correction := func(f2t, t2f int) *eval.Correction {
			c := &eval.Correction{N: 300, F2T: f2t, T2F: t2f, T2T: 100, F2F: 200 - f2t - t2f, Silent: 12}
			if f2t+t2f > 0 {
				c.Share = float64(f2t) / float64(f2t+t2f)
			}
			c.Low, c.High = eval.Wilson(f2t, f2t+t2f)
			return c
		}
		s.SelfCorrection, s.SecondAttempt = correction(f2t, t2f), correction(f2t*2, t2f+5)
		return s
	}
	r := report.Report{
		Title: "Satori on path-star",
		Notes: []string{
			"A small transformer, trained from nothing on this machine, learns to reason in steps that can doubt and start again.",
			"The generator of the demonstrations is a program that makes plausible mistakes; the critic is exact. No language model was asked.",
			"Rewards are the checker's: −1 for a wrong answer, 0 for a right one, with a bonus for reflection by where an attempt began.",
		},
		Summary: report.Summary{
			Task: "path-star", Seed: 1, Backend: "go", Versions: map[string]string{"go": "1.26.8", "gomlx": "v0.28.8"},
			Config: json.RawMessage(`{"steps":40,"rollouts":512}`),
			Stages: []report.Stage{{"base", 182, 4200000, 350}, {"ft", 95.5, 1830000, 180}, {"rm", 48, 900000, 92}, {"buffers", 9.1, 210000, 17},
				{"rl", 610, 15200000, 1180}, {"distil", 61, 1400000, 118}, {"round2", 210, 5200000, 400}, {"evaluate", 41, 700000, 80}},
			FT: phase(0.36, 28, 40, 22), RL: phase(0.71, 46, 122, 9), Round2: phase(0.78, 49, 131, 6), CoTFT: phase(0.24, 14, 0, 0), CoTRL: phase(0.30, 14, 0, 0),
		},
	}
	for _, stage := range []string{"rl", "round2", "cot_rl"} {
		for i := range 60 {
			x := 1 - math.Exp(-float64(i)/20)
			r.Metrics = append(r.Metrics, report.Metric{Stage: stage, Step: i + 1, Of: 60, Values: map[string]float64{
				"reward": -0.6 + 0.4*x + 0.05*rng.NormFloat64(), "accuracy": 0.36 + 0.4*x + 0.03*rng.NormFloat64(),
				"tokens": 28 + 20*x + rng.NormFloat64(), "explained_variance": 0.7*x - 3*math.Exp(-float64(i)/2) + 0.05*rng.NormFloat64(), "kl": 0.01}})
		}
	}
	before := results(t, wrong, wrong, right, right, right, wrong, `24 <|reflect|> <|explore|> 26`)
	after := results(t, corrected, right, spoilt, wrong, right, wrong, right)
	after[5].Attempt.Truncated = true
	var err error
	if r.Samples, err = report.Pick(t.Context(), before, after, reward.Exact, 12); err != nil {
		t.Fatal(err)
	}
	return r
}

func html(t *testing.T, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWrite(t *testing.T) {
	page := html(t, full(t))
	if path := os.Getenv("REPORT_HTML"); path != "" { // to look at it
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_ = page
}

var _ = []any{context.Background, reflect.DeepEqual, regexp.MustCompile, slices.Sorted[int]}
