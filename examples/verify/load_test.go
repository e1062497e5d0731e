package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A process is this program with -serve, as a process of its own.
type process struct {
	cmd    *exec.Cmd
	addr   string
	stderr *bufio.Reader
}

func spawn(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], append([]string{"-serve", ":0"}, args...)...)}
	p.cmd.Env = append(os.Environ(), "VERIFY_MAIN=1")
	pipe, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { p.cmd.Process.Kill() })
	p.stderr = bufio.NewReader(pipe)
	line, err := p.stderr.ReadString('\n')
	require.NoError(t, err)
	_, err = fmt.Sscanf(line, "verify: rewards at http://%s", &p.addr)
	require.NoError(t, err, line)
	p.addr = strings.TrimSuffix(p.addr, "/get_reward")
	return p
}

// metric reads one of the process's metrics.
func (p *process) metric(t *testing.T, name string) (v float64) {
	t.Helper()
	r, err := http.Get("http://" + p.addr + "/metrics")
	require.NoError(t, err)
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			_, err := fmt.Sscan(text, &v)
			require.NoError(t, err)
		}
	}
	return v
}

// good is a request with as many queries as n says, and the rewards it deserves.
func good(i int) (body string, want []float64) {
	r := struct {
		Query   []string `json:"query"`
		Prompts []string `json:"prompts"`
		Labels  []string `json:"labels"`
	}{}
	for k := range 1 + i%8 {
		prompt := fmt.Sprintf("<|im_start|>user\nHow much is %d/%d? Use \\boxed{}.<|im_end|>\n<|im_start|>assistant\n", 3*i+1, k+2)
		reward := float64((i + k) % 2)
		answer := fmt.Sprintf(`\frac{%d}{%d}`, 6*i+2, 2*k+4)
		if reward == 0 {
			answer = fmt.Sprintf(`\frac{%d}{%d}`, 6*i+3, 2*k+4)
		}
		r.Query = append(r.Query, prompt+strings.Repeat("Let me see. ", i%50)+`It is \boxed{`+answer+`}.<|im_end|>`)
		r.Prompts = append(r.Prompts, prompt)
		r.Labels = append(r.Labels, fmt.Sprintf("%d/%d", 3*i+1, k+2))
		want = append(want, reward)
	}
	data, _ := json.Marshal(r)
	return string(data), want
}

// ask makes the i-th request: 6 of 10 are good, the others cut off half-way (by a client
// that listens on, or by one that is gone), a megabyte too long (with its length said, or
// chunked), not JSON, or without labels.
func ask(client *http.Client, addr string, i, limit int) error {
	body, want := good(i)
	var payload io.Reader = strings.NewReader(body)
	switch i % 10 {
	case 6:
		return cut(addr, body, i%20 < 10)
	case 7:
		payload = io.MultiReader(strings.NewReader(`{"query":["`), bytes.NewReader(bytes.Repeat([]byte("x"), limit+1<<20)))
		if i%20 < 10 {
			payload = strings.NewReader(`{"query":["` + strings.Repeat("x", limit+1<<20))
		}
	case 8:
		payload = strings.NewReader(strings.Replace(body, `"`, "", 1))
	case 9:
		payload = strings.NewReader(strings.Replace(body, "labels", "label", 1))
	}
	reply, err := client.Post("http://"+addr+"/get_reward", "application/json", payload)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	data, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	if i%10 >= 6 {
		if status := map[int]int{7: 413, 8: 400, 9: 400}[i%10]; reply.StatusCode != status {
			return fmt.Errorf("%s, want %d: %s", reply.Status, status, data)
		}
		return nil
	}
	var got struct{ Rewards, Scores []float64 }
	if err := json.Unmarshal(data, &got); err != nil || reply.StatusCode != 200 || fmt.Sprint(got.Rewards, got.Scores) != fmt.Sprint(want, want) {
		return fmt.Errorf("%s %s, want %v", reply.Status, data, want)
	}
	return nil
}

// cut sends half a body.
func cut(addr, body string, listens bool) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /get_reward HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:len(body)/2])
	if !listens {
		return nil // the server's count of 400s has it
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	reply, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	if reply.StatusCode != 400 {
		return fmt.Errorf("half a body: %s", reply.Status)
	}
	return nil
}

// Under 10,000 requests from another process, 64 at once, four of ten of them bad, every
// good one is answered right, every bad one is refused, memory stays flat and the server
// stops cleanly. With -short there are 1,000.
func TestLoad(t *testing.T) {
	total, limit := 10_000, 1<<20
	if testing.Short() {
		total = 1_000
	}
	p := spawn(t, "-max-body", fmt.Sprint(limit))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	var next, failed atomic.Int64
	fire := func(until int) {
		var workers sync.WaitGroup
		for range 64 {
			workers.Go(func() {
				for i := int(next.Add(1)) - 1; i < until; i = int(next.Add(1)) - 1 {
					if err := ask(client, p.addr, i, limit); err != nil && failed.Add(1) < 10 {
						t.Errorf("request %d: %v", i, err)
					}
				}
			})
		}
		workers.Wait()
		next.Store(int64(until))
	}
	const goroutines = "go_goroutines"
	before := p.metric(t, goroutines)
	begin := time.Now()
	fire(total / 5)
	const resident = "process_resident_memory_bytes"
	early := p.metric(t, resident)
	fire(total)
	took := time.Since(begin)
	late := p.metric(t, resident)
	for code, want := range map[int]int{200: 6 * total / 10, 400: 3 * total / 10, 413: total / 10} {
		name := fmt.Sprintf("verify_requests_total{code=\"%d\"}", code)
		for wait := time.Now(); p.metric(t, name) != float64(want) && time.Since(wait) < 5*time.Second; {
			time.Sleep(10 * time.Millisecond) // of some requests the sender is gone
		}
		if got := p.metric(t, name); got != float64(want) {
			t.Errorf("%d: %v requests, want %d", code, got, want)
		}
	}
	t.Logf("%d requests in %v, %.0f a second; resident %.1f MiB after a fifth, %.1f at the end; %d failed",
		total, took.Round(time.Millisecond), float64(total)/took.Seconds(), early/(1<<20), late/(1<<20), failed.Load())
	if late > early+64<<20 { // of which the race detector takes most
		t.Errorf("memory grew from %.1f to %.1f MiB", early/(1<<20), late/(1<<20))
	}
	left := p.metric(t, goroutines) // what asks adds some of its own, so that one low count is enough
	for wait := time.Now(); left > before+4 && time.Since(wait) < time.Minute; left = p.metric(t, goroutines) {
		client.CloseIdleConnections() // a connection may fall idle after its reply was read to the end
		time.Sleep(10 * time.Millisecond)
	}
	if left > before+4 {
		t.Errorf("%v goroutines are left, %v before", left, before)
	}
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	rest, _ := io.ReadAll(p.stderr)
	if err := p.cmd.Wait(); err != nil || string(rest) != "verify: stopped\n" {
		t.Errorf("the server ended with %v and said %q", err, rest)
	}
}
