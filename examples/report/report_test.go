package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/examples/report"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/eval"
)

var problem = coat.Problem{ID: "test-7", Question: "| 24 26 | 34 35 | 11 15 | 24 11 | 26 34 | 15 40 / 24 40 =", Answer: "24 11 15 40", Level: 2}

// results are attempts at the problem, judged.
func results(t *testing.T, texts ...string) []coat.Judged {
	t.Helper()
	var list []coat.Attempt
	for i, text := range texts {
		p := problem
		p.ID = fmt.Sprint(i)
		list = append(list, coat.Attempt{Start: coat.Start{Problem: p}, Text: text})
	}
	judged, err := reward.Judge(t.Context(), reward.Exact, list, 1)
	require.NoError(t, err)
	for i := range judged {
		judged[i].Tokens = len(strings.Fields(judged[i].Text))
	}
	return judged
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
	phase := func(name string, accuracy, tokens float64, f2t, t2f int) report.Evaluation {
		s := report.Evaluation{Name: name, Summary: eval.Summary{N: 1000, Accuracy: accuracy, MeanTokens: tokens, Truncated: 0.012}}
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
			c := &eval.Correction{N: 300 + f2t + t2f, F2T: f2t, T2F: t2f, T2T: 100, F2F: 200, Silent: 12}
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
		Title: "Satori on path-star", Before: "ft", After: "round2",
		Notes: []string{
			"A small transformer, trained from nothing on this machine, learns to reason in steps that can doubt and start again.",
			"The generator of the demonstrations is a program that makes plausible mistakes; the critic is exact. No language model was asked.",
			"Rewards are the checker's: −1 for a wrong answer, 0 for a right one, with a bonus for reflection by where an attempt began.",
		},
		Summary: report.Summary{
			Task: "path-star", Seed: 1, Backend: "go", Versions: map[string]string{"go": "1.26.8", "gomlx": "v0.28.8"},
			Config: json.RawMessage(`{"steps":40,"rollouts":512}`),
			Stages: []report.Stage{{"base", 182, 4200000, 0, 350}, {"ft", 95.5, 1830000, 0, 180}, {"rm", 48, 900000, 0, 92}, {"buffers", 9.1, 210000, 0, 17},
				{"rl", 610, 15200000, 0, 1180}, {"distil", 61, 1400000, 0, 118}, {"round2", 210, 5200000, 0, 400}, {"eval_rl", 41, 700000, 0, 80}},
			Evaluations: []report.Evaluation{
				phase("ft", 0.36, 28, 40, 22), phase("rl", 0.71, 46, 122, 9), phase("round2", 0.78, 49, 131, 6),
				phase("cot_ft", 0.24, 14, 0, 0), phase("cot_rl", 0.30, 14, 0, 0),
			},
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
	for i := range 200 {
		r.Metrics = append(r.Metrics, report.Metric{Stage: "base", Step: 10 * i, Of: 2000, Values: map[string]float64{"loss": 4 * math.Exp(-float64(i)/60)}})
	}
	before := results(t, wrong, wrong, right, right, right, wrong, `24 <|reflect|> <|explore|> 26`)
	after := results(t, corrected, right, spoilt, wrong, right, wrong, right)
	after[5].Attempt.Truncated = true
	var err error
	r.Samples, err = report.Pick(t.Context(), before, after, reward.Exact, 12)
	require.NoError(t, err)
	return r
}

func html(t *testing.T, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, report.Write(&b, r))
	return b.String()
}

func TestWrite(t *testing.T) {
	r := full(t)
	page := html(t, r)
	if path := os.Getenv("REPORT_HTML"); path != "" { // to look at it
		require.NoError(t, os.WriteFile(path, []byte(page), 0o644))
	}
	for _, want := range []string{
		"<title>Satori on path-star</title>", "the critic is exact", "task path-star", "seed 1", // what it is
		"36.0 %<small>33.1 – 39.0</small>", "66.0 %<small>63.0 – 68.9</small>", "42.6 %", // headline
		"<b>131 : 6</b><i>was 40 : 22</i>",
		"<b>122</b>", "93.1 %<small>87.5 – 96.3</small>", ">forced<", ">by itself<", // self-correction
		"<h3>RL</h3>", "<h3>second round</h3>", "Critic, explained variance", "Response length, tokens", "base model: loss", // curves
		"CoT, RL, level 8: 2 %", "second round, level 2: 91.2 % (", // levels
		"Corrects itself after RL", "answer changed: wrong → right", "answer changed: right → wrong", // trajectories
		`<li class="reflect changed">`, `<span class="box right">✓ 24 11 15 40</span>`, `<span class="box wrong">✗ 24 26 34 35</span>`,
		"cut off at the token limit", "not a trace",
		">evaluation: RL<", "10:10 min", "20:57 min", "24\u202f918", // times
		"gomlx v0.28.8", "&#34;rollouts&#34;: 512",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"http", "<script", "<link", "@import", "url(", "ZgotmplZ", "NaN", "Inf", "<no value>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	wellFormed(t, page)
	if again := html(t, r); again != page {
		t.Error("two pages of one report differ")
	}
}

// wellFormed checks that every element ends where it should.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	page = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(page, "")
	var open []string
	for _, m := range regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[^<>"]|"[^"]*")*?)(/?)>`).FindAllStringSubmatch(page, -1) {
		switch end, name, empty := m[1] != "", m[2], m[4] != ""; {
		case empty || name == "meta":
		case !end:
			open = append(open, name)
		case len(open) == 0 || open[len(open)-1] != name:
			t.Fatalf("</%s> ends %v", name, open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%v are not ended", open)
	}
}

// What a run has not got is left out.
func TestWriteLittle(t *testing.T) {
	r := full(t)
	page := html(t, report.Report{Title: "t", Summary: report.Summary{Evaluations: r.Summary.Evaluations[:1]}, Metrics: []report.Metric{{Stage: "rl", Step: 1, Values: map[string]float64{"reward": 1}}}})
	if !strings.Contains(page, "36.0 %") {
		t.Error("no figures of format tuning")
	}
	for _, bad := range []string{"second round", "Learning curves", "Trajectories", "What it cost", "How to make it again", `class="tiles"`} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	wellFormed(t, page)
	wellFormed(t, html(t, report.Report{}))
}

func TestHostile(t *testing.T) {
	const evil = `</span><script>alert("1")</script> <|continue|> <img src=x onerror=y> \boxed{ <b>&amp;</b> }`
	r := full(t)
	r.Title, r.Notes = evil, []string{evil}
	r.Summary.Task, r.Summary.Config = evil, json.RawMessage(`{"a":"<em>"}`)
	r.Summary.Stages[0].Name = evil
	r.Metrics = append(r.Metrics, report.Metric{Stage: evil, Step: 1, Values: map[string]float64{"reward": math.NaN(), "loss": 1}},
		report.Metric{Stage: evil, Step: 2, Values: map[string]float64{"loss": 2}})
	p := coat.Problem{ID: evil, Question: evil, Answer: evil}
	r.Samples = []report.Sample{{Title: evil, Attempts: []report.Judged{{Label: evil, Attempt: coat.Attempt{Start: coat.Start{Problem: p}, Text: evil}}}}, {}}
	page := html(t, r)
	for _, bad := range []string{"<script", "<img", "<b>&amp;</b>", `"<em>`, "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if !strings.Contains(page, `✗ &lt;b&gt;&amp;amp;&lt;/b&gt;`) {
		t.Error("the box is not shown")
	}
	wellFormed(t, page)
}

func TestMetric(t *testing.T) {
	m := report.Metric{Stage: "rl", Step: 3, Of: 40, Values: map[string]float64{"reward": -0.5, "accuracy": 0.25, "kl": math.NaN()}}
	data, err := json.Marshal(m)
	if err != nil || string(data) != `{"stage":"rl","step":3,"of":40,"accuracy":0.25,"reward":-0.5}` {
		t.Fatalf("got %s, %v", data, err)
	}
	var again report.Metric
	delete(m.Values, "kl")
	if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, m) {
		t.Errorf("got %+v, %v", again, err)
	}
	if _, err := json.Marshal(report.Metric{Values: map[string]float64{"step": 1}}); err == nil {
		t.Error("a value is named step")
	}
	if err := json.Unmarshal([]byte(`{"stage":"rl","reward":"high"}`), &again); err == nil || !strings.Contains(err.Error(), `field "reward"`) {
		t.Errorf("got %v", err)
	}
}

