// Package openai asks servers that speak OpenAI's chat completions: vLLM, SGLang,
// llama.cpp, Ollama and hosted ones. [Client.Model] is an [agent.Model] with bounded
// concurrency and a deadline for each attempt. A request that may succeed later is tried
// again, after a wait that doubles or is the server's own Retry-After, a minute at most. A
// prompt that does not fit into the model's context is a reply cut off before its first
// word, not an error: one long problem must not end a run.
package openai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/satori-go/satori/model/retry"
	"github.com/satori-go/satori/synth/agent"
)

// A Config says where the model is and how patient a client is with it.
type Config struct {
	URL   string // with the version, such as http://127.0.0.1:8080/v1
	Model string // as the server calls it; some serve one model and take any name
	Key   string // "": the server needs none

	MaxConcurrent int           // requests at once; 0: 8
	Timeout       time.Duration // of one attempt; 0: 5 minutes
	Attempts      int           // at one request; 0: 20, a quarter of an hour of waiting
	Wait          time.Duration // before the second attempt, then doubled up to a minute; 0: a second

	// Fields are written into each request as they are, such as top_p. With
	// max_completion_tokens among them, which some hosted models want, max_tokens is
	// not sent.
	Fields map[string]any
}

// A Client asks one model of one server.
type Client struct {
	config Config
	chat   openai.ChatCompletionService
	gate   *retry.Gate
}

const largestBody = 16 << 20 // of an answer

// New makes a client. It sends nothing to the server and reads no environment variables.
func New(c Config) (*Client, error) {
	gate, err := retry.New(retry.Policy{MaxConcurrent: c.MaxConcurrent, Timeout: c.Timeout, Attempts: c.Attempts, Wait: c.Wait})
	var faults []error
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		faults = append(faults, fmt.Errorf("openai: URL is %q, want something like http://127.0.0.1:8080/v1", c.URL))
	}
	if err != nil {
		faults = append(faults, fmt.Errorf("openai: %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = cmp.Or(c.MaxConcurrent, 8)
	options := []option.RequestOption{
		option.WithBaseURL(c.URL),
		option.WithHTTPClient(&http.Client{Transport: transport}),
		option.WithMaxRetries(0), // the gate does it, and counts
		option.WithMiddleware(bounded),
	}
	if c.Key != "" {
		options = append(options, option.WithAPIKey(c.Key))
	}
	for name, value := range c.Fields {
		options = append(options, option.WithJSONSet(name, value))
	}
	return &Client{config: c, chat: openai.NewChatCompletionService(options...), gate: gate}, nil
}

// bounded keeps an endless answer from filling the memory.
func bounded(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	answer, err := next(r)
	if answer != nil && answer.Body != nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, largestBody), answer.Body}
	}
	return answer, err
}

// Model answers a request. It is an [agent.Model]. Its error is that of the last attempt.
func (c *Client) Model(ctx context.Context, r agent.Request) (agent.Reply, error) {
	var reply agent.Reply
	retries, err := c.gate.Do(ctx, func(ctx context.Context) (err error) {
		reply, err = c.once(ctx, r)
		return err
	})
	switch {
	case err == nil:
		reply.Retries = retries
		return reply, nil
	case ctx.Err() != nil:
		return agent.Reply{}, ctx.Err()
	}
	return agent.Reply{}, fmt.Errorf("openai: %s: %w", c.config.URL, err)
}

// once makes one attempt.
func (c *Client) once(ctx context.Context, r agent.Request) (agent.Reply, error) {
	params := openai.ChatCompletionNewParams{
		Model:       c.config.Model,
		Temperature: openai.Float(r.Temperature),
		Seed:        openai.Int(int64(r.Seed & 0x7fffffff)), // what every server takes
	}
	if _, other := c.config.Fields["max_completion_tokens"]; !other {
		params.MaxTokens = openai.Int(int64(r.MaxTokens))
	}
	if len(r.Stop) > 0 {
		params.Stop.OfStringArray = r.Stop
	}
	if r.System != "" {
		params.Messages = append(params.Messages, openai.SystemMessage(r.System))
	}
	params.Messages = append(params.Messages, openai.UserMessage(r.User))
	answer, err := c.chat.New(ctx, params)
	switch {
	case err != nil && tooLong(err):
		return agent.Reply{Truncated: true}, nil
	case err != nil:
		return agent.Reply{}, said(err)
	case len(answer.Choices) == 0:
		return agent.Reply{}, fmt.Errorf("the answer has no choices: %.200s", answer.RawJSON())
	}
	choice := answer.Choices[0]
	if choice.Message.Content == "" && choice.FinishReason == "" {
		return agent.Reply{}, fmt.Errorf("the answer has no message: %.200s", answer.RawJSON())
	}
	return agent.Reply{
		Text:         choice.Message.Content,
		Truncated:    choice.FinishReason == "length",
		PromptTokens: int(answer.Usage.PromptTokens),
		Tokens:       int(answer.Usage.CompletionTokens),
	}, nil
}

// tooLong reports whether a prompt does not fit, by the words of OpenAI and vLLM (the first
// two) and of llama.cpp.
func tooLong(err error) bool {
	var refused *openai.Error
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusBadRequest {
		return false
	}
	return refused.Code == "context_length_exceeded" || strings.Contains(refused.Message, "maximum context length") ||
		refused.Type == "exceed_context_size_error"
}

// said adds the server's own words to an error of the library, which leaves them out.
func said(err error) error {
	var refused *openai.Error
	if !errors.As(err, &refused) {
		return err
	}
	if words := cmp.Or(refused.Message, refused.RawJSON()); words != "" {
		err = fmt.Errorf("%w: %.300s", err, words)
	}
	// A quota that is used up does not come back within minutes.
	r := &retry.Refused{Status: refused.StatusCode, Final: refused.Code == "insufficient_quota", Err: err}
	if refused.Response != nil {
		r.Header = refused.Response.Header
	}
	return r
}
