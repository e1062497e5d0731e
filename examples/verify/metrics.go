package main

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/satori-go/satori/reward/answer"
)

// A metrics counts what a server does. Each server has its own registry.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	answers  *prometheus.CounterVec
	seconds  prometheus.Histogram
	busy     prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "verify_requests_total", Help: "Requests for rewards, by the status of the reply.",
		}, []string{"code"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "verify_answers_total", Help: "Answers judged, by the reason of the verdict.",
		}, []string{"reason"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "verify_request_seconds", Help: "Time of a request, waiting and reading included.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10), // 0.1 ms ... 26 s
		}),
		busy: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "verify_requests_busy", Help: "Requests that are being read or judged.",
		}),
	}
	for _, r := range []answer.Reason{answer.Equals, answer.Different, answer.NoAnswer, answer.Unparsed, answer.OverBudget} {
		m.answers.WithLabelValues(r.String()) // shown from the start, as 0
	}
	m.registry.MustRegister(m.requests, m.answers, m.seconds, m.busy,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request counts a request and its time.
func (m *metrics) request(status int, took time.Duration) {
	m.requests.WithLabelValues(strconv.Itoa(status)).Inc()
	m.seconds.Observe(took.Seconds())
}

// judged counts verdicts by their reasons.
func (m *metrics) judged(reasons []answer.Reason) {
	for _, r := range reasons {
		m.answers.WithLabelValues(r.String()).Inc()
	}
}
