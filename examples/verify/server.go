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

// A Config bounds what a server does at a time.
type Config struct {
	MaxBody    int64         // bytes of a request; 0: 16 MiB, some thousand rollouts
	Concurrent int           // requests that are read or judged at a time; 0: 16
	Waiting    int           // requests that wait for one of those to end; 0: 1024
	Deadline   time.Duration // of a request, waiting and reading included; 0: a minute. OpenRLHF waits for three
}

func (c Config) validate() error {
	if c.MaxBody < 0 || c.Concurrent < 0 || c.Waiting < 0 || c.Deadline < 0 {
		return fmt.Errorf("MaxBody is %d, Concurrent %d, Waiting %d, Deadline %v: want 0 or more", c.MaxBody, c.Concurrent, c.Waiting, c.Deadline)
	}
	return nil
}

// A Server answers
//
//	POST /get_reward   OpenRLHF's remote reward protocol; see [Request]
//	GET  /healthz      "ok"
//	GET  /metrics      for Prometheus
//
// A request that is not understood is refused with a 4xx and the reason in words: 400
// for what is not JSON or was cut off, 408 for what did not come in time, 413 for what
// is too long, 422 for what cannot be judged. What is sent to a server that has too much
// to do is refused with 503. Memory is bounded by Concurrent times some times MaxBody.
type Server struct {
	config  Config
	metrics *metrics
	places  chan struct{} // of those that are read or judged
	waiting chan struct{} // and of those and the ones that wait
}

// NewServer is a server; nothing listens yet.
func NewServer(c Config) *Server {
	c.MaxBody, c.Concurrent = cmp.Or(c.MaxBody, 16<<20), cmp.Or(c.Concurrent, 16)
	c.Waiting, c.Deadline = cmp.Or(c.Waiting, 1024), cmp.Or(c.Deadline, time.Minute)
	return &Server{
		config: c, metrics: newMetrics(),
		places: make(chan struct{}, c.Concurrent), waiting: make(chan struct{}, c.Concurrent+c.Waiting),
	}
}

// Handler serves the three paths.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /get_reward", s.getReward)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}

// Serve answers what comes to the listener until ctx ends. Then it takes no more
// connections and waits for the requests that it has, but no longer than grace.
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
	<-failed // http.ErrServerClosed
	return nil
}

func (s *Server) getReward(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), s.config.Deadline)
	defer cancel()
	reply, status, err := s.answer(ctx, w, r)
	s.metrics.request(status, time.Since(begin))
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
		return
	}
	json.NewEncoder(w).Encode(reply)
}

// answer judges a request, when there is a place for it.
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

// refusal is the status for a request that could not be read. Of one that is too long
// some more is read, so that its sender comes to reading the reply.
func (s *Server) refusal(r *http.Request, err error) int {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		io.CopyN(io.Discard, r.Body, s.config.MaxBody)
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}
