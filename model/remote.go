package model

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/satori-go/satori/model/retry"
)

// A RemoteConfig says where a model is served and how patient to be with the server.
type RemoteConfig struct {
	URL   string // with the version, such as http://127.0.0.1:8080/v1
	Model string // as the server calls it; some serve one model and take any name
	Key   string // "": the server asks for none

	InFlight int           // completions asked for at once; 0 means 8
	Timeout  time.Duration // of one attempt; 0 means 5 minutes
	Attempts int           // at one completion; 0 means 20, a quarter of an hour of waiting
	Wait     time.Duration // before the second attempt, then doubled up to a minute; 0 means a second

	// Reported says what the server's log-probabilities are of. llama.cpp is asked for
	// what fits, whatever stands here.
	Reported Reported
	// Fields are put into each request as they are.
	Fields map[string]any
}

// Reported names the distribution that a server's log-probabilities are of, which its
// answers do not tell.
type Reported int

const (
	Raw      Reported = iota // the model's own, at temperature 1: vLLM's default
	Tempered                 // at the temperature, before top-k, top-p and min-p: SGLang's default
	Drawn                    // after all of them: vLLM with --logprobs-mode processed_logprobs
)

// A Remote is a [Sampler] over a server that speaks OpenAI's completions and gives token
// ids and log-probabilities with them. It reads three shapes of an answer's choices:
//
//   - logprobs.content[] with id and logprob or prob, as llama.cpp's server has it;
//   - token_ids beside logprobs.token_logprobs: vLLM and SGLang, asked with return_token_ids;
//   - logprobs.tokens of the form "token_id:17": vLLM before that, asked with
//     return_tokens_as_token_ids.
//
// A server that gives no ids is an error: text does not tell which tokens were sampled.
//
// Each completion is a request of its own, with a seed of its own. A seed gives the same
// tokens where the server's arithmetic does not depend on what else it is doing, which
// none of these servers promises. What a Remote knows about log-probabilities is what the
// server says about the weights that it serves, quantised ones for instance: learning from
// ratios takes those of the trainer's own graph. [Completion.LogProbs] is nil where the
// server reports another distribution than was drawn from (see Reported), and Plain where
// it does not report that. Whether the token that ended a completion is among its tokens
// is the server's choice: it is with vLLM and SGLang, and not with llama.cpp.
type Remote struct {
	config RemoteConfig
	client *http.Client
	gate   *retry.Gate
}

// largestAnswer bounds what is read of an answer.
const largestAnswer = 64 << 20

