package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/synth"
	"github.com/satori-go/satori/synth/run"
)

// A real model on a real server: SmolLM2-135M-Instruct in llama.cpp over the first training
// problems of GSM8K, with the prompts for small models and the critic that is none. The
// run goes on with more of the first 50 until there are three types, which the first
// problems mostly suffice for; each demonstration has to be sound.
func TestSmolLM2(t *testing.T) {
	url := llama(t)
	dir := filepath.Join(t.TempDir(), "out")
	for n := 4; ; n = min(n+4, 50) {
		stats, found := yield(t, dir, n, url, "-prompts", "prompts/small", "-solutions", "3")
		t.Logf("%v of %d problems: %+v", found, n, stats)
		if len(found) >= 3 && found[coat.TypeI] > 0 && found[coat.TypeIII1] > 0 {
			return
		}
		if n == 50 {
			t.Fatal("three types, I and III-I among them, did not come out")
		}
	}
}

// The yield of the first 50 problems by prompts: those for small models, the built-in ones
// and worse ones. SATORI_SYNTH_YIELD is a directory for the runs, whose pages can be looked
// at; what is in it already is not made again.
func TestYield(t *testing.T) {
	out := os.Getenv("SATORI_SYNTH_YIELD")
	if out == "" {
		t.Skip("SATORI_SYNTH_YIELD is not set; this takes some minutes a set of prompts")
	}
	url := llama(t)
	for _, c := range []struct {
		name string
		args []string
	}{{"small", []string{"-prompts", "prompts/small", "-solutions", "3"}}, {"built-in", []string{"-solutions", "2"}}, {"worse", []string{"-prompts", "testdata/worse", "-solutions", "2"}}} {
		stats, found := yield(t, filepath.Join(out, c.name), 50, url, c.args...)
		t.Logf("%s: %v: %+v", c.name, found, stats)
	}
}

// yield runs the program over the first n problems and counts what is in the directory.
func yield(t *testing.T, dir string, n int, url string, args ...string) (stats synth.Stats, found map[coat.Kind]int) {
	t.Helper()
	status, text := start(t, t.Context(), append([]string{"-problems", gsm8k, "-limit", fmt.Sprint(n), "-generator", url,
		"-generator-model", "SmolLM2-135M-Instruct", "-critic", worked, "-box", "-stop", "Problem:", "-keep", "2", "-max-tokens", "128",
		"-temperature", "0.4", "-parallel", "8", "-in-flight", "8", "-timeout", "10m", "-out", dir}, args...)...)
	require.Equal(t, 0, status, text)
	for r, err := range run.Read(dir) {
		require.NoError(t, err)
		stats.Add(r.Stats)
	}
	return stats, kinds(t, dir)
}

// llama starts the server and waits for it.
func llama(t *testing.T) (url string) {
	t.Helper()
	weights, binary := os.Getenv("SATORI_SMOLLM2"), os.Getenv("SATORI_LLAMA_SERVER")
	if weights == "" || binary == "" {
		t.Skip(`SATORI_SMOLLM2 or SATORI_LLAMA_SERVER is not set; eval "$(.ci/smollm2)" fetches both and sets them`)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "-m", weights, "--host", "127.0.0.1", "--port", port, "-t", "2", "-np", "8", "-c", "12288")
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	var exit error
	go func() { exit = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	for range 600 {
		select {
		case <-ended:
			t.Fatalf("the server ended: %v\n%s", exit, log.String())
		case <-time.After(100 * time.Millisecond):
		}
		if r, err := http.Get("http://127.0.0.1:" + port + "/health"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return "http://127.0.0.1:" + port + "/v1"
			}
		}
	}
	t.Fatal("the server does not get ready within a minute")
	return ""
}
