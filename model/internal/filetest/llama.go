package filetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	osexec "os/exec"
	"strings"
	"testing"
	"time"

	"github.com/satori-go/satori/model/tokenizer"
)

// LlamaServer starts llama.cpp's server on a file and returns its address; it must start.
func LlamaServer(t *testing.T, path string) string {
	t.Helper()
	address, err := StartLlamaServer(t, path)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// StartLlamaServer starts the server as [LlamaServer] does. That it does not start is an error.
func StartLlamaServer(t *testing.T, path string) (string, error) {
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
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	ctx, cancel := context.WithCancel(context.Background())
	var log bytes.Buffer
	cmd := osexec.CommandContext(ctx, binary, "-m", path, "--host", "127.0.0.1", "--port", port, "-c", "512", "-t", "1", "-fa", "off",
		"-ctk", "f32", "-ctv", "f32")
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
			if err := r.Body.Close(); err != nil {
				return "", err
			}
			if r.StatusCode == http.StatusOK {
				return "http://" + address, nil
			}
		}
	}
	return "", errors.New("llama-server does not get ready within a minute")
}

// Post asks the server for something and reads its answer.
func Post(t *testing.T, url string, question, answer any) {
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

// Unspeakable forbids tokens that are no character of their own: the server would refuse to
// give a text with them.
func Unspeakable(tok *tokenizer.Tokenizer) (never [][]any) {
	for id := range tok.Len() {
		if token, _ := tok.Token(int32(id)); strings.ContainsFunc(token, func(r rune) bool { return r > 'ÿ' || r > 126 && r < 256 }) {
			never = append(never, []any{id, false})
		}
	}
	return never
}

// NextTokens asks for the log-probabilities of the likeliest next tokens.
func NextTokens(t *testing.T, server string, tok *tokenizer.Tokenizer, ids []int32) map[int32]float64 {
	t.Helper()
	var answer struct {
		Probabilities []struct {
			Top []struct {
				ID      int32
				LogProb float64
			} `json:"top_logprobs"`
		} `json:"completion_probabilities"`
	}
	Post(t, server+"/completion", map[string]any{"prompt": ids, "n_predict": 1, "temperature": 0, "n_probs": 20,
		"logit_bias": Unspeakable(tok), "ignore_eos": true}, &answer)
	all := map[int32]float64{}
	for _, p := range answer.Probabilities {
		for _, top := range p.Top {
			all[top.ID] = top.LogProb
		}
	}
	return all
}
