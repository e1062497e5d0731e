package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/synth/clean"
	"github.com/satori-go/satori/synth/dataset"
)

// 100,000 problems are read, checked and compared with each other and with a test set in
// bounded memory. They are sentences of GSM8K's, mixed, with numbers of their own.
func TestHundredThousand(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 5_000
	}
	var sentences []string
	for p, err := range dataset.Open(gsm8k) {
		require.NoError(t, err)
		sentences = append(sentences, strings.SplitAfter(p.Question, ". ")...)
	}
	path := filepath.Join(t.TempDir(), "many.jsonl")
	f, err := os.Create(path)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 1))
	w := bufio.NewWriter(f)
	out := json.NewEncoder(w)
	for range n {
		q := fmt.Sprintf("There are %d of them. ", rng.IntN(1e6))
		for range 4 {
			q += sentences[rng.IntN(len(sentences))] + " "
		}
		require.NoError(t, out.Encode(map[string]string{"question": q, "answer": fmt.Sprintf("So it is.\n#### %d", rng.IntN(1000))}))
	}
	require.NoError(t, w.Flush())
	f.Close()
	test := filepath.Join(t.TempDir(), "test.jsonl")
	require.NoError(t, os.WriteFile(test, []byte(`{"question":"`+strings.TrimSpace(sentences[0])+`","answer":"1"}`), 0o644))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begun := time.Now()
	kept, report, err := readProblems(flags{problems: path, out: t.TempDir(), against: []string{test}})
	took := time.Since(begun)
	require.NoError(t, err)
	runtime.GC()
	runtime.ReadMemStats(&after)
	mib := float64(after.HeapAlloc-before.HeapAlloc) / (1 << 20)
	t.Logf("%d problems in %v, %.0f a second, %.0f MiB are held, %v", n, took.Round(time.Millisecond), float64(n)/took.Seconds(), mib, report)
	if report.Read != n || report.Kept != len(kept) || report.Dropped[clean.Overlap] < n/100 || mib*(1<<20) > float64(n)*3000 {
		t.Errorf("%.0f MiB, %v", mib, report)
	}
	runtime.KeepAlive(kept)
}

// Prompts are read by their names and by those of earlier versions, and not by both at once.
func TestReadPrompts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	write("solve.txt", "a")
	write("mend.txt", "b")
	write("mend_system.txt", "c")
	write("find_error.txt", "d")
	p, err := readPrompts(dir)
	if err != nil || p.Solve.User == nil || p.Correct.User == nil || p.Correct.System == nil || p.FindError.User == nil || p.Grade.User != nil {
		t.Errorf("%+v, %v", p, err)
	}
	write("correct.txt", "e")
	if _, err := readPrompts(dir); err == nil || !strings.Contains(err.Error(), "mend.txt is the earlier name of correct.txt") {
		t.Errorf("both names: %v", err)
	}
	write("retry_system.txt", "f")
	if _, err := readPrompts(dir); err == nil || !strings.Contains(err.Error(), "there is retry_system.txt, but no retry.txt") {
		t.Errorf("no user's turn: %v", err)
	}
}
