package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func start(t *testing.T, c Config) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(NewServer(c).Handler())
	t.Cleanup(s.Close)
	return s
}

func post(t *testing.T, url, body string) (status int, reply string) {
	t.Helper()
	r, err := http.Post(url+"/get_reward", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return r.StatusCode, string(data)
}

// What OpenRLHF's clients wrote to a socket gets what they read.
func TestOpenRLHF(t *testing.T) {
	s := start(t, Config{})
	for file, want := range map[string]string{
		"testdata/openrlhf-0.11.0.http": `{"rewards":[1.0],"scores":[1.0],"extra_logs":{"no_answer":[0.0],"over_budget":[0.0],"unparsed":[0.0]}}`,
		"testdata/openrlhf-0.8.1.http":  `{"rewards":[1.0,0.0],"scores":[1.0,0.0],"extra_logs":{"no_answer":[0.0,0.0],"over_budget":[0.0,0.0],"unparsed":[0.0,0.0]}}`,
	} {
		request, err := os.ReadFile(file)
		require.NoError(t, err)
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Write(request)
		require.NoError(t, err)
		reply, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(reply.Body)
		// aiohttp decodes nothing but application/json.
		if err != nil || reply.StatusCode != 200 || reply.Header.Get("Content-Type") != "application/json" || strings.TrimSpace(string(body)) != want {
			t.Errorf("%s: %s, %v, %s, %v, want %s", file, reply.Status, reply.Header, body, err, want)
		}
	}
}

func TestRewards(t *testing.T) {
	s := start(t, Config{MaxBody: 1 << 20})
	long := strings.Repeat("x", 2<<20)
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"responses alone", `{"query":["\\boxed{2}","\\boxed{3}","2"],"labels":["2",2,"2"]}`, 200, `"rewards":[1.0,0.0,0.0]`},
		{"logs", `{"query":["2","\\boxed{2 +}","\\boxed{2}"],"labels":["2","2","2"]}`, 200, `"no_answer":[1.0,0.0,0.0],"over_budget":[0.0,0.0,0.0],"unparsed":[0.0,1.0,0.0]`},
		{"the prompt gives no answer", `{"query":["\\boxed{2}?\nno"],"prompts":["\\boxed{2}?\n"],"labels":["2"]}`, 200, `"rewards":[0.0]`},
		{"nothing for this server", `{"query":[],"prompts":[],"labels":[]}`, 200, `"rewards":[]`},
		{"a field of later versions", `{"query":["\\boxed{2}"],"labels":["2"],"images":[null]}`, 200, `"rewards":[1.0]`},
		{"not JSON", `query=1`, 400, "invalid character"},
		{"empty", ``, 400, "EOF"},
		{"cut off", `{"query":["\\boxed{2}"],"lab`, 400, "unexpected EOF"},
		{"two", `{"query":[],"labels":[]}{}`, 400, "something follows"},
		{"a list", `[]`, 400, "cannot unmarshal array"},
		{"no query", `{}`, 400, `no field \"query\"`},
		{"no labels", `{"query":["1"],"prompts":["1"]}`, 400, "0 labels for 1 queries"},
		{"null label", `{"query":["1"],"labels":[null]}`, 400, "want a string or a number"},
		{"few prompts", `{"query":["1","2"],"labels":["1","2"],"prompts":[]}`, 400, "0 prompts for 2 queries"},
		{"gold", `{"query":["1","1"],"labels":["1","1/0"]}`, 422, `labels[1]: \"1/0\" is undefined`},
		{"prompt", `{"query":["1"],"labels":["1"],"prompts":["2"]}`, 422, "query[0] does not start with its prompt"},
		{"too long", `{"query":["` + long + `"],"labels":["1"]}`, 413, "too large"},
	} {
		if status, reply := post(t, s.URL, c.body); status != c.status || !strings.Contains(reply, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.name, status, reply, c.status, c.want)
		}
	}
	r, _ := http.NewRequest("POST", s.URL+"/get_reward", bytes.NewReader(nil))
	r.Header.Set("Content-Encoding", "gzip")
	if reply, err := http.DefaultClient.Do(r); err != nil || reply.StatusCode != 415 {
		t.Errorf("gzip: %v, %v", reply, err)
	}
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/healthz": {200, "ok"}, "/get_reward": {405, ""}, "/": {404, ""},
		"/metrics": {200, "verify_answers_total{reason=\"equal\"} 3\n"},
	} {
		reply, err := http.Get(s.URL + path)
		require.NoError(t, err)
		body, _ := io.ReadAll(reply.Body)
		reply.Body.Close()
		if reply.StatusCode != want.status || !strings.Contains(string(body), want.text) {
			t.Errorf("%s: %s\n%s", path, reply.Status, body)
		}
	}
}

// A request that finds no place in its time, or no room to wait for one, is sent away.
func TestTooMuchToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(Config{Concurrent: 1, Waiting: 1, Deadline: time.Minute})
		s.places <- struct{}{} // one is being judged
		s.waiting <- struct{}{}
		replies := make(chan string, 2)
		ask := func() {
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, httptest.NewRequest("POST", "/get_reward", strings.NewReader(`{"query":[],"labels":[]}`)))
			replies <- fmt.Sprint(w.Code, " ", w.Header().Get("Retry-After"), " ", w.Body)
		}
		go ask()
		synctest.Wait()
		ask()
		if got := <-replies; !strings.HasPrefix(got, "503 1 ") || !strings.Contains(got, "too many requests wait") {
			t.Errorf("one too many: %s", got)
		}
		if got := <-replies; !strings.HasPrefix(got, "503 1 ") || !strings.Contains(got, "no place within the deadline") {
			t.Errorf("one that waited: %s", got)
		}
	})
}

// Judging stops at the deadline.
func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if reply, err := rewards(ctx, Request{Query: []string{`\boxed{1}`}, Labels: []text{"1"}}); err == nil || reply.Rewards != nil {
		t.Errorf("%v, %v", reply, err)
	}
}

// A body that does not come is not waited for.
func TestSlowBody(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { done <- NewServer(Config{Deadline: 200 * time.Millisecond}).Serve(ctx, l, time.Second) }()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	io.WriteString(c, "POST /get_reward HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	reply, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || reply.StatusCode != http.StatusRequestTimeout {
		t.Errorf("%v, %v", reply, err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A server that is stopped answers what it has begun, and nothing else.
func TestShutdown(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := NewServer(Config{})
	go func() { done <- s.Serve(ctx, l, 10*time.Second) }()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	const body = `{"query":["\\boxed{2}"],"labels":["2"]}`
	fmt.Fprintf(c, "POST /get_reward HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:9])
	for len(s.places) == 0 {
		time.Sleep(time.Millisecond)
	}
	stop()
	for { // until it listens no more
		probe, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		probe.Close()
		time.Sleep(time.Millisecond)
	}
	io.WriteString(c, body[9:])
	reply, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	var r struct{ Rewards []float64 }
	if err := json.NewDecoder(reply.Body).Decode(&r); err != nil || len(r.Rewards) != 1 || r.Rewards[0] != 1 {
		t.Errorf("%v, %v", r, err)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve ended with %v", err)
	}
}
