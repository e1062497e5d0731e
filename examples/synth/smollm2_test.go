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
	"strconv"
	"testing"
	"time"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/synth"
	"github.com/satori-go/satori/synth/run"
)

// A real model on a real server: SmolLM2-135M-Instruct in llama.cpp, as generator and as
// critic, over the first training problems of GSM8K. Whatever comes out is sound, and the
// yield is reported. SATORI_SYNTH_PROBLEMS says how many problems there are (4); with 50
// at least three types have to come out, and worse prompts are tried as well.
func TestSmolLM2(t *testing.T) {
	weights, binary := os.Getenv("SATORI_SMOLLM2"), os.Getenv("SATORI_LLAMA_SERVER")
	if weights == "" || binary == "" {
		t.Skip(`SATORI_SMOLLM2 or SATORI_LLAMA_SERVER is not set; eval "$(.ci/smollm2)" fetches both and sets them`)
	}
	n, _ := strconv.Atoi(os.Getenv("SATORI_SYNTH_PROBLEMS"))
	n = max(n, 4)
	url := llama(t, binary, inFull(t, weights))
	out := os.Getenv("SATORI_SYNTH_OUT") // to look at the pages
	if out == "" {
		out = t.TempDir()
	}
	args := []string{"-problems", gsm8k, "-limit", fmt.Sprint(n), "-generator", url, "-generator-model", "SmolLM2-135M-Instruct",
		"-solutions", "6", "-keep", "2", "-max-tokens", "256", "-parallel", "8", "-in-flight", "8", "-timeout", "10m"}
	try := func(name string, more ...string) (int, map[coat.Kind]int) {
		dir := filepath.Join(out, name)
		begun := time.Now()
		status, text := start(t, t.Context(), append(append(args, "-out", dir), more...)...)
		if status != 0 {
			t.Fatalf("%s: status %d: %s", name, status, text)
		}
		var stats synth.Stats
		for r, err := range run.Read(dir) {
			if err != nil {
				t.Fatal(err)
			}
			stats.Add(r.Stats)
		}
		found := kinds(t, dir)
		t.Logf("%s: %v of %d problems in %v: %+v\n%s", name, found, n, time.Since(begun).Round(time.Second), stats, text)
		return stats.Solutions, found
	}
	solutions, found := try("default")
	if solutions == 0 {
		t.Error("the model wrote no solution")
	}
	if n < 50 {
		return
	}
	if len(found) < 3 {
		t.Errorf("%d types came out", len(found))
	}
	try("worse", "-prompts", "testdata/worse")
}

// inFull writes the weights in full precision: the server's code for quantised ones
// needs instructions that not every processor has.
func inFull(t *testing.T, weights string) string {
	t.Helper()
	b, err := model.OpenBackend("go")
	if err != nil {
		t.Fatal(err)
	}
	lm, err := model.Open(b, weights)
	if err != nil {
		t.Fatal(err)
	}
	defer lm.Close()
	path := filepath.Join(t.TempDir(), "f32.gguf")
	if err := lm.SaveGGUF(path, gguf.F32); err != nil {
		t.Fatal(err)
	}
	return path
}

// llama starts the server and waits for it.
func llama(t *testing.T, binary, weights string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "-m", weights, "--host", "127.0.0.1", "--port", port, "-ngl", "0", "-t", "1",
		"-np", "8", "-c", "12288", "-fa", "off", "-ctk", "f32", "-ctv", "f32")
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Dir(binary))
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	for range 600 {
		select {
		case <-ended:
			t.Fatalf("the server ended: %s", log.String())
		case <-time.After(100 * time.Millisecond):
		}
		if r, err := http.Get("http://127.0.0.1:" + port + "/health"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return "http://127.0.0.1:" + port + "/v1"
			}
		}
	}
	t.Fatal("the server does not get ready")
	return ""
}
