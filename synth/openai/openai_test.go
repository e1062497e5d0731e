package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satori-go/satori/synth/agent"
	"github.com/satori-go/satori/synth/openai"
)

const whole = `{"id":"1","object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"four"}}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`

func good(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, whole)
}

// A server that is busy at first is asked again.
func Example() {
	busy := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if busy {
			busy = false
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return
		}
		good(w)
	}))
	defer server.Close()
	client, err := openai.New(openai.Config{URL: server.URL + "/v1", Model: "qwen", Attempts: 3, Wait: time.Millisecond, Fields: map[string]any{"top_p": 0.9}})
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := client.Model(context.Background(), agent.Request{User: "What is 2 + 2?", MaxTokens: 16})
	fmt.Println(reply.Text, reply.Tokens, "tokens,", reply.Retries, "retry", err)
	// Output: four 3 tokens, 1 retry <nil>
}

func serve(t *testing.T, h http.HandlerFunc) openai.Config {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return openai.Config{URL: server.URL + "/v1", Model: "m", Wait: time.Millisecond, Attempts: 3, Timeout: time.Second}
}

func open(t *testing.T, c openai.Config) *openai.Client {
	t.Helper()
	client, err := openai.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Misbehaviours, each of which passes.
var faults = map[string]http.HandlerFunc{
	"429": func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error":{"message":"slow down"}}`, http.StatusTooManyRequests)
	},
	"500": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", 500) },
	"503": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
	"html": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<html>hello</html>")
	},
	"wrong json": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"hello":1}`)
	},
	"no message": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"choices":[{}]}`)
	},
	"half a body": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
		io.WriteString(w, whole[:len(whole)/2])
	},
	"half, no length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, whole[:len(whole)/2])
	},
	"slow": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	"cut":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

func TestPasses(t *testing.T) {
	for name, fault := range faults {
		var n atomic.Int32
		client := open(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if n.Add(1) < 3 {
				fault(w, r)
				return
			}
			good(w)
		}))
		reply, err := client.Model(context.Background(), agent.Request{User: "two and two?", MaxTokens: 5})
		if want := (agent.Reply{Text: "four", PromptTokens: 7, Tokens: 3, Retries: 2}); err != nil || reply != want {
			t.Errorf("%s: %+v, %v", name, reply, err)
		}
	}
}

func TestGivesUp(t *testing.T) {
	for name, fault := range faults {
		var n atomic.Int32
		config := serve(t, func(w http.ResponseWriter, r *http.Request) { n.Add(1); io.Copy(io.Discard, r.Body); fault(w, r) })
		_, err := open(t, config).Model(context.Background(), agent.Request{User: "?"})
		if err == nil || n.Load() != 3 || !strings.Contains(err.Error(), config.URL) {
			t.Errorf("%s: %v after %d attempts", name, err, n.Load())
		}
		t.Log(err)
	}
}

// What is refused is not asked again.
func TestRefused(t *testing.T) {
	for _, code := range []int{400, 401, 404, 422} {
		var n atomic.Int32
		config := serve(t, func(w http.ResponseWriter, r *http.Request) {
			n.Add(1)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			io.WriteString(w, `{"error":{"message":"there is no such model"}}`)
		})
		_, err := open(t, config).Model(context.Background(), agent.Request{User: "?"})
		if err == nil || n.Load() != 1 || !strings.Contains(err.Error(), "no such model") {
			t.Errorf("%d: %v after %d attempts", code, err, n.Load())
		}
	}
}

// A prompt that does not fit is a reply without a word.
func TestTooLong(t *testing.T) {
	for _, body := range []string{
		`{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}`,
		`{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}`,
	} {
		config := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			io.WriteString(w, body)
		})
		if reply, err := open(t, config).Model(context.Background(), agent.Request{User: "?"}); err != nil || reply != (agent.Reply{Truncated: true}) {
			t.Errorf("%+v, %v", reply, err)
		}
	}
}

// Many at once: no more than MaxConcurrent reach the server, and Retry-After is heeded.
func TestBounds(t *testing.T) {
	var now, most, n atomic.Int32
	config := serve(t, func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		time.Sleep(2 * time.Millisecond)
		if n.Add(1)%5 == 0 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(429)
			return
		}
		good(w)
	})
	config.MaxConcurrent, config.Wait, config.Attempts, config.Timeout = 4, time.Hour, 20, time.Minute // Retry-After 0 goes before Wait
	client := open(t, config)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if _, err := client.Model(context.Background(), agent.Request{User: "?"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() > 4 {
		t.Errorf("%d at once", most.Load())
	}
}

func TestCancelled(t *testing.T) {
	config := serve(t, faults["500"])
	config.Wait = time.Hour
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := open(t, config).Model(ctx, agent.Request{User: "?"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// What is sent is what was asked for.
func TestRequest(t *testing.T) {
	var got map[string]any
	config := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer k" {
			t.Error(err, r.URL, r.Header)
		}
		good(w)
	})
	config.Key, config.Fields = "k", map[string]any{"top_p": 0.5}
	request := agent.Request{System: "s", User: "u", Temperature: 0.25, MaxTokens: 9, Seed: 1<<40 + 3, Stop: []string{"Problem:"}}
	if _, err := open(t, config).Model(context.Background(), request); err != nil {
		t.Error(err)
	}
	data, _ := json.Marshal(got)
	want := `{"max_tokens":9,"messages":[{"content":"s","role":"system"},{"content":"u","role":"user"}],"model":"m","seed":3,"stop":["Problem:"],"temperature":0.25,"top_p":0.5}`
	if string(data) != want {
		t.Errorf("got %s\nwant %s", data, want)
	}
	if _, err := openai.New(openai.Config{URL: "localhost:80"}); err == nil {
		t.Error("an address without a scheme is taken")
	}
}
