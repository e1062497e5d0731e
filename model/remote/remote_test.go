package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/remote"
	"github.com/satori-go/satori/model/sampler"
	"github.com/satori-go/satori/model/samplertest"
	"github.com/satori-go/satori/model/tokenizer"
)

// tiny is a model of 20 words.
func tiny(t testing.TB, b model.Backend) *model.LM {
	t.Helper()
	words, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> a b c d e f g h i j k l m n o p"), coat.Actions{}.Tokens())
	require.NoError(t, err)
	net, err := model.NewNet(b, model.Config{VocabSize: words.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 64, EOS: 1, InitRange: 0.3, Tied: true}, 3)
	require.NoError(t, err)
	lm, err := model.NewLM(net, words)
	require.NoError(t, err)
	return lm
}

var prompts = [][]int32{{4, 5, 6}, {9, 2, 7, 7, 3}, {12}}

func goBackend(t testing.TB) model.Backend {
	t.Helper()
	b, err := model.OpenBackend("go")
	require.NoError(t, err)
	return b
}

// shapes are the answers of servers to /v1/completions: llama.cpp's
// (completion_token_output::probs_vector_to_json in tools/server), vLLM's (CompletionLogProbs
// and CompletionResponseChoice in vllm/entrypoints/openai/completion/protocol.py; without
// return_token_ids before 0.10.2), and SGLang's, which has the same names
// (python/sglang/srt/entrypoints/openai/serving_completions.py).
var shapes = map[string]func(asked map[string]any, c model.Completion) map[string]any{
	"llama.cpp": func(asked map[string]any, c model.Completion) map[string]any {
		list := []any{}
		for i, id := range c.Tokens {
			one := map[string]any{"id": id, "token": "x", "bytes": []int{120}}
			if asked["post_sampling_probs"] == true {
				one["prob"] = math.Exp(float64(c.LogProbs[i]))
			} else if c.UnfilteredLogProbs != nil {
				one["logprob"] = c.UnfilteredLogProbs[i]
			} else {
				one["logprob"] = c.LogProbs[i]
			}
			list = append(list, one)
		}
		return map[string]any{"logprobs": map[string]any{"content": list}}
	},
	"ids beside": func(_ map[string]any, c model.Completion) map[string]any {
		texts := make([]string, len(c.Tokens))
		return map[string]any{"token_ids": c.Tokens, "logprobs": map[string]any{"tokens": texts, "token_logprobs": c.LogProbs, "text_offset": []int{}}}
	},
	"ids as tokens": func(_ map[string]any, c model.Completion) map[string]any {
		texts := make([]string, len(c.Tokens))
		for i, id := range c.Tokens {
			texts[i] = fmt.Sprintf("token_id:%d", id)
		}
		return map[string]any{"logprobs": map[string]any{"tokens": texts, "token_logprobs": c.LogProbs}}
	},
}

// serve answers as a server does, with completions of a model.
func serve(t *testing.T, lm *model.LM, shape func(map[string]any, model.Completion) map[string]any, broken func(w http.ResponseWriter) bool) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client is gone
		}
		var in struct {
			Prompt      []int32
			MaxTokens   int `json:"max_tokens"`
			Temperature float64
			TopP        float64 `json:"top_p"`
			TopK        int     `json:"top_k"`
			MinP        float64 `json:"min_p"`
			Seed        uint64
			Stop        []int32 `json:"stop_token_ids"`
			Model       string
		}
		asked := map[string]any{}
		if err := errors.Join(json.Unmarshal(text, &in), json.Unmarshal(text, &asked)); err != nil || r.URL.Path != "/v1/completions" || in.Model != "m" || r.Header.Get("Authorization") != "Bearer key" {
			t.Errorf("%s asked: %s (%v)", r.URL.Path, text, err)
		}
		if broken != nil && broken(w) {
			return
		}
		done, err := lm.Sample(r.Context(), model.Request{Prompt: in.Prompt, MaxTokens: in.MaxTokens, Temperature: in.Temperature,
			TopP: in.TopP, TopK: max(0, in.TopK), MinP: in.MinP, Seed: in.Seed, Stop: in.Stop})
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		choice := shape(asked, done[0])
		choice["index"], choice["text"], choice["finish_reason"] = 0, "x x", "stop"
		if done[0].Truncated {
			choice["finish_reason"] = "length"
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"object": "text_completion", "choices": []any{choice}})
	}))
	t.Cleanup(server.Close)
	return server
}