func TestSummaryNames(t *testing.T) {
	r := full(t)
	data, err := json.Marshal(r.Summary)
	require.NoError(t, err)
	var names map[string]any
	var again report.Summary
	if err := errors.Join(json.Unmarshal(data, &names), json.Unmarshal(data, &again)); err != nil || !reflect.DeepEqual(again, r.Summary) {
		t.Fatalf("does not read back: %v", err)
	}
	for _, want := range []string{"task", "seed", "backend", "versions", "config", "stages", "ft", "rl", "round2", "cot_ft", "cot_rl"} {
		if names[want] == nil {
			t.Errorf("no %q", want)
		}
	}
	stage := names["stages"].([]any)[0].(map[string]any)
	if got := slices.Sorted(maps.Keys(stage)); !slices.Equal(got, []string{"core_seconds", "name", "sampled", "seconds", "tokens"}) {
		t.Errorf("a stage has %q", got)
	}
}

// A program with other stages names its own evaluations, which get colours and keep their
// order. A name that another field has is an error.
func TestOtherStages(t *testing.T) {
	r := full(t)
	list := r.Summary.Evaluations[:4]
	for i, name := range []string{"chat", "sft", "rl", "extra"} {
		list[i].Name = name
	}
	r.Summary.Evaluations, r.Before, r.After = list, "chat", "rl"
	page := html(t, r)
	for _, want := range []string{">fine-tuning<", ">extra<", "what it was before (chat)", `class="key rl"></span>RL<`, `class="key ft"></span>chat<`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	wellFormed(t, page)
	data, err := json.Marshal(r.Summary)
	require.NoError(t, err)
	var again report.Summary
	if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, r.Summary) {
		t.Errorf("does not read back: %v", err)
	}
	for _, taken := range []string{"seed", "sft"} {
		list[3].Name = taken
		if _, err := json.Marshal(r.Summary); err == nil || !strings.Contains(err.Error(), "another field has it") {
			t.Errorf("%q twice: error %v", taken, err)
		}
	}
}

