package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/reward"
	"github.com/satori-go/satori/reward/answer"
	"github.com/satori-go/satori/synth/dataset"
	"github.com/satori-go/satori/synth/run"
)

const gsm8k = "testdata/gsm8k/train50.jsonl"

// pupils serves a generator that is right in half of the cases and a critic, and fails
// every so often.
func pupils(t *testing.T) (url string, answered *atomic.Int32) {
	t.Helper()
	golds := map[string]string{}
	for p, err := range dataset.Open(gsm8k) {
		require.NoError(t, err)
		golds[p.Question] = p.Answer
	}
	answered = new(atomic.Int32)
	var n atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Seed     uint64
			Messages []struct{ Content string }
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			return
		}
		if n.Add(1)%25 == 0 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(503)
			return
		}
		said := q.Messages[len(q.Messages)-1].Content
		h := fnv.New64a()
		fmt.Fprint(h, said, q.Seed)
		rng := rand.New(rand.NewPCG(h.Sum64(), 0))
		box, right := `\boxed{-7}`, rng.IntN(2) == 0
		for question, gold := range golds {
			if right && strings.Contains(said, question) {
				box = `\boxed{` + gold + "}"
			}
		}
		text := fmt.Sprintf("Step: a number is %d.\n\nStep: it follows.\n\nStep: So it is %s", rng.IntN(100), box)
		switch system := q.Messages[0].Content; {
		case strings.Contains(system, "by what you can see that it is right"):
			text = "Verify: the numbers fit."
		case strings.Contains(system, "came to a wrong answer"):
			text = "In Step 1: that number is not in the text.\nAlternatively: look for it."
		}
		answered.Add(1)
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text}}},
			"usage":   map[string]any{"prompt_tokens": len(said) / 4, "completion_tokens": len(text) / 4},
		})
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v1", answered
}

// start runs the program and returns what it printed.
func start(t *testing.T, ctx context.Context, args ...string) (status int, printed string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer log.Close()
	var stdout bytes.Buffer
	status = program(ctx, args, &stdout, log)
	text, err := os.ReadFile(log.Name())
	require.NoError(t, err)
	return status, stdout.String() + string(text)
}

// sound tells what is wrong with a demonstration.
func sound(d coat.Demo) error {
	text := d.Trace.String()
	if _, err := coat.Parse(text); err != nil {
		return err
	}
	if pred, ok := answer.Extract(text); !ok || !answer.Equal(d.Problem.Answer, pred) {
		return fmt.Errorf("ends in %q, not in %q", pred, d.Problem.Answer)
	}
	var shape strings.Builder
	for _, s := range d.Trace {
		shape.WriteByte((string(s.Action) + "s")[0])
		if _, ok := reward.Boxed(s.Text); ok {
			shape.WriteByte('b')
		}
	}
	// What has to stand in the actions, in this order, and what may not.
	var want []string
	var never string
	switch s := shape.String(); d.Kind {
	case coat.TypeI:
		want, never = []string{"s"}, "re"
	case coat.TypeII1:
		want, never = []string{"s", "r", "c"}, "e"
	case coat.TypeII2:
		want = []string{"s", "r", "c", "b", "re", "c"}
	case coat.TypeIII1:
		want = []string{"s", "re", "c"}
	case coat.TypeIII2:
		want = []string{"s", "re", "c", "b", "re", "c"}
	default:
		return fmt.Errorf("has the shape %s", s)
	}
	s := shape.String()
	if strings.ContainsAny(s, never) {
		return fmt.Errorf("type %s has the shape %s", d.Kind, s)
	}
	for _, part := range want {
		_, after, found := strings.Cut(s, part)
		if !found {
			return fmt.Errorf("type %s has the shape %s", d.Kind, shape.String())
		}
		s = after
	}
	return nil
}

// kinds reads the demonstrations of a directory, which have to be sound.
func kinds(t *testing.T, dir string) map[coat.Kind]int {
	t.Helper()
	n := map[coat.Kind]int{}
	for r, err := range run.Read(dir) {
		require.NoError(t, err)
		for _, d := range r.Demos {
			n[d.Kind]++
			if err := sound(d); err != nil {
				t.Errorf("problem %s: %v: %q", d.Problem.ID, err, d.Trace)
			}
		}
	}
	return n
}

func TestProgram(t *testing.T) {
	url, answered := pupils(t)
	dir := filepath.Join(t.TempDir(), "out")
	args := []string{"-problems", gsm8k, "-generator", url, "-out", dir, "-solutions", "8", "-keep", "2", "-price", "critic=1,10"}
	// A budget stops it, and it goes on.
	status, text := start(t, t.Context(), append(args, "-budget", "20000")...)
	if status != 1 || !strings.Contains(text, "the token budget is spent") {
		t.Fatalf("status %d: %s", status, text)
	}
	if status, text = start(t, t.Context(), args...); status != 0 {
		t.Fatalf("status %d: %s", status, text)
	}
	n := kinds(t, dir)
	t.Log(text, n)
	if len(n) != len(coat.Kinds()) {
		t.Errorf("kinds %v", n)
	}
	before := answered.Load()
	if status, text = start(t, t.Context(), args...); status != 0 || answered.Load() != before {
		t.Errorf("status %d, %d more calls: %s", status, answered.Load()-before, text)
	}
	for _, name := range []string{"demos.jsonl", "demos.parquet", "pairs.trl.jsonl", "pairs.llamafactory.jsonl", "dataset_info.json"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	html, err := os.ReadFile(filepath.Join(dir, "report.html"))
	require.NoError(t, err)
	for _, want := range []string{`<li class="reflect">`, "type III-II", "What was dropped", "3 sessions", "box wrong"} {
		if !bytes.Contains(html, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	// Other numbers are another run.
	if status, text = start(t, t.Context(), append(args, "-seed", "2")...); status != 1 || !strings.Contains(text, "seed was 1") {
		t.Errorf("status %d: %s", status, text)
	}
}

func TestInterrupted(t *testing.T) {
	url, answered := pupils(t)
	dir := filepath.Join(t.TempDir(), "out")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for answered.Load() < 100 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	status, text := start(t, ctx, "-problems", gsm8k, "-generator", url, "-out", dir, "-solutions", "8")
	if status != 1 || !strings.Contains(text, "interrupted") {
		t.Fatalf("status %d: %s", status, text)
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls.jsonl"))
	if n := bytes.Count(calls, []byte("\n")); err != nil || n != int(answered.Load()) {
		t.Errorf("%d calls are written, %d were answered, %v", n, answered.Load(), err)
	}
	if _, err := os.Stat(filepath.Join(dir, "report.html")); err != nil {
		t.Error(err)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{
		{}, {"-problems", "x", "-generator", "http://x"}, {"-problems", "x", "-generator", "http://x", "-out", "y", "-price", "cook=1,2"},
		{"-problems", "x", "-generator", "http://x", "-out", "y", "-budget", "-1"}, {"-problems", "x", "-generator", "http://x", "-out", "y", "z"},
		{"-problems", "x", "-generator", worked, "-out", "y"},
	} {
		if status, text := start(t, t.Context(), args...); status != 2 || text == "" {
			t.Errorf("%q: status %d: %s", args, status, text)
		}
	}
	if status, _ := start(t, t.Context(), "-h"); status != 0 {
		t.Error("-h fails")
	}
}
