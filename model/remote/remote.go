// Package remote samples from models behind servers: vLLM, SGLang, llama.cpp's server, and
// others that give token ids and log-probabilities. It also has a server take new weights.
package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/satori-go/satori/model/retry"
	"github.com/satori-go/satori/model/sampler"
)

// A Config says where a model is served and how long to wait for the server.
type Config struct {
	URL   string // with the version, such as http://127.0.0.1:8080/v1
	Model string // as the server calls it; some serve one model and take any name
	Key   string // "": the server asks for none

	MaxConcurrent int           // completions asked for at once; 0: 8
	Timeout       time.Duration // of one attempt; 0: 5 minutes
	Attempts      int           // at one completion; 0: 20, a quarter of an hour of waiting
	Wait          time.Duration // before the second attempt, then doubled up to a minute; 0: a second

	// LogProbs says which distribution the server's log-probabilities are of. A server of
	// llama.cpp is asked for the one that is wanted, whatever stands here.
	LogProbs LogProbsMode
	// Fields are put into each request as they are.
	Fields map[string]any
}

// A LogProbsMode names the distribution that a server's log-probabilities are of. Its answers
// do not tell, so the program has to. The names are those of vLLM and SGLang.
type LogProbsMode int

// With a temperature of 1 and no filters all modes are the same.
const (
	// RawLogProbs are the model's own, at temperature 1: vLLM's default (raw_logprobs).
	RawLogProbs LogProbsMode = iota
	// TempScaledLogProbs are at the request's temperature, before top-k, top-p and min-p:
	// SGLang's default.
	TempScaledLogProbs
	// ProcessedLogProbs are at the request's temperature and after the filters: vLLM's with
	// --logprobs-mode processed_logprobs.
	ProcessedLogProbs
)

// A Remote is a [sampler.Sampler] over a server that speaks OpenAI's completions and gives
// token ids and log-probabilities with them. It reads three forms of an answer:
//
//   - logprobs.content[] with id and logprob or prob: llama.cpp's server;
//   - token_ids beside logprobs.token_logprobs: vLLM and SGLang, asked with return_token_ids;
//   - logprobs.tokens of the form "token_id:17": earlier versions of vLLM, asked with
//     return_tokens_as_token_ids.
//
// A server that gives no ids is an error, because text does not tell which tokens were sampled.
//
// # Seeds
//
// Each completion is a request of its own, with a seed of its own. A seed gives the same tokens
// only where the server's arithmetic does not depend on its other requests. None of these
// servers promises that.
//
// # Log-probabilities
//
// They are the server's, of the weights that it serves, which may be quantised. A trainer
// computes those of its own graph for its ratios. The difference of both is a divergence that
// it can report: where [sampler.Completion.LogProbs] is not nil, it is of the distribution that
// the token was drawn from, as the trainer's is. LogProbs is nil where the server reports
// another distribution, and UnfilteredLogProbs where the server reports neither:
//
//	                     temperature 1   another temperature   greedy
//	RawLogProbs          LogProbs        nil                   LogProbs
//	TempScaledLogProbs   LogProbs        LogProbs              nil
//	ProcessedLogProbs    LogProbs        LogProbs              nil
//
// With filters (top-k, top-p, min-p) the first two modes give UnfilteredLogProbs in place of
// LogProbs. To train at a temperature other than 1 over vLLM, start it with --logprobs-mode
// processed_logprobs and set ProcessedLogProbs.
//
// # Ends
//
// Whether the token that ended a completion is among its tokens is the server's choice: vLLM
// and SGLang include it, llama.cpp does not.
type Remote struct {
	config Config
	client *http.Client
	gate   *retry.Gate
}

// largestAnswer bounds what is read of an answer.
const largestAnswer = 64 << 20