func TestPick(t *testing.T) {
	before, after := results(t, wrong, right, wrong), results(t, right, spoilt, corrected, right)
	samples, err := report.Pick(t.Context(), before, append(after, after[1]), reward.Exact, 12)
	require.NoError(t, err)
	var got []string
	for _, s := range samples {
		got = append(got, fmt.Sprint(s.Title, s.Attempts[0].Boxes, s.Attempts[1].Boxes))
	}
	want := []string{"Corrects itself after RL[false] [false true]", "Wrong before RL, right after[false] [true]", "Spoils a right answer after RL[true] [true false]"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if one, err := report.Pick(t.Context(), before, after, reward.Exact, 1); err != nil || len(one) != 1 {
		t.Errorf("%d samples, %v", len(one), err)
	}
	sick := errors.New("sick")
	_, err = report.Pick(t.Context(), before, after, func(context.Context, coat.Attempt) (float64, error) { return 0, sick }, 1)
	if !errors.Is(err, sick) {
		t.Errorf("error %v", err)
	}
}

func Example() {
	line := report.Metric{Stage: "rl", Step: 3, Of: 40, Values: map[string]float64{"reward": -0.25, "accuracy": 0.5}}
	json.NewEncoder(os.Stdout).Encode(line)

	var page strings.Builder
	err := report.Write(&page, report.Report{Title: "A first run", Metrics: []report.Metric{line}})
	fmt.Println(strings.Contains(page.String(), "<h1>A first run</h1>"), err)
	// Output:
	// {"stage":"rl","step":3,"of":40,"accuracy":0.5,"reward":-0.25}
	// true <nil>
}
