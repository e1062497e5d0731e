package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satori-go/satori/synth/agent"
	"github.com/satori-go/satori/synth/openai"
	"github.com/satori-go/satori/synth/run"
)

// seeds are those of the calls that are written whole.
func seeds(t *testing.T, dir string) map[uint64]bool {
	data, _ := os.ReadFile(filepath.Join(dir, "calls.jsonl"))
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	found := map[uint64]bool{}
	for line := range bytes.Lines(data) {
		var c struct{ Seed uint64 }
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		found[c.Seed&0x7fffffff] = true
	}
	return found
}

// answering serves the guesser where may says so; where not, it has answered itself.
func answering(may func(w http.ResponseWriter, r *http.Request, seed uint64) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Seed     uint64
			Messages []struct{ Role, Content string }
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			return // the program was killed while it asked
		}
		if !may(w, r, q.Seed) {
			return
		}
		a := agent.Request{Seed: q.Seed, User: q.Messages[len(q.Messages)-1].Content}
		if len(q.Messages) > 1 {
			a.System = q.Messages[0].Content
		}
		reply, _ := guesser(r.Context(), a)
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": reply.Text}}},
			"usage":   map[string]any{"prompt_tokens": reply.PromptTokens, "completion_tokens": reply.Tokens},
		})
	}
}

// A server that misbehaves in every way in a third of the cases changes nothing, and one
// that stays down stops the run with an error and loses nothing.
func TestMisbehaving(t *testing.T) {
	whole, dir := t.TempDir(), t.TempDir()
	if _, err := work(context.Background(), whole, 20, run.Config{}, guesser); err != nil {
		t.Fatal(err)
	}
	var n, down atomic.Int32
	server := httptest.NewServer(answering(func(w http.ResponseWriter, r *http.Request, _ uint64) bool {
		i := n.Add(1)
		if i%3 != 0 && down.Load() == 0 {
			return true
		}
		switch i / 3 % 7 {
		case 0:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(429)
		case 1:
			w.WriteHeader(500)
		case 2:
			w.Header().Set("Content-Length", "1000")
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"choices":[{"mess`))
		case 3:
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"status":"ok"}`))
		case 4:
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<html>bad gateway</html>"))
		case 5:
			panic(http.ErrAbortHandler)
		case 6:
			<-r.Context().Done() // nothing, for as long as it is waited for
		}
		return false
	}))
	defer server.Close()
	client, err := openai.New(openai.Config{URL: server.URL, Timeout: time.Second, Wait: time.Millisecond, Attempts: 12})
	if err != nil {
		t.Fatal(err)
	}
	flaky := func(ctx context.Context, r agent.Request) (agent.Reply, error) {
		if n.Load() > 200 && down.CompareAndSwap(0, 1) {
			t.Log("the server is down")
		}
		return client.Model(ctx, r)
	}
	if _, err := work(context.Background(), dir, 20, run.Config{}, flaky); err == nil || !strings.Contains(err.Error(), "attempt 12 of 12") {
		t.Fatalf("a server that is down: %v", err)
	} else {
		t.Log(err)
	}
	down.Store(0)
	if _, err := work(context.Background(), dir, 20, run.Config{}, client.Model); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, whole, "results.jsonl"), read(t, dir, "results.jsonl")) {
		t.Error("the results differ")
	}
}

// With 1,000 problems, 64 at once, and a server that fails in a tenth of the cases the
// memory stays flat.
func TestFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var asked atomic.Int32
	server := httptest.NewServer(answering(func(w http.ResponseWriter, _ *http.Request, _ uint64) bool {
		switch asked.Add(1) % 20 {
		case 0:
			w.WriteHeader(500)
			return false
		case 10:
			w.Header().Set("Content-Type", "text/html")
			w.Write(make([]byte, 64<<10))
			return false
		}
		return true
	}))
	defer server.Close()
	client, err := openai.New(openai.Config{URL: server.URL, MaxConcurrent: 64, Wait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r, err := run.Open(t.TempDir(), run.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := config(r, client.Model)
	c.Parallel, c.Solutions = 64, 4
	var heap []uint64
	n := 0
	for _, err := range r.Results(context.Background(), problems(1000), c) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%100 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap = append(heap, m.HeapAlloc>>10)
		}
	}
	t.Logf("heap in KiB: %v", heap)
	if last := slices.Max(heap[5:]); last > slices.Max(heap[:5])+1024 {
		t.Errorf("the heap grows: %v KiB", heap)
	}
}

const childProblems = 40

// The program that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SATORI_RUN_DIR"); dir != "" {
		client, err := openai.New(openai.Config{URL: os.Getenv("SATORI_RUN_URL")})
		if err == nil {
			_, err = work(context.Background(), dir, childProblems, run.Config{}, client.Model)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Killed at ten random moments and started again, the file at the end is the same, and
// nothing that was answered and written is asked again.
func TestKilled(t *testing.T) {
	whole := t.TempDir()
	if _, err := work(context.Background(), whole, childProblems, run.Config{}, guesser); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	paid, twice, calls := map[uint64]bool{}, 0, 0
	server := httptest.NewServer(answering(func(_ http.ResponseWriter, _ *http.Request, seed uint64) bool {
		mu.Lock()
		calls++
		if paid[seed] {
			twice++
		}
		mu.Unlock()
		time.Sleep(2 * time.Millisecond)
		return true
	}))
	defer server.Close()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	kills := 0
	for ended := false; !ended; {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SATORI_RUN_DIR="+dir, "SATORI_RUN_URL="+server.URL)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if kills < 10 {
			mu.Lock()
			until := calls + 10 + rng.IntN(60)
			mu.Unlock()
			for begun := time.Now(); time.Since(begun) < 5*time.Second; time.Sleep(time.Millisecond) {
				mu.Lock()
				enough := calls >= until
				mu.Unlock()
				if enough {
					break
				}
			}
			cmd.Process.Kill()
			kills++
		}
		ended = cmd.Wait() == nil
		mu.Lock()
		paid = seeds(t, dir)
		mu.Unlock()
		if kills > 20 {
			t.Fatal("does not come to an end")
		}
		if kills >= 10 && !ended && cmd.ProcessState.ExitCode() == 1 {
			t.Fatal("the program failed")
		}
	}
	if a, b := read(t, whole, "results.jsonl"), read(t, dir, "results.jsonl"); !bytes.Equal(a, b) {
		t.Errorf("the results differ: %d and %d bytes", len(a), len(b))
	}
	t.Logf("%d kills, %d calls, %d written", kills, calls, len(paid))
	if twice > 0 || kills < 10 {
		t.Errorf("%d calls were paid for twice, %d kills", twice, kills)
	}
}
