package model

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/internal/modeltest"
)

// llamaServer starts llama.cpp's server on a file and returns its address; it must start.
func llamaServer(t *testing.T, path string) string {
	t.Helper()
	address, err := startLlamaServer(t, path)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func startLlamaServer(t *testing.T, path string) (string, error) {
	t.Helper()
	binary := os.Getenv("SATORI_LLAMA_SERVER")
	if binary == "" {
		t.Skip(`SATORI_LLAMA_SERVER is not set; eval "$(.ci/smollm2)" fetches llama.cpp's server and sets it`)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(address)
	ctx, cancel := context.WithCancel(context.Background())
	var log bytes.Buffer
	cmd := osexec.CommandContext(ctx, binary, "-m", path, "--host", "127.0.0.1", "--port", port, "-c", "512", "-t", "1", "-fa", "off", "-ctk", "f32", "-ctv", "f32")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var exit error
	go func() { exit = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	for range 600 {
		select {
		case <-ended:
			return "", fmt.Errorf("llama-server: %v\n%s", exit, log.String())
		case <-time.After(100 * time.Millisecond):
		}
		if r, err := http.Get("http://" + address + "/health"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return "http://" + address, nil
			}
		}
	}
	return "", errors.New("llama-server does not get ready within a minute")
}

// post asks the server for something and reads its answer.
func post(t *testing.T, url string, question, answer any) {
	t.Helper()
	data, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.Post(url, "application/json", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", url, r.StatusCode, err, text)
	}
}

// unspeakable forbids tokens that are no character of their own: the server would refuse to
// give a text with them.
func unspeakable(lm *LM) (never [][]any) {
	for id := range lm.tokenizer.Len() {
		if token, _ := lm.tokenizer.Token(int32(id)); strings.ContainsFunc(token, func(r rune) bool { return r > 'ÿ' || r > 126 && r < 256 }) {
			never = append(never, []any{id, false})
		}
	}
	return never
}

// nextTokens asks for the log-probabilities of the likeliest next tokens.
func nextTokens(t *testing.T, server string, lm *LM, ids []int32) map[int32]float64 {
	t.Helper()
	var answer struct {
		Probabilities []struct {
			Top []struct {
				ID      int32
				LogProb float64
			} `json:"top_logprobs"`
		} `json:"completion_probabilities"`
	}
	post(t, server+"/completion", map[string]any{"prompt": ids, "n_predict": 1, "temperature": 0, "n_probs": 20, "logit_bias": unspeakable(lm), "ignore_eos": true}, &answer)
	all := map[int32]float64{}
	for _, p := range answer.Probabilities {
		for _, top := range p.Top {
			all[top.ID] = top.LogProb
		}
	}
	return all
}

// What SaveGGUF writes runs in llama.cpp and says the same, for every family; and its
// tokenizer gives the same ids.
func TestGGUFInLlamaCpp(t *testing.T) {
	b := modeltest.Backends(t)["go"]
	for family, lm := range families(t, b) {
		t.Run(family, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "m.gguf")
			if err := lm.SaveGGUF(path, gguf.F32); err != nil {
				t.Fatal(err)
			}
			server := llamaServer(t, path)
			text := "Natalia sold 48 clips, didn't she?<|reflect|>Wait, it's  12.\n\n"
			ids := encode(t, lm, text)
			var tokens struct{ Tokens []int32 }
			post(t, server+"/tokenize", map[string]any{"content": text, "parse_special": true}, &tokens)
			if !slices.Equal(tokens.Tokens, ids) {
				t.Errorf("ids %v, llama.cpp says %v", ids, tokens.Tokens)
			}
			next := nextTokens(t, server, lm, ids)
			var rows [][]int32
			var want []float64
			for id, logp := range next {
				rows, want = append(rows, slices.Concat(ids, []int32{id})), append(want, logp)
			}
			logp, err := lm.LogProbs(context.Background(), rows)
			if err != nil || len(next) != 20 {
				t.Fatal(len(next), err)
			}
			worst := 0.0
			for i := range rows {
				worst = max(worst, math.Abs(float64(logp[i][len(ids)-1])-want[i]))
			}
			t.Logf("largest difference of a log-probability %.1e", worst)
			if worst > 1e-4 {
				t.Errorf("log-probabilities of the next token are off by %g", worst)
			}
		})
	}
}
