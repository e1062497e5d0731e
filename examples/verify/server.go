package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Config bounds the work that a server does at a time.
type Config struct {
	MaxBody    int64         // bytes of a request; 0: 16 MiB, which is some thousand rollouts
	Concurrent int           // requests that are read or judged at a time; 0: 16
	Waiting    int           // requests that wait for a place; 0: 1024
	Deadline   time.Duration // of a request, waiting and reading included; 0: one minute. OpenRLHF waits for three
}

// validate reports values that no server can have.
func (c Config) validate() error {
	if c.MaxBody < 0 || c.Concurrent < 0 || c.Waiting < 0 || c.Deadline < 0 {
		return fmt.Errorf("MaxBody is %d, Concurrent %d, Waiting %d, Deadline %v: want 0 or more", c.MaxBody, c.Concurrent, c.Waiting, c.Deadline)
	}
	return nil
}

// A Server answers three paths:
//
//	POST /get_reward   OpenRLHF's remote reward protocol; see [Request]
//	GET  /healthz      "ok"
//	GET  /metrics      for Prometheus
//
// It refuses a bad request with a 4xx and a reason in words: 400 if the body is no JSON or
// incomplete, 408 if it is late, 413 if it is too long, 422 if it cannot be judged. It
// refuses a request with 503 if too many are running. Its memory is bounded by Concurrent
// times a small multiple of MaxBody.
type Server struct {
	config  Config
	metrics *metrics
	places  chan struct{} // one entry a request that is read or judged
	waiting chan struct{} // one entry a request that is read or judged, or waits
}

// NewServer makes a server. It does not listen yet.
func NewServer(c Config) *Server {
	c.MaxBody, c.Concurrent = cmp.Or(c.MaxBody, 16<<20), cmp.Or(c.Concurrent, 16)
	c.Waiting, c.Deadline = cmp.Or(c.Waiting, 1024), cmp.Or(c.Deadline, time.Minute)
	return &Server{
		config: c, metrics: newMetrics(),
		places: make(chan struct{}, c.Concurrent), waiting: make(chan struct{}, c.Concurrent+c.Waiting),
	}
}

// Handler returns a handler of the three paths.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /get_reward", s.getReward)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}

// Serve answers requests of the listener until ctx ends. Then it accepts no more
// connections and waits for the running requests, at most for grace.
func (s *Server) Serve(ctx context.Context, listener net.Listener, grace time.Duration) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       s.config.Deadline,
		WriteTimeout:      s.config.Deadline + 10*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(os.Stderr, "verify: ", 0),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off: %w", err), server.Close())
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// getReward answers a request for rewards.
func (s *Server) getReward(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), s.config.Deadline)
	defer cancel()
	reply, status, err := s.answer(ctx, w, r)
	s.metrics.request(status, time.Since(begin))
	var body any = reply
	if err != nil {
		body = map[string]string{"error": err.Error()}
	}
	data, err := json.Marshal(body)
	if err != nil { // no value of a reply does this
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	w.Write(append(data, '\n')) // a client that is gone gets no other reply either
}

// answer judges a request as soon as a place is free.
func (s *Server) answer(ctx context.Context, w http.ResponseWriter, r *http.Request) (Reply, int, error) {
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return Reply{}, http.StatusServiceUnavailable, errors.New("too many requests wait")
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-ctx.Done():
		return Reply{}, http.StatusServiceUnavailable, errors.New("no place within the deadline")
	}
	s.metrics.busy.Inc()
	defer s.metrics.busy.Dec()

	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return Reply{}, http.StatusUnsupportedMediaType, fmt.Errorf("Content-Encoding %q is not read", e)
	}
	if r.ContentLength > s.config.MaxBody {
		err := &http.MaxBytesError{Limit: s.config.MaxBody}
		return Reply{}, s.refusal(r, err), err
	}
	request, err := read(http.MaxBytesReader(w, r.Body, s.config.MaxBody))
	if err != nil {
		return Reply{}, s.refusal(r, err), fmt.Errorf("request: %w", err)
	}
	reply, err := rewards(ctx, request)
	switch {
	case errors.As(err, new(errRequest)):
		return Reply{}, http.StatusUnprocessableEntity, err
	case err != nil:
		return Reply{}, http.StatusServiceUnavailable, err
	}
	s.metrics.judged(reply.reasons)
	return reply, http.StatusOK, nil
}

// refusal returns the status for a request that could not be read. It reads on in a request
// that is too long, so that the sender gets to the reply.
func (s *Server) refusal(r *http.Request, err error) int {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		_, _ = io.CopyN(io.Discard, r.Body, s.config.MaxBody) // whatever its sender still has to say
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}
