package pipeline

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
)

// opened is a run in a new directory.
func opened(t *testing.T) *Run {
	t.Helper()
	r, err := Open(Config{Dir: t.TempDir(), Task: Task{Name: "test", Template: coat.Bare, Check: reward.Exact, MaxTokens: 8}, Out: io.Discard})
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// Files of earlier versions are read: attempts alone, which are judged then, and attempts
// in the layout that evaluations had.
func TestOldAttempts(t *testing.T) {
	r := opened(t)
	const start = `{"problem":{"id":"a","question":"| 7 3 | 5 7 | 5 2 | 2 9 | 3 1 | 9 4 / 5 1 =","answer":"5 7 3 1"},"prefix":"5 2<|reflect|>","prior":1}`
	for text, want := range map[string]coat.Judged{
		`{"start":` + start + `,"text":"\\boxed{ 5 7 3 1 }"}`:                                                     {Outcome: coat.Right},
		`{"start":` + start + `,"text":"\\boxed{ 5 7 3 1 }","truncated":true}`:                                    {Outcome: coat.Wrong},
		`{"Attempt":{"start":` + start + `,"text":"x"},"Right":true,"Tokens":7,"Answer":""}`:                      {Outcome: coat.Right, Tokens: 7},
		`{"Attempt":{"start":` + start + `,"text":"x"},"Right":false,"Tokens":7,"Answer":""}`:                     {Outcome: coat.Wrong, Tokens: 7},
		`{"start":` + strings.Replace(start, ":1}", `:"wrong"}`, 1) + `,"text":"x","outcome":"right","tokens":3}`: {Outcome: coat.Right, Tokens: 3},
	} {
		require.NoError(t, r.writeFile("old.jsonl", []byte(text+"\n")))
		got, err := r.readJudged(t.Context(), "old.jsonl")
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %v, %v", text, got, err)
		}
		if j := got[0]; j.Outcome != want.Outcome || j.Tokens != want.Tokens || j.Start.Prior != coat.Wrong || len(j.Start.Prefix) != 2 || j.Text == "" {
			t.Errorf("%s: read as %+v", text, j)
		}
	}
}