// NewRemote checks a configuration. It asks the server for nothing.
func NewRemote(c RemoteConfig) (*Remote, error) {
	var faults []error
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		faults = append(faults, fmt.Errorf("model: remote: URL is %q, want something like http://127.0.0.1:8080/v1", c.URL))
	}
	if c.Reported < Raw || c.Reported > Drawn {
		faults = append(faults, fmt.Errorf("model: remote: Reported is %d", c.Reported))
	}
	gate, err := retry.New(retry.Policy{InFlight: c.InFlight, Timeout: c.Timeout, Attempts: c.Attempts, Wait: c.Wait})
	if err != nil {
		faults = append(faults, fmt.Errorf("model: remote: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	c.URL = strings.TrimRight(c.URL, "/")
	client := &http.Client{Transport: http.DefaultTransport}
	if t, ok := client.Transport.(*http.Transport); ok { // a program may have put its own there
		t = t.Clone()
		t.MaxIdleConnsPerHost = cmp.Or(c.InFlight, 8)
		client.Transport = t
	}
	return &Remote{config: c, client: client, gate: gate}, nil
}

// Close lets go of idle connections.
func (m *Remote) Close() { m.client.CloseIdleConnections() }

// Sample completes one request. Its error says what the last attempt met.
func (m *Remote) Sample(ctx context.Context, r Request) ([]Completion, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("model: remote: %w", err)
	}
	done := make([]Completion, max(1, r.N))
	err := together(ctx, len(done), func(ctx context.Context, i int) error {
		one := r
		one.Seed = Mix(r.Seed, uint64(i))
		_, err := m.gate.Do(ctx, func(ctx context.Context) (err error) {
			done[i], err = m.once(ctx, one)
			return err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("model: remote: %s: %w", m.config.URL, err)
	}
	return done, nil
}

// once is one attempt at one completion.
func (m *Remote) once(ctx context.Context, r Request) (Completion, error) {
	// What llama.cpp reports after its samplers is what was drawn from. For the plain
	// distribution its log-probabilities are more exact, and greedy ones are of that.
	after := r.Temperature > 0 && (r.Temperature != 1 || r.truncates())
	topK, topP := r.TopK, r.TopP
	if topK == 0 {
		topK = -1 // every server's word for none; 0 is not SGLang's
	}
	if topP == 0 {
		topP = 1
	}
	question := map[string]any{
		"model": m.config.Model, "prompt": r.Prompt, "max_tokens": r.MaxTokens, "n": 1, "seed": r.Seed & 0x7fffffff, // what every server takes
		"temperature": r.Temperature, "top_k": topK, "top_p": topP, "min_p": r.MinP, "logprobs": 1,
		"stop_token_ids": r.Stop,
		// Of vLLM and SGLang, of older vLLM, and of llama.cpp, whose own order of samplers has
		// the temperature last. Each passes over what it does not know.
		"return_token_ids": true, "return_tokens_as_token_ids": true,
		"post_sampling_probs": after, "samplers": []string{"temperature", "top_k", "top_p", "min_p"},
	}
	if r.Stop == nil {
		delete(question, "stop_token_ids")
	}
	maps.Copy(question, m.config.Fields)
	var answer struct{ Choices []remoteChoice }
	if err := m.ask(ctx, m.config.URL+"/completions", question, &answer, false); err != nil {
		return Completion{}, err
	}
	if len(answer.Choices) == 0 {
		return Completion{}, errors.New("the answer has no choices")
	}
	return answer.Choices[0].completion(r, m.config.Reported)
}

// remoteChoice is a choice of an answer in all of the shapes that a Remote reads.
type remoteChoice struct {
	FinishReason string  `json:"finish_reason"`
	TokenIDs     []int32 `json:"token_ids"`
	LogProbs     *struct {
		Content []struct {
			ID      *int32
			LogProb *float64
			Prob    *float64 // after sampling
		}
		Tokens        []string
		TokenLogProbs []*float64 `json:"token_logprobs"`
	}
}

// completion reads a choice.
func (c remoteChoice) completion(r Request, reported Reported) (Completion, error) {
	broken := func(format string, args ...any) (Completion, error) {
		return Completion{}, &retry.Refused{Final: true, Err: fmt.Errorf(format, args...)}
	}
	switch c.FinishReason {
	case "length", "stop":
	case "": // what a proxy cut off; it may go better
		return Completion{}, errors.New("the answer has no finish_reason")
	default:
		return Completion{}, fmt.Errorf("the completion ended with finish_reason %q", c.FinishReason)
	}
	if c.LogProbs == nil {
		return broken("the answer has no log-probabilities")
	}
	ids, logp := c.TokenIDs, make([]float32, 0, len(c.TokenIDs))
	switch l := c.LogProbs; {
	case l.Content != nil:
		ids = nil
		for i, t := range l.Content {
			switch {
			case t.ID == nil:
				return broken("logprobs.content[%d] has no id", i)
			case t.Prob != nil:
				logp, reported = append(logp, float32(math.Log(*t.Prob))), Drawn
			case t.LogProb != nil:
				logp, reported = append(logp, float32(*t.LogProb)), Raw
			default:
				return broken("logprobs.content[%d] has neither logprob nor prob", i)
			}
			ids = append(ids, *t.ID)
		}
	default:
		if ids == nil {
			for i, token := range l.Tokens {
				var id int32
				if n, err := fmt.Sscanf(token, "token_id:%d", &id); n != 1 || err != nil {
					return broken("logprobs.tokens[%d] is %q and there are no token_ids: the server gives no token ids, and text does not tell them", i, token)
				}
				ids = append(ids, id)
			}
		}
		for i, x := range l.TokenLogProbs {
			if x == nil {
				return broken("logprobs.token_logprobs[%d] is null", i)
			}
			logp = append(logp, float32(*x))
		}
	}
	if len(ids) != len(logp) || len(ids) > r.MaxTokens {
		return broken("the answer has %d token ids and %d log-probabilities for max_tokens %d", len(ids), len(logp), r.MaxTokens)
	}
	done := Completion{Tokens: ids, Truncated: c.FinishReason == "length"}
	for i, id := range ids {
		if r.stops(id) { // llama.cpp does not know the stops of a request
			done.Tokens, logp, done.Truncated = ids[:i+1], logp[:i+1], false
			break
		}
	}
	// Greedy log-probabilities are those at temperature 1.
	plain := reported == Tempered && r.Temperature > 0 || reported == Raw && (r.Temperature == 0 || r.Temperature == 1)
	switch {
	case reported == Drawn && r.Temperature > 0, plain && !r.truncates():
		done.LogProbs = logp
	case plain:
		done.Plain = logp
	}
	return done, nil
}

// ask posts a question and reads the answer, which may be empty or not.
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
