// Package openai asks servers that speak OpenAI's chat completions: vLLM, SGLang,
// llama.cpp, Ollama and hosted ones. [Client.Model] is an [agent.Model] with bounded
// concurrency, a deadline for each attempt, and patience: what may go better the next
// time is tried again, after a wait that doubles or is the server's own Retry-After, a
// minute at most. A prompt that does not fit into the model's context is a reply cut off
// before its first word, not an error: one long problem must not end a run.
package openai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/satori-go/satori/synth/agent"
)

// A Config says where the model is and how patient a client is with it.
type Config struct {
	URL   string // with the version, such as http://127.0.0.1:8080/v1
	Model string // as the server calls it; some serve one model and take any name
	Key   string // "": the server asks for none

	InFlight int           // requests at once; 0 means 8
	Timeout  time.Duration // of one attempt; 0 means 5 minutes
	Attempts int           // at one request; 0 means 20, a quarter of an hour of waiting
	Wait     time.Duration // before the second attempt, then doubled up to a minute; 0 means a second

	// Fields are put into each request as they are, such as top_p. With
	// max_completion_tokens among them, which some hosted models want, max_tokens is
	// not sent.
	Fields map[string]any
}

// A Client is a Config made ready.
type Client struct {
	config Config
	chat   openai.ChatCompletionService
	room   chan struct{} // a place for each request in flight
}

const (
	longestWait = time.Minute
	largestBody = 16 << 20 // of an answer
)

// New checks a Config. It asks the server for nothing and reads no environment.
func New(c Config) (*Client, error) {
	c.InFlight = cmp.Or(c.InFlight, 8)
	c.Timeout = cmp.Or(c.Timeout, 5*time.Minute)
	c.Attempts = cmp.Or(c.Attempts, 20)
	c.Wait = cmp.Or(c.Wait, time.Second)
	var faults []error
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		faults = append(faults, fmt.Errorf("openai: URL is %q, want something like http://127.0.0.1:8080/v1", c.URL))
	}
	if c.InFlight < 0 || c.Timeout < 0 || c.Attempts < 0 || c.Wait < 0 {
		faults = append(faults, errors.New("openai: InFlight, Timeout, Attempts and Wait cannot be negative"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = c.InFlight
	options := []option.RequestOption{
		option.WithBaseURL(c.URL),
		option.WithHTTPClient(&http.Client{Transport: transport}),
		option.WithMaxRetries(0), // ask does it, and counts
		option.WithMiddleware(bounded),
	}
	if c.Key != "" {
		options = append(options, option.WithAPIKey(c.Key))
	}
	for name, value := range c.Fields {
		options = append(options, option.WithJSONSet(name, value))
	}
	return &Client{config: c, chat: openai.NewChatCompletionService(options...), room: make(chan struct{}, c.InFlight)}, nil
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

// Model is an [agent.Model]. Its error says what the last attempt met.
func (c *Client) Model(ctx context.Context, r agent.Request) (agent.Reply, error) {
	select {
	case c.room <- struct{}{}:
		defer func() { <-c.room }()
	case <-ctx.Done():
		return agent.Reply{}, ctx.Err()
	}
	for attempt := 1; ; attempt++ {
		reply, err := c.once(ctx, r)
		if err == nil {
			reply.Retries = attempt - 1
			return reply, nil
		}
		if ctx.Err() != nil {
			return agent.Reply{}, ctx.Err()
		}
		wait, again := patience(err, c.config.Wait, attempt)
		if !again || attempt >= c.config.Attempts {
			return agent.Reply{}, fmt.Errorf("openai: %s: attempt %d of %d: %w", c.config.URL, attempt, c.config.Attempts, err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return agent.Reply{}, ctx.Err()
		}
	}
}

// once is one attempt.
func (c *Client) once(ctx context.Context, r agent.Request) (agent.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
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
	case ctx.Err() == context.DeadlineExceeded:
		return agent.Reply{}, fmt.Errorf("no answer within %v", c.config.Timeout)
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

// tooLong tells a prompt that does not fit, in the words of OpenAI and vLLM (the first
// two) and of llama.cpp.
func tooLong(err error) bool {
	var refused *openai.Error
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusBadRequest {
		return false
	}
	return refused.Code == "context_length_exceeded" || strings.Contains(refused.Message, "maximum context length") || refused.Type == "exceed_context_size_error"
}

// said adds the server's own words to an error of the library, which leaves them out.
func said(err error) error {
	var refused *openai.Error
	if !errors.As(err, &refused) {
		return err
	}
	if words := cmp.Or(refused.Message, refused.RawJSON()); words != "" {
		return fmt.Errorf("%w: %.300s", err, words)
	}
	return err
}

// patience tells whether it may go better the next time, and when that is. Refused
// requests (4xx) stay refused, but for 408, 409, 425 and 429; what is no answer of the
// API at all, such as half a body or a page in HTML, may be a proxy's and pass.
func patience(err error, first time.Duration, attempt int) (wait time.Duration, again bool) {
	wait = min(first<<min(attempt-1, 16), longestWait)
	wait = wait/2 + rand.N(wait/2+1) // so that not all come back at once
	var refused *openai.Error
	if !errors.As(err, &refused) {
		return wait, true
	}
	switch code := refused.StatusCode; {
	case code >= 500, code == http.StatusRequestTimeout, code == http.StatusConflict, code == http.StatusTooEarly:
		again = true
	case code == http.StatusTooManyRequests:
		// A quota that is used up is no matter of minutes.
		again = refused.Code != "insufficient_quota"
	}
	if refused.Response != nil {
		if asked, ok := retryAfter(refused.Response.Header.Get("Retry-After")); ok {
			wait = min(asked, longestWait)
		}
	}
	return wait, again
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(header string) (time.Duration, bool) {
	if header = strings.TrimSpace(header); header == "" {
		return 0, false
	}
	if seconds, err := time.ParseDuration(header + "s"); err == nil && seconds >= 0 {
		return seconds, true
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, time.Until(at)), true
	}
	return 0, false
}