func connect(t *testing.T, url string, mode remote.LogProbsMode, fields map[string]any) *remote.Remote {
	t.Helper()
	r, err := remote.New(remote.Config{URL: url + "/v1", Model: "m", Key: "key", MaxConcurrent: 4, Attempts: 4, Wait: time.Millisecond,
		Timeout: time.Minute, LogProbs: mode, Fields: fields})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

// A Remote keeps the promises of a Sampler over every shape of answers, from a server that
// fails every other time.
func TestRemoteIsASampler(t *testing.T) {
	b := goBackend(t)
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int32
			server := serve(t, tiny(t, b), shape, func(w http.ResponseWriter) bool {
				switch n.Add(1) % 10 {
				case 1:
					http.Error(w, "slow down", http.StatusTooManyRequests)
				case 3:
					http.Error(w, "oops", http.StatusInternalServerError)
				case 5:
					panic(http.ErrAbortHandler) // the connection is cut
				case 7:
					w.Header().Set("Content-Length", "1000")
					io.WriteString(w, `{"choices":[{"text":`)
				case 9:
					io.WriteString(w, "<html>")
				default:
					return false
				}
				return true
			})
			r, err := remote.New(remote.Config{URL: server.URL + "/v1", Model: "m", Key: "key", MaxConcurrent: 4, Attempts: 50, Wait: time.Millisecond, LogProbs: remote.ProcessedLogProbs})
			require.NoError(t, err)
			defer r.Close()
			samplertest.TestStable(t, r, prompts)
		})
	}
}

// What log-probabilities are of, and that they are those of the model behind the server.
func TestRemoteLogProbs(t *testing.T) {
	lm := tiny(t, goBackend(t))
	for _, c := range []struct {
		shape           string
		reported        remote.LogProbsMode
		r               model.Request
		logProbs, plain bool
	}{
		{"ids beside", remote.RawLogProbs, model.Request{}, true, false},
		{"ids beside", remote.RawLogProbs, model.Request{Temperature: 1}, true, false},
		{"ids beside", remote.RawLogProbs, model.Request{Temperature: 0.5}, false, false},
		{"ids beside", remote.RawLogProbs, model.Request{Temperature: 1, TopP: 0.5}, false, true},
		{"ids beside", remote.TempScaledLogProbs, model.Request{Temperature: 0.5}, true, false},
		{"ids beside", remote.TempScaledLogProbs, model.Request{Temperature: 0.5, TopK: 3}, false, true},
		{"ids beside", remote.TempScaledLogProbs, model.Request{}, false, false},
		{"ids beside", remote.ProcessedLogProbs, model.Request{Temperature: 0.5, TopK: 3}, true, false},
		{"ids beside", remote.ProcessedLogProbs, model.Request{}, false, false},
		{"llama.cpp", remote.RawLogProbs, model.Request{}, true, false},
		{"llama.cpp", remote.RawLogProbs, model.Request{Temperature: 1}, true, false},
		{"llama.cpp", remote.RawLogProbs, model.Request{Temperature: 0.5, TopK: 3, MinP: 0.1}, true, false},
	} {
		server := serve(t, lm, shapes[c.shape], nil)
		c.r.Prompt, c.r.MaxTokens, c.r.Seed, c.r.N = prompts[0], 6, 9, 2
		done, err := connect(t, server.URL, c.reported, nil).Sample(t.Context(), c.r)
		require.NoError(t, err)
		for i := range done {
			one := c.r
			one.N, one.Seed = 0, sampler.FoldIn(9, uint64(i))&0x7fffffff
			want, err := lm.Sample(t.Context(), one)
			require.NoError(t, err)
			got := done[i]
			if !slices.Equal(got.Tokens, want[0].Tokens) || got.Truncated != want[0].Truncated || (got.LogProbs != nil) != c.logProbs || (got.UnfilteredLogProbs != nil) != c.plain {
				t.Errorf("%+v: %+v, want the tokens of %+v", c, got, want[0])
			}
			for k, l := range got.LogProbs {
				if math.Abs(float64(l-want[0].LogProbs[k])) > 1e-5 {
					t.Errorf("%+v: log-probability %g, want %g", c, l, want[0].LogProbs[k])
				}
			}
		}
	}
}