// New makes a Remote. It checks the configuration and asks the server for nothing.
func New(c Config) (*Remote, error) {
	var faults []error
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		faults = append(faults, fmt.Errorf("remote: URL is %q, want something like http://127.0.0.1:8080/v1", c.URL))
	}
	if c.LogProbs < RawLogProbs || c.LogProbs > ProcessedLogProbs {
		faults = append(faults, fmt.Errorf("remote: LogProbs is %d, want RawLogProbs, TempScaledLogProbs or ProcessedLogProbs", c.LogProbs))
	}
	gate, err := retry.New(retry.Policy{MaxConcurrent: c.MaxConcurrent, Timeout: c.Timeout, Attempts: c.Attempts, Wait: c.Wait})
	if err != nil {
		faults = append(faults, fmt.Errorf("remote: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	c.URL = strings.TrimRight(c.URL, "/")
	client := &http.Client{Transport: http.DefaultTransport}
	if t, ok := client.Transport.(*http.Transport); ok { // a program may have put its own there
		t = t.Clone()
		t.MaxIdleConnsPerHost = cmp.Or(c.MaxConcurrent, 8)
		client.Transport = t
	}
	return &Remote{config: c, client: client, gate: gate}, nil
}

// Close closes idle connections.
func (m *Remote) Close() { m.client.CloseIdleConnections() }

// Sample completes one request. Its error says what the last attempt met.
func (m *Remote) Sample(ctx context.Context, r sampler.Request) ([]sampler.Completion, error) {
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("remote: %w", err)
	}
	requests := make([]sampler.Request, max(1, r.N))
	for i := range requests {
		requests[i] = r
		requests[i].N, requests[i].Seed = 1, sampler.FoldIn(r.Seed, uint64(i))
	}
	each, err := sampler.All(ctx, single{m}, requests)
	if err != nil {
		return nil, fmt.Errorf("remote: %s: %w", m.config.URL, err)
	}
	return slices.Concat(each...), nil
}

// single is the sampler of requests for one completion, each with the seed that it has.
type single struct{ *Remote }

// Sample makes one completion, with as many attempts as the configuration allows.
func (m single) Sample(ctx context.Context, r sampler.Request) ([]sampler.Completion, error) {
	var c sampler.Completion
	_, err := m.gate.Do(ctx, func(ctx context.Context) (err error) {
		c, err = m.once(ctx, r)
		return err
	})
	return []sampler.Completion{c}, err
}

// once makes one attempt at one completion.
func (m *Remote) once(ctx context.Context, r sampler.Request) (sampler.Completion, error) {
	var answer struct{ Choices []choice }
	if err := m.ask(ctx, m.config.URL+"/completions", m.question(r), &answer, false); err != nil {
		return sampler.Completion{}, err
	}
	if len(answer.Choices) == 0 {
		return sampler.Completion{}, errors.New("the answer has no choices")
	}
	return answer.Choices[0].completion(r, m.config.LogProbs)
}

// question returns the fields of a request to /completions.
func (m *Remote) question(r sampler.Request) map[string]any {
	// llama.cpp reports probabilities before or after its samplers. After them they are those
	// that the token was drawn from. Before them they are more exact, and the same where the
	// samplers change nothing.
	after := r.Temperature > 0 && (r.Temperature != 1 || r.Filters())
	topK, topP := r.TopK, r.TopP
	if topK == 0 {
		topK = -1 // means none to every server; 0 does not to SGLang
	}
	if topP == 0 {
		topP = 1
	}
	question := map[string]any{
		"model": m.config.Model, "prompt": r.Prompt, "max_tokens": r.MaxTokens, "n": 1, "seed": r.Seed & 0x7fffffff, // which every server takes
		"temperature": r.Temperature, "top_k": topK, "top_p": topP, "min_p": r.MinP, "logprobs": 1,
		"stop_token_ids": r.Stop,
		// Of vLLM and SGLang, of earlier vLLM, and of llama.cpp, whose own order of samplers has
		// the temperature last. Each server ignores what it does not know.
		"return_token_ids": true, "return_tokens_as_token_ids": true,
		"post_sampling_probs": after, "samplers": []string{"temperature", "top_k", "top_p", "min_p"},
	}
	if r.Stop == nil {
		delete(question, "stop_token_ids")
	}
	maps.Copy(question, m.config.Fields)
	return question
}

// ask posts a question and reads the answer, which may have no body where empty is true.
func (m *Remote) ask(ctx context.Context, address string, question, answer any, empty bool) error {
	body, err := json.Marshal(question)
	if err != nil {
		return &retry.Refused{Final: true, Err: err}
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return &retry.Refused{Final: true, Err: err}
	}
	post.Header.Set("Content-Type", "application/json")
	if m.config.Key != "" {
		post.Header.Set("Authorization", "Bearer "+m.config.Key)
	}
	got, err := m.client.Do(post)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, largestAnswer))
	if got.StatusCode != http.StatusOK {
		return &retry.Refused{Status: got.StatusCode, Header: got.Header, Err: fmt.Errorf("%s: %.300s", got.Status, bytes.TrimSpace(text))}
	}
	if err != nil {
		return err
	}
	if empty && len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%w in the answer %.200q", err, text)
	}
	return nil
}