// What is no answer is an error that says so; what cannot pass is asked once.
func TestRemoteRefuses(t *testing.T) {
	for _, c := range []struct {
		status   int
		body     string
		attempts int32
		want     string
	}{
		{400, `{"error":"the prompt is too long"}`, 1, "the prompt is too long"},
		{404, "no such model", 1, "no such model"},
		{503, "busy", 4, "busy"},
		{200, `{"choices":[]}`, 4, "no choices"},
		{200, `{"choices":[{"finish_reason":"length","text":"x"}]}`, 1, "no log-probabilities"},
		{200, `{"choices":[{"finish_reason":"length","logprobs":{"tokens":["x"],"token_logprobs":[-1]}}]}`, 1, "no token ids"},
		{200, `{"choices":[{"finish_reason":"length","token_ids":[1,2],"logprobs":{"token_logprobs":[-1]}}]}`, 1, "2 token ids and 1 log-prob"},
		{200, `{"choices":[{"finish_reason":"length","token_ids":[1],"logprobs":{"token_logprobs":[null]}}]}`, 1, "is null"},
		{200, `{"choices":[{"finish_reason":"length","logprobs":{"content":[{"token":"x","logprob":-1}]}}]}`, 1, "has no id"},
		{200, `{"choices":[{"finish_reason":"length","token_ids":[1,2,3,4,5],"logprobs":{"token_logprobs":[0,0,0,0,0]}}]}`, 1, "for max_tokens 4"},
		{200, `{"choices":[{"finish_reason":"abort","token_ids":[1],"logprobs":{"token_logprobs":[0]}}]}`, 4, `"abort"`},
		{200, `{"choices":[{"token_ids":[1],"logprobs":{"token_logprobs":[0]}}]}`, 4, "no finish_reason"},
		{200, `<html>`, 4, "<html>"},
	} {
		var n atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n.Add(1)
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		}))
		_, err := connect(t, server.URL, remote.RawLogProbs, nil).Sample(t.Context(), model.Request{Prompt: []int32{1}, MaxTokens: 4})
		server.Close()
		if err == nil || n.Load() != c.attempts || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), server.URL) {
			t.Errorf("%d %s: %v after %d attempts", c.status, c.body, err, n.Load())
		}
	}
	for _, c := range []remote.Config{{}, {URL: "127.0.0.1:80"}, {URL: "http://h", Attempts: -1}, {URL: "http://h", LogProbs: 3}} {
		if _, err := remote.New(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

// A server that hangs runs into the deadline; one whose client gives up is left at once.
func TestRemoteDeadline(t *testing.T) {
	gone := make(chan struct{}, 8)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	defer server.Close()
	r, err := remote.New(remote.Config{URL: server.URL, Attempts: 2, Wait: time.Millisecond, Timeout: 20 * time.Millisecond})
	require.NoError(t, err)
	defer r.Close()
	if _, err := r.Sample(t.Context(), model.Request{Prompt: []int32{1}, MaxTokens: 1}); err == nil || !strings.Contains(err.Error(), "attempt 2 of 2: no answer within 20ms") {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.Sample(ctx, model.Request{Prompt: []int32{1}, MaxTokens: 1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	<-gone
	<-gone
}

// Publish speaks to SGLang, to vLLM in its development mode, and tells of others.
func TestPublish(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}"), 0o644))
	for _, c := range []struct {
		name    string
		answers map[string]string // path to status and body
		asked   []string
		want    string
	}{
		{"SGLang", map[string]string{"/update_weights_from_disk": `200 {"success":true,"message":"ok"}`},
			[]string{`/update_weights_from_disk {"flush_cache":true,"model_path":"` + dir + `"}`}, ""},
		{"SGLang fails", map[string]string{"/update_weights_from_disk": `400 {"success":false,"message":"shape mismatch"}`},
			[]string{`/update_weights_from_disk {"flush_cache":true,"model_path":"` + dir + `"}`}, "shape mismatch"},
		{"SGLang fails politely", map[string]string{"/update_weights_from_disk": `200 {"success":false,"message":"shape mismatch"}`},
			[]string{`/update_weights_from_disk {"flush_cache":true,"model_path":"` + dir + `"}`}, "shape mismatch"},
		{"vLLM", map[string]string{"/collective_rpc": `200 {"results":[null]}`, "/reset_prefix_cache": `200 {"success":true}`},
			[]string{`/update_weights_from_disk {"flush_cache":true,"model_path":"` + dir + `"}`,
				`/collective_rpc {"kwargs":{"weights_path":"` + dir + `"},"method":"reload_weights"}`, `/reset_prefix_cache {}`}, ""},
		{"an earlier vLLM", map[string]string{"/collective_rpc": `200 `, "/reset_prefix_cache": `200 `},
			[]string{`/update_weights_from_disk {"flush_cache":true,"model_path":"` + dir + `"}`,
				`/collective_rpc {"kwargs":{"weights_path":"` + dir + `"},"method":"reload_weights"}`, `/reset_prefix_cache {}`}, ""},
		{"vLLM at work", map[string]string{"/collective_rpc": `200 {"results":[null]}`, "/reset_prefix_cache": `200 {"success":false}`},
			[]string{`/update_weights_from_disk {"flush_cache":true,"model_path":"` + dir + `"}`,
				`/collective_rpc {"kwargs":{"weights_path":"` + dir + `"},"method":"reload_weights"}`, `/reset_prefix_cache {}`}, "requests are running"},
		{"vLLM fails", map[string]string{"/collective_rpc": `500 no such file`},
			[]string{`/update_weights_from_disk {"flush_cache":true,"model_path":"` + dir + `"}`,
				`/collective_rpc {"kwargs":{"weights_path":"` + dir + `"},"method":"reload_weights"}`}, "no such file"},
		{"llama.cpp", nil,
			[]string{`/update_weights_from_disk {"flush_cache":true,"model_path":"` + dir + `"}`,
				`/collective_rpc {"kwargs":{"weights_path":"` + dir + `"},"method":"reload_weights"}`}, remote.ErrNoPublish.Error()},
	} {
		var asked []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			asked = append(asked, r.URL.Path+" "+string(text))
			answer, ok := c.answers[r.URL.Path]
			if !ok {
				http.NotFound(w, r)
				return
			}
			status, body, _ := strings.Cut(answer, " ")
			code, err := strconv.Atoi(status)
			if err != nil {
				t.Error(err)
				code = http.StatusInternalServerError
			}
			w.WriteHeader(code)
			io.WriteString(w, body)
		}))
		err := connect(t, server.URL, remote.RawLogProbs, nil).Publish(t.Context(), dir)
		server.Close()
		if !slices.Equal(asked, c.asked) || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: asked %q, error %v", c.name, asked, err)
		}
		if (c.name == "llama.cpp") != errors.Is(err, remote.ErrNoPublish) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := connect(t, "http://127.0.0.1:1", remote.RawLogProbs, nil).Publish(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

// Rollouts can come from another sampler.
func TestRolloutsFromRemote(t *testing.T) {
	lm := tiny(t, goBackend(t))
	server := serve(t, lm, shapes["ids beside"], nil)
	starts := []coat.Start{{Problem: coat.Problem{Question: "a b"}}, {Problem: coat.Problem{Question: "c d"}}}
	p := model.SamplingParams{N: 2, MaxTokens: 5, Temperature: 1, Seed: 4, Sampler: connect(t, server.URL, remote.RawLogProbs, nil)}
	got, err := model.Collect(p.Rollouts(t.Context(), lm, coat.Bare, slices.Values(starts)))
	if err != nil || len(got) != 4 {
		t.Fatal(got, err)
	}
	for i, r := range got {
		if r.Start.Problem.Question != starts[i/2].Problem.Question || len(r.LogProbs) != len(r.Tokens) || r.Text != lm.Response(r.Tokens) {
			t.Errorf("rollout %d: %+v", i, r)
		}
	}
}
